import type { FieldRule } from '../define/field.ts';
import { HandoverError, isPassing } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { Key } from '../record/key.ts';
import { sweepName, versionUnder } from './campaigns.ts';
import { type Fence, Fenced, type Hand } from './fence.ts';
import { fieldStateOf, holdField } from './field.ts';
import { settleField } from './fieldMoves.ts';
import { lookAgain } from './looks.ts';
import type { Pair } from './pair.ts';
import { isRetried, release } from './quarantine.ts';
import type { QuarantineDocument } from './schemas.ts';
import { isClaimedTwice, settleSplit } from './split.ts';
import { firstField } from './sweep.ts';

/** Causes that a choice between two entities can end. */
const SPLITS: ReadonlySet<string> = new Set(['record.split', 'record.corrupt', 'target.occupied', 'transform.split']);

/** Whether there is something to choose between. */
export const isChoice = ({ code, peer }: QuarantineDocument): boolean => SPLITS.has(code) && peer !== undefined;

/**
 * Takes off the list what `retry` and `resolve` asked for and earlier sweeps have listed. Whoever plans the sweep does it,
 * or does it again: what was asked for stands in the campaign. A choice is carried out first, so that a crash in between
 * leaves the record listed and chosen. All of it under the campaign that says so: of two operators who choose differently
 * the later one is heard, and no late hand takes off what a newer sweep goes past. What cannot be settled, for it keeps
 * changing, stays listed. Throws `Fenced`, also when the worker is to end.
 */
export async function releaseRetried(hand: Hand, fence: Fence): Promise<void> {
  const { store, look } = hand;
  const campaign = look.campaign.value;
  const { id, retries = [] } = campaign;
  if (retries.length === 0) return;
  const wanted = async (entry: QuarantineDocument): Promise<boolean> => {
    const asked = retries.filter((each) => isRetried(each, entry, campaign) && (entry.sweep ?? '') < sweepName(each));
    const keep = asked.findLast((each) => each.keep !== undefined)?.keep;
    if (keep === undefined || !isChoice(entry)) return asked.length > 0;
    return settled(entry, keep, fence, hand);
  };
  await release(store, id, wanted, fence);
}

/** Until nothing is left to choose: by this hand, or by another. */
async function settled(entry: QuarantineDocument, keep: 'old' | 'new', fence: Fence, hand: Hand): Promise<boolean> {
  const { clock, signal, migration } = hand;
  const field = migration.fields[entry.rule - firstField(migration)];
  const settle = field ? settlesField(entry, field, keep, fence, hand) : settlesPair(entry, keep, fence, hand);
  for (let attempt = 0; attempt < LIMITS.settleAttempts; attempt++) {
    if (signal.aborted) throw new Fenced();
    if (attempt > 0) await clock.sleep(LIMITS.callPauseMs, signal);
    await fence.renew();
    try {
      if (await settle()) return true;
    } catch (error) {
      if (isPassing(error) || !(error instanceof HandoverError)) throw error;
      return false;
    }
  }
  return false;
}

/** Settles it, or finds that nothing is to be chosen any more: of a record that is one again, nothing is given up. */
type Settle = () => Promise<boolean>;

function settlesPair(
  { rule, key, peer }: QuarantineDocument,
  keep: 'old' | 'new',
  fence: Fence,
  { store, clock, worker, migration, look }: Hand,
): Settle {
  const actor = { campaign: look.campaign.value.id, worker, now: () => clock.now() };
  const keys = { S: Key.parse(key), T: Key.parse(peer!) };
  const both = { S: undefined, T: undefined, replaceable: 'neither' } as const;
  const version = versionUnder(look.campaign.value);
  const pair: Pair = { rule: migration.records[rule]!, version, scanned: 'S', keys, ...both };
  return async () => {
    await lookAgain([{ pair, target: 'home', moves: 0 }], store);
    if (pair.replaceable !== 'both') return false;
    if (!isClaimedTwice(pair, actor.campaign)) return true;
    fence.check();
    return settleSplit({ store, actor, guard: fence.guard }, pair, keep);
  };
}

function settlesField(
  { key }: QuarantineDocument,
  rule: FieldRule,
  keep: 'old' | 'new',
  fence: Fence,
  { store, clock, worker, look }: Hand,
): Settle {
  const actor = { campaign: look.campaign.value.id, worker, now: () => clock.now() };
  return async () => {
    const [entity] = await store.read([Key.parse(key)]);
    const held = entity && holdField(rule, entity);
    if (!held || fieldStateOf(held) !== 'split') return true;
    fence.check();
    const outcome = await settleField({ store, actor, guard: fence.guard }, held, keep);
    if (outcome?.status === 'fenced') throw new Fenced();
    return outcome?.status === 'applied';
  };
}
