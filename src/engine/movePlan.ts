import type { Move, Side } from '../../machines/moves.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Key } from '../record/key.ts';
import { checkEntity } from '../store/check.ts';
import { atomicTogether, type Store } from '../store/store.ts';
import { nextMoveUnder } from './dropping.ts';
import { type Item, targetNow } from './item.ts';
import { type Actor, isTrueCopy, type Write, writesOf } from './moves.ts';
import { mismatch, other, type Pair, peerOf, roleOf, stateOf } from './pair.ts';

export interface Planned {
  readonly item: Item;
  readonly move: Move;
  readonly writes: readonly Write[];
}

/** The next move; 'look' when a side must be observed first; undefined when the item is finished. */
export function planFor(
  item: Item,
  { store, actor }: { readonly store: Store; readonly actor: Actor },
): Planned | 'look' | undefined {
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
  const move =
    nextMoveUnder(item.drops, state, targetNow(item), together) ?? (isAbandoned(pair, actor) ? WITHDRAW : null);
  if (move === 'later') {
    item.result = { status: 'unresolved', state };
    return undefined;
  }
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
