import type { Move, Side, Target } from '../../machines/moves.ts';
import type { RecordState } from '../../machines/record.ts';
import { type ErrorCode, HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Content } from '../record/content.ts';
import type { Key } from '../record/key.ts';
import { checkEntity } from '../store/check.ts';
import {
  atomicTogether,
  type Busy,
  type Mutation,
  type Outcome,
  type Store,
  type UnitOutcome,
} from '../store/store.ts';
import { nextMove } from './decide.ts';
import { type Fence, Fenced } from './fence.ts';
import { type Actor, heldAfter, isTrueCopy, type Write, writesOf } from './moves.ts';
import type { Pacer } from './pace.ts';
import { hold, mismatch, other, type Pair, peerOf, roleOf, stateOf } from './pair.ts';

/**
 * Brings a page of records to their targets: decide for all, commit all, look again at those that lost. Each commit
 * carries one move of each record, so journalling costs bytes and not round trips.
 *
 * Safe in any order and at any crash, because every write is a compare-and-set against what this worker held (rule 3)
 * and a side is replaced only if its peer was observed while it was held (rule 2). What is lost is looked at again.
 */
export interface Item {
  readonly pair: Pair;
  readonly target: Target;
  /**
   * Under a campaign by group: where it goes instead as long as it is behind. Asked anew at each look: what somebody else
   * has switched meanwhile is never called back by it.
   */
  readonly behindTo?: ((pair: Pair) => Target) | undefined;
  /** Filled in at the end. */
  result?: Result;
  /** Moves made on this record here. */
  moves: number;
  /** The answer to a move was lost: it may still land. */
  doubtful?: boolean;
  /** Nobody has looked at T yet: its insert finds out. */
  guessed?: boolean;
  /** A move lost, or may have. */
  lost?: true;
  /** Since when its group has kept it waiting. */
  coolsSince?: number;
  /** The content that this worker wrote here last. */
  wrote?: Content;
  /** The content of S for which `pair.keys.T` is known to be the target. */
  mapped?: Content;
}

export type Result =
  /** Nothing more to do: the state it rests in. */
  | { readonly status: 'rest'; readonly state: RecordState }
  /** It kept changing: the next sweep will see. */
  | { readonly status: 'unresolved'; readonly state: RecordState }
  | { readonly status: 'failed'; readonly code: ErrorCode; readonly message: string };

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

/** Throws `Fenced` when the campaign has gone on: what was not committed by then is not. */
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

interface Planned {
  readonly item: Item;
  readonly move: Move;
  readonly writes: readonly Write[];
}

/** Where it is to go, as far as it is now. */
export const targetNow = ({ pair, target, behindTo }: Pick<Item, 'pair' | 'target' | 'behindTo'>): Target =>
  behindTo && isBehind(pair) ? behindTo(pair) : target;

/** Not switched yet, or on the way back: its truth is at the old home, or was given back to it. */
const isBehind = ({ S, T }: Pair): boolean => roleOf(S) === 'O' || roleOf(T) === 'C';

/** The next move; 'look' when a side must be observed first; undefined when the item is finished. */
function planFor(item: Item, { store, actor }: ReconcileOptions): Planned | 'look' | undefined {
  const { pair } = item;
  const elsewhere = belongsElsewhere(item);
  if (elsewhere && pair.scanned === 'S') {
    pair.keys = { S: pair.keys.S, T: elsewhere };
    return 'look';
  }
  if (elsewhere) return clearStranded(item, actor);
  const wrong = mismatch(pair, actor.campaign);
  if (wrong) {
    if (pair.replaceable !== 'both') return 'look';
    throw new HandoverError(wrong.code, wrong.detail);
  }
  const state = stateOf(pair);
  const together = atomicTogether(store.capabilities, pair.keys.S, pair.keys.T);
  const move = nextMove(state, targetNow(item), together) ?? (isAbandoned(pair, actor) ? WITHDRAW : null);
  if (!move) {
    item.result = { status: 'rest', state };
    return undefined;
  }
  if (move.type === 'quarantine') {
    // Two reads at two moments can look like a split that never was.
    if (pair.replaceable !== 'both') return 'look';
    throw new HandoverError(move.cause, `${pair.keys.S} and ${pair.keys.T}.`);
  }
  if (!mayMove(move, pair)) return 'look';
  if (move.type === 'cede' || move.type === 'promote')
    checkShadow(item, move.type === 'cede' ? other(move.at) : move.at);
  const writes = writesOf(move, pair, actor);
  // Found out here, what is too large is this record's failure; found out by the store, it would be the whole commit's.
  for (const { mutation } of writes) {
    if (mutation.op !== 'delete') checkEntity(mutation.key, mutation.content, mutation.slot, store.capabilities);
  }
  return { item, move, writes };
}

/**
 * An insert was announced here so long ago that its client must have died. To withdraw it is safe at any time: settling
 * it is a compare-and-set, which then fails.
 */
function isAbandoned({ S }: Pair, { now }: Actor): boolean {
  if (S?.slot?.role !== 'birth') return false;
  return Math.abs(now() - (S.slot.journal.at(-1)?.at ?? 0)) >= LIMITS.birthMs;
}
const WITHDRAW = { type: 'drop', at: 'S' } as const;

/** S was changed so that it maps to another key than this pair's T: that key; else undefined. */
function belongsElsewhere(item: Item): Key | undefined {
  const { pair } = item;
  if (!pair.S || item.mapped === pair.S.content) return undefined;
  const target = peerOf(pair, pair.S);
  if (!target.equals(pair.keys.T)) return target;
  item.mapped = pair.S.content;
  return undefined;
}

/** What is left at a T that S no longer maps to: S has been owner since, so a shadow or a ceded side there says nothing. */
function clearStranded(item: Item, actor: Actor): Planned | 'look' | undefined {
  const { pair } = item;
  if (pair.replaceable !== 'both') return 'look';
  if (!pair.T) {
    item.result = { status: 'rest', state: 'absent' };
    return undefined;
  }
  const role = roleOf(pair.T);
  if (role !== 'H' && role !== 'C') {
    throw new HandoverError('record.split', `${pair.keys.S} maps elsewhere, but ${pair.keys.T} is an owner too.`);
  }
  const move = { type: 'drop', at: 'T' } as const;
  return { item, move, writes: writesOf(move, pair, actor) };
}

/** Rule 2. Inserting a shadow changes no truth, and `pass` names both versions; all else replaces what must be held. */
function mayMove(move: Move & { at: Side }, pair: Pair): boolean {
  return move.type === 'copy' || move.type === 'pass' || pair.replaceable === 'both' || pair.replaceable === move.at;
}

/**
 * Before the truth passes to a shadow: that it says what its slot claims. A writer that knows nothing of slots may have
 * loaded, changed and saved it, slot and all; to promote it then would change the truth (P2).
 */
function checkShadow({ pair, wrote }: Item, side: Side): void {
  if (wrote === pair[side]!.content || isTrueCopy(pair, side)) return;
  throw new HandoverError('record.split', `${pair.keys[side]} is a copy, and was written behind the router's back.`);
}

/** Runs author code and slot decoding for one record; what it throws is that record's failure and nobody else's. */
function attempt<R>(item: Item, run: () => R): R | undefined {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof HandoverError)) throw error;
    item.result = { status: 'failed', code: error.code, message: error.detail };
    return undefined;
  }
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

/** Both sides at one moment, or, without snapshots, S, T and S again: then what is seen of both is of one moment too. */
export async function lookAgain(items: readonly Item[], store: Store): Promise<void> {
  const { snapshotReads, maxTogether, maxMutations } = store.capabilities;
  for (const part of batches(items, Math.floor((snapshotReads ? maxTogether : maxMutations) / 2))) {
    const keys = part.flatMap(({ pair }) => [pair.keys.S, pair.keys.T]);
    if (snapshotReads) {
      const found = await store.readTogether(keys);
      part.forEach((item, i) => {
        attempt(item, () => {
          item.pair.S = hold(found[2 * i]);
          item.pair.T = hold(found[2 * i + 1]);
          item.pair.replaceable = 'both';
        });
      });
    } else await lookSeparately(part, store);
  }
}

async function lookSeparately(part: readonly Item[], store: Store): Promise<void> {
  const before = await store.read(part.map(({ pair }) => pair.keys.S));
  const peers = await store.read(part.map(({ pair }) => pair.keys.T));
  const after = await store.read(part.map(({ pair }) => pair.keys.S));
  part.forEach((item, i) => {
    attempt(item, () => {
      item.pair.S = hold(after[i]);
      item.pair.T = hold(peers[i]);
      // S unchanged around the read of T: one moment. Else T was held while S was looked at, and only T may go.
      item.pair.replaceable = before[i]?.version === after[i]?.version ? 'both' : 'T';
    });
  });
}

/** Reads the peers of sides that were scanned: the scanned side was held first, so it is the one that may be replaced. */
export async function lookAtPeers(items: readonly Item[], scanned: Side, store: Store): Promise<void> {
  const peer = other(scanned);
  for (const part of batches(items, store.capabilities.maxMutations)) {
    const found = await store.read(part.map(({ pair }) => pair.keys[peer]));
    part.forEach((item, i) => {
      attempt(item, () => {
        item.pair[peer] = hold(found[i]);
        item.pair.replaceable = scanned;
      });
    });
  }
}

function* batches<E>(all: readonly E[], size: number): Generator<readonly E[]> {
  for (let i = 0; i < all.length; i += size) yield all.slice(i, i + size);
}
