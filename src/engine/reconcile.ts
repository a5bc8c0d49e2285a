import type { Move } from '../../machines/moves.ts';
import { LIMITS } from '../limits.ts';
import type { Busy, Mutation, Outcome, Store, UnitOutcome } from '../store/store.ts';
import { type Fence, Fenced } from './fence.ts';
import { attempt, type Item } from './item.ts';
import { batches, lookAgain } from './looks.ts';
import { type Planned, planFor } from './movePlan.ts';
import { type Actor, heldAfter } from './moves.ts';
import type { Pacer } from './pace.ts';
import { other, stateOf } from './pair.ts';

export interface ReconcileOptions {
  readonly store: Store;
  readonly actor: Actor;
  readonly fence: Pick<Fence, 'guard' | 'renew' | 'check'>;
  /** Who is told what the store said, and which groups to leave alone. Unset: a dry run. */
  readonly pacer?: Pick<Pacer, 'cooling' | 'answered'> | undefined;
  /** Records whose groups are to be left alone just now are left without a result, for the caller to take up again. */
  readonly leaveCooling?: boolean | undefined;
  /** Told of the moves that were applied; for counters and logs. */
  readonly onMoves?: ((type: Move['type'], count: number) => void) | undefined;
}

/**
 * Brings a page of records to their targets: decide for all, commit all, look again at those that lost. Each commit
 * carries one move of each record, so journalling costs bytes and not round trips.
 *
 * Safe in any order and at any crash, because every write is a compare-and-set against what this worker held (rule 3)
 * and a side is replaced only if its peer was observed while it was held (rule 2). What is lost is looked at again.
 *
 * Throws `Fenced` when the campaign has gone on: what was not committed by then is not.
 */
export async function reconcile(items: readonly Item[], options: ReconcileOptions): Promise<void> {
  const { fence, store } = options;
  let open = items.filter((item) => !item.result);
  for (let round = 0; open.length > 0 && round < LIMITS.roundsPerPage; round++) {
    const { planned, stale } = planAll(open, options);
    const holdMs = () => (stale.length === 0 ? allCoolMs(planned, options) : 0);
    if (options.leaveCooling && holdMs() > 0) return giveUpOld(planned, options);
    await fence.renew(holdMs);
    // Asked after the wait: other lanes have met others in more groups meanwhile.
    const ready = readyOf(planned, options);
    await carryOut(ready, options);
    // Looked at after the commit, so that one look-up serves those that lost just now too.
    for (const { item } of ready) if (item.pair.replaceable === 'neither') stale.push(item);
    await lookAgain(stale, store);
    if (ready.length < planned.length) giveUpOld(planned, options);
    open = open.filter((item) => !item.result);
  }
  for (const item of open) giveUp(item);
}

function planAll(open: readonly Item[], options: ReconcileOptions): { planned: Planned[]; stale: Item[] } {
  const planned: Planned[] = [];
  const stale: Item[] = [];
  for (const item of open) {
    const plan = attempt(item, () => planFor(item, options));
    if (plan === 'look') stale.push(item);
    else if (plan) planned.push(plan);
  }
  return { planned, stale };
}

/** A hot group is slowed alone: how long this record is to be left out of commits. */
const coolMs = ({ item }: Planned, { pacer }: ReconcileOptions): number => pacer?.cooling.waitMs(item.pair.keys.T) ?? 0;

/** Those that may be committed now; of a group that was hot just one, to find out whether it still is. */
function readyOf(planned: readonly Planned[], options: ReconcileOptions): readonly Planned[] {
  const { pacer } = options;
  if (!pacer || pacer.cooling.size === 0) return planned;
  const tried = new Set<string>();
  return planned.filter((plan) => {
    const hot = pacer.cooling.hot(plan.item.pair.keys.T);
    if (hot === undefined) return true;
    if (tried.has(hot) || coolMs(plan, options) > 0) return false;
    tried.add(hot);
    return true;
  });
}

/** How long until the first of them may be tried; 0 when one may now, or there is none. */
function allCoolMs(planned: readonly Planned[], options: ReconcileOptions): number {
  let least = Number.POSITIVE_INFINITY;
  for (const plan of planned) {
    least = Math.min(least, coolMs(plan, options));
    if (least === 0) return 0;
  }
  return planned.length === 0 ? 0 : least;
}

/** A group that never takes a record must not hold up its range for ever: the next sweep tries again. */
function giveUpOld(planned: readonly Planned[], options: ReconcileOptions): void {
  const now = options.actor.now();
  for (const plan of planned) {
    const { item } = plan;
    if (coolMs(plan, options) > 0) item.coolsSince ??= now;
    if (item.coolsSince !== undefined && now - item.coolsSince > LIMITS.coolPatienceMs) giveUp(item);
  }
}

function giveUp(item: Item): void {
  item.result = { status: 'unresolved', state: stateOf(item.pair) };
}

async function carryOut(planned: readonly Planned[], options: ReconcileOptions): Promise<void> {
  const { store, fence } = options;
  if (planned.length === 0) return;
  fence.check();
  const single = planned.filter(({ writes }) => writes.length === 1);
  const double = planned.filter(({ writes }) => writes.length > 1);
  // The batches of one round are of different records: nothing orders them, so none waits for another.
  const singles = [...batches(single, store.capabilities.maxMutations)].map(async (part) => {
    const mutations = part.map(({ writes }) => writes[0]!.mutation);
    const outcomes = await store.commit(mutations, fence.guard);
    settle(part, outcomes.map(asUnit), options);
  });
  const doubles = [...batches(double, Math.floor(store.capabilities.maxMutations / 2))].map(async (part) => {
    const units = part.map(({ writes }) => writes.map(({ mutation }): Mutation => mutation));
    settle(part, await store.commitTogether(units, fence.guard), options);
  });
  await Promise.all([...singles, ...doubles]);
}

const asUnit = (outcome: Outcome): UnitOutcome =>
  outcome.status === 'applied' ? { status: 'applied', versions: [outcome.version] } : outcome;

function settle(part: readonly Planned[], outcomes: readonly UnitOutcome[], options: ReconcileOptions): void {
  const applied = new Map<Move['type'], number>();
  const busy: { readonly item: Item; readonly why: Busy['why'] }[] = [];
  part.forEach(({ item, move, writes }, i) => {
    const outcome = outcomes[i]!;
    const { pair } = item;
    if (outcome.status === 'refused') {
      item.result = { status: 'failed', code: outcome.code, message: outcome.cause };
      return;
    }
    if (outcome.status === 'fenced') throw new Fenced();
    // Surely not applied: what is held still is, and the same move is tried again.
    if (outcome.status === 'busy') {
      busy.push({ item, why: outcome.why });
      // A copy that stands there already would be waited for in vain.
      if (item.guessed && outcome.why === 'contention') {
        pair.replaceable = 'neither';
        item.guessed = false;
      }
      return;
    }
    // A conflict means that something changed, an unknown that something may have: forget what was held.
    if (outcome.status !== 'applied') {
      item.lost = true;
      if (outcome.status === 'unknown') item.doubtful = true;
      pair.replaceable = 'neither';
      return;
    }
    item.moves++;
    delete item.coolsSince;
    options.pacer?.cooling.cooled(pair.keys.T);
    applied.set(move.type, (applied.get(move.type) ?? 0) + 1);
    if (writes[0]!.after) item.wrote = writes[0]!.after.content;
    writes.forEach((write, w) => {
      pair[write.at] = heldAfter(write, outcome.versions[w]!);
    });
    // What this worker just wrote counts as observed: the peer was held from before, and this side is seen now.
    pair.replaceable = writes.length > 1 ? 'both' : other(writes[0]!.at);
  });
  if (busy.length > 0) backOff(part.length, busy, options);
  if (options.onMoves) for (const [type, count] of applied) options.onMoves(type, count);
}

function backOff(
  records: number,
  busy: readonly { readonly item: Item; readonly why: Busy['why'] }[],
  { pacer, actor }: ReconcileOptions,
): void {
  const contended = busy.filter(({ why }) => why === 'contention');
  const roots = new Map(contended.map(({ item }) => [item.pair.keys.T.root.toString(), item.pair.keys.T.root]));
  for (const { item } of contended) item.coolsSince ??= actor.now();
  for (const root of roots.values()) pacer?.cooling.heat(root);
  const exhausted = busy.length - contended.length;
  pacer?.answered({ records, exhausted, contended: contended.length, groups: roots.size });
}
