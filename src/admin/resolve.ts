import { type CampaignDocument, list, type QuarantineDocument } from '../engine/documents.ts';
import type { Pair } from '../engine/pair.ts';
import { lookAgain } from '../engine/reconcile.ts';
import { settleSplit } from '../engine/split.ts';
import { isAskedFor } from '../engine/sweep.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { Key } from '../record/key.ts';
import { type CommandContext, definitionOf, refused, retryAs, theCampaign } from './commands.ts';

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
const SPLITS: ReadonlySet<string> = new Set(['record.split', 'record.corrupt', 'target.occupied']);

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
  definitionOf(context, campaign);
  const entries: QuarantineDocument[] = [];
  for await (const { value } of list(store, 'quarantine', campaign.id)) {
    if (isAskedFor(options, value) && SPLITS.has(value.code) && value.peer !== undefined) entries.push(value);
  }
  if (entries.length === 0) throw new HandoverError('record.whole', `Of ${options.key ?? options.code} there is none.`);
  const actor = { campaign: campaign.id, worker: by.replace(/\W/g, '-'), now: () => clock.now() };
  for (const entry of entries) {
    await resolveOne(context, campaign, entry, async (pair) => settleSplit({ store, actor }, pair, keep));
  }
  const which = entries.map(({ key }) => ({ key }));
  await retryAs(context, campaign.id, which, `resolve ${which.map(({ key }) => key).join(', ')} keep ${keep}`, reason);
  return entries.length;
}

/** Until one side is all there is: by this hand, or by another. */
async function resolveOne(
  context: CommandContext,
  campaign: CampaignDocument,
  { rule, key, peer }: QuarantineDocument,
  settle: (pair: Pair) => Promise<boolean>,
): Promise<void> {
  const migration = definitionOf(context, campaign);
  const keys = { S: Key.parse(key), T: Key.parse(peer!) };
  const pair: Pair = {
    rule: migration.records[rule]!,
    scanned: 'S',
    keys,
    S: undefined,
    T: undefined,
    replaceable: 'neither',
  };
  const item = { pair, target: 'home' as const, moves: 0 };
  for (let attempt = 0; attempt < LIMITS.controlAttempts; attempt++) {
    await lookAgain([item], context.store);
    if (!pair.S || !pair.T) return;
    if (pair.replaceable === 'both' && (await settle(pair))) return;
    if (attempt > 0) await context.clock.sleep(LIMITS.callPauseMs);
  }
  throw new HandoverError('record.contended', `${key} kept changing.`, { key });
}
