import type { Side } from '../../machines/moves.ts';
import { STALE } from '../../machines/record.ts';
import type { Verdict } from '../define/entity.ts';
import { HandoverError } from '../errors.ts';
import type { Content } from '../record/content.ts';
import { encodeSlot, type Slot } from '../record/slot.ts';
import {
  atomicTogether,
  type Guard,
  guardOn,
  type Mutation,
  type Outcome,
  type Store,
  type UnitOutcome,
} from '../store/store.ts';
import { nextMove } from './decide.ts';
import { discardedKey } from './documents.ts';
import { Fenced } from './fence.ts';
import { type Actor, isTrueCopy, nextEntry } from './moves.ts';
import { mismatch, other, type Pair, roleOf, stateOf } from './pair.ts';

/**
 * Whether both entities of a pair claim the record, so that somebody must choose: two owners, or none, or a stranger at
 * the target, or a copy that was changed by itself. A target that another record holds is not this record's to give up.
 */
export function isClaimedTwice(pair: Pair, campaign: string): boolean {
  const { S, T } = pair;
  if (!S || !T) return false;
  const wrong = mismatch(pair, campaign);
  if (wrong) return wrong.code === 'target.occupied';
  const state = stateOf(pair);
  if (nextMove(state, 'home', false)?.type === 'quarantine') return true;
  // A copy that is known to be out of date is made anew; one that passes for fresh must say what it should.
  return state in STALE && !isTrueCopy(pair, roleOf(S) === 'H' ? 'S' : 'T');
}

/**
 * Settles a record that two entities claim: one of them is the owner from now on, and the other goes. Whatever is given
 * up is kept first, as it was, under the campaign: so a wrong choice can be undone by hand. Both sides must be seen at
 * one moment. False when one of them has changed meanwhile, or nobody knows: then look again. Throws `Fenced`.
 *
 * In this order, so that a crash in between leaves a split, which is found again, and never a record without an owner:
 * what is given up is kept; the winner says that it owns; the loser goes, where the store can say so only while the
 * winner is as it was written.
 */
export async function settleSplit(
  { store, actor, guard }: { readonly store: Store; readonly actor: Actor; readonly guard?: Guard | undefined },
  pair: Pair,
  verdict: Verdict,
): Promise<boolean> {
  const { keys } = pair;
  const keep: Side = verdict === 'old' ? 'S' : 'T';
  const lose = other(keep);
  const [winner, loser] = [pair[keep]!, pair[lose]!];
  const content = typeof verdict === 'string' ? winner.content : verdict.write;
  const given: [Side, Content][] = [[lose, loser.content]];
  if (content !== winner.content) given.push([keep, winner.content]);
  for (const [side, what] of given) {
    const key = discardedKey(actor.campaign, keys[side], pair[side]!.version);
    const [outcome] = await store.commit([{ op: 'insert', key, content: what }]);
    if (outcome!.status === 'refused') throw new HandoverError(outcome!.code, outcome!.cause);
    if (outcome!.status === 'applied') continue;
    // An attempt before may have kept the very same.
    const [kept] = await store.read([key]);
    if (!kept?.content.equals(what)) return false;
  }
  const journal = nextEntry(`resolve ${keep}`, pair, actor);
  const slot: Slot = {
    role: 'owner',
    // A tombstone that stays is one still: the record is deleted, and a sweep clears it.
    ...(winner.slot?.deleted && content === winner.content ? { deleted: true as const } : {}),
    side: keep,
    of: '',
    peer: keys[lose].toString(),
    campaign: actor.campaign,
    seq: journal.at(-1)!.seq,
    journal,
  };
  const drop: Mutation = { op: 'delete', key: keys[lose], version: loser.version };
  // Said over again by whoever comes after one that died: what the other side was to go for, then, does not hold any more.
  const own: Mutation = { op: 'update', key: keys[keep], version: winner.version, content, slot: encodeSlot(slot) };
  if (atomicTogether(store.capabilities, keys.S, keys.T)) {
    const [outcome] = await store.commitTogether([[own, drop]], guard);
    return isApplied(outcome!);
  }
  const [owned] = await store.commit([own], guard);
  if (!isApplied(owned!)) return false;
  const [dropped] = await store.commit([drop], guardOn(store, keys[keep], owned!.version));
  return dropped!.status === 'applied';
}

function isApplied<O extends Outcome | UnitOutcome>(outcome: O): outcome is O & { readonly status: 'applied' } {
  if (outcome.status === 'fenced') throw new Fenced();
  return outcome.status === 'applied';
}
