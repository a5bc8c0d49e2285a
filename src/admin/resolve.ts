import type { Clock } from '../clock.ts';
import { list } from '../engine/documents.ts';
import type { Actor } from '../engine/moves.ts';
import type { Pair } from '../engine/pair.ts';
import { isAskedFor } from '../engine/quarantine.ts';
import { lookAgain } from '../engine/reconcile.ts';
import type { QuarantineDocument } from '../engine/schemas.ts';
import { isClaimedTwice, settleSplit } from '../engine/split.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { Key } from '../record/key.ts';
import type { Store } from '../store/store.ts';
import { type CommandContext, refused } from './change.ts';
import { definitionOf, theCampaign } from './find.ts';
import { retryAs } from './retry.ts';

export interface ResolveOptions {
  /** The home whose entity is to be the record from now on. */
  readonly keep: 'old' | 'new';
  /** One record, by its old key. */
  readonly key?: string;
  /** All that are listed with this cause. */
  readonly code?: string;
  readonly reason?: string;
}

/** Causes that a choice between two entities can end. */
const SPLITS: ReadonlySet<string> = new Set(['record.split', 'record.corrupt', 'target.occupied', 'transform.split']);

/**
 * Chooses for quarantined records that two entities claim, then has them tried again. What is given up is kept under the
 * campaign. Returns how many were resolved. Throws `record.whole` where there is nothing to choose.
 */
export async function resolve(context: CommandContext, name: string, options: ResolveOptions): Promise<number> {
  const { store, clock, by } = context;
  const { keep, reason } = options;
  if (options.key === undefined && options.code === undefined)
    throw new HandoverError('usage.invalid', 'Say --key or --code.');
  const campaign = await theCampaign(context, name);
  if (campaign.closed) throw refused(campaign, 'resolve');
  const migration = definitionOf(context, campaign);
  const entries: QuarantineDocument[] = [];
  for await (const { value } of list(store, 'quarantine', campaign.id)) {
    if (isAskedFor(options, value) && SPLITS.has(value.code) && value.peer !== undefined) entries.push(value);
  }
  if (entries.length === 0) throw new HandoverError('record.whole', `Of ${options.key ?? options.code} there is none.`);
  const actor = { campaign: campaign.id, worker: by.replace(/\W/g, '-'), now: () => clock.now() };
  for (const { rule, key, peer } of entries) {
    const keys = { S: Key.parse(key), T: Key.parse(peer!) };
    const both = { S: undefined, T: undefined, replaceable: 'neither' } as const;
    await resolveOne({ rule: migration.records[rule]!, scanned: 'S', keys, ...both }, keep, store, actor, clock);
  }
  const which = entries.map(({ key }) => ({ key }));
  const what = `resolve ${which.map(({ key }) => key).join(', ')} keep ${keep}`;
  const why = { records: entries.length, ...(reason === undefined ? {} : { reason }) };
  await retryAs(context, campaign.id, which, what, why);
  return entries.length;
}

/** Until nothing is left to choose: by this hand, or by another. */
async function resolveOne(pair: Pair, keep: 'old' | 'new', store: Store, actor: Actor, clock: Clock): Promise<void> {
  for (let attempt = 0; attempt < LIMITS.controlAttempts; attempt++) {
    await lookAgain([{ pair, target: 'home', moves: 0 }], store);
    // What was listed may have changed since: of a record that is one again, nothing is given up.
    if (pair.replaceable === 'both' && !isClaimedTwice(pair, actor.campaign)) return;
    if (pair.replaceable === 'both' && (await settleSplit({ store, actor }, pair, keep))) return;
    if (attempt > 0) await clock.sleep(LIMITS.callPauseMs);
  }
  const key = pair.keys.S.toString();
  throw new HandoverError('record.contended', `${key} kept changing.`, { key });
}
