import type { Move, Side } from '../../machines/moves.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Content } from '../record/content.ts';
import { encodeSlot, type JournalEntry, type Slot } from '../record/slot.ts';
import type { Mutation, Version } from '../store/store.ts';
import { type Held, other, type Pair } from './pair.ts';

/** Who moves, and when: what the journal is told. */
export interface Actor {
  readonly campaign: string;
  readonly worker: string;
  readonly now: () => number;
}

/** What a side will be after a mutation is applied; undefined when it is deleted. */
export interface Write {
  readonly at: Side;
  readonly mutation: Mutation;
  readonly after: { content: Content; slot: Slot } | undefined;
}

/**
 * A move as compare-and-sets: one write, or, for `pass`, two that must be applied together.
 * Every write names the version that was held, or "must not exist"; none can replace what nobody looked at (rule 3).
 */
export function writesOf(move: Exclude<Move, { type: 'quarantine' }>, pair: Pair, actor: Actor): readonly Write[] {
  const { at } = move;
  const peer = other(at);
  const journal = nextEntry(`${move.type} ${at}`, pair, actor);
  switch (move.type) {
    case 'copy':
    case 'refresh':
    case 'demote':
      return [replace(pair, at, 'shadow', mirror(pair, at), pair[peer]!.content.fingerprint, journal, actor)];
    case 'cede':
      return [replace(pair, at, 'ceded', pair[at]!.content, pair[at]!.content.fingerprint, journal, actor)];
    case 'promote':
      return [replace(pair, at, 'owner', pair[at]!.content, pair[at]!.slot!.of, journal, actor)];
    case 'drop':
      return [remove(pair, at)];
    case 'pass': {
      if (move.leave === 'nothing')
        return [replace(pair, at, 'owner', mirror(pair, at), '', journal, actor), remove(pair, peer)];
      const of = pair[peer]!.content.fingerprint;
      return [
        replace(pair, at, 'owner', mirror(pair, at), of, journal, actor),
        replace(pair, peer, 'ceded', pair[peer]!.content, of, journal, actor),
      ];
    }
  }
}

/** The content that `at` must have to mirror its peer. */
export function mirror(pair: Pair, at: Side): Content {
  const { rule, keys } = pair;
  if (at === 'T') {
    const content = rule.forward(keys.S, pair.S!.content);
    // The way back is tried on every record before it leaves home: a reverse that fails is found out while it can wait.
    if (rule.transforms && rule.reversible) rule.backward(keys.S, content);
    return content;
  }
  if (rule.reversible) return rule.backward(keys.S, pair.T!.content);
  // No way back for the content, but none is needed where the new home still says what the old one became.
  const kept = pair.S?.content;
  if (kept && rule.forward(keys.S, kept).equals(pair.T!.content)) return kept;
  throw new HandoverError('reverse.missing', `${keys.T} was modified after the switch.`, { key: keys.T.toString() });
}

/** Whether `at` says what its peer makes of it. */
export function isTrueCopy({ rule, keys, S, T }: Pair, at: Side): boolean {
  if (at === 'S' && rule.reversible) return rule.backward(keys.S, T!.content).equals(S!.content);
  return rule.forward(keys.S, S!.content).equals(T!.content);
}

function replace(
  pair: Pair,
  at: Side,
  role: Slot['role'],
  content: Content,
  of: string,
  journal: readonly JournalEntry[],
  { campaign }: Actor,
): Write {
  const held = pair[at];
  // A client's nonce stays with its write wherever the content goes, so that a lost answer can still be settled.
  const nonce = (role === 'ceded' || role === 'owner' ? held?.slot?.nonce : undefined) ?? pair[other(at)]?.slot?.nonce;
  const slot: Slot = {
    role,
    side: at,
    of,
    peer: pair.keys[other(at)].toString(),
    campaign,
    seq: journal[journal.length - 1]!.seq,
    ...(nonce === undefined ? {} : { nonce }),
    ...(role === 'shadow' && pair.version !== undefined ? { version: pair.version } : {}),
    journal,
  };
  const key = pair.keys[at];
  const text = encodeSlot(slot);
  const mutation: Mutation = held
    ? { op: 'update', key, version: held.version, content, slot: text }
    : { op: 'insert', key, content, slot: text };
  return { at, mutation, after: { content, slot } };
}

function remove(pair: Pair, at: Side): Write {
  return { at, mutation: { op: 'delete', key: pair.keys[at], version: pair[at]!.version }, after: undefined };
}

/**
 * The pair's journal with this move at its end, the oldest entries forgotten. Whoever wrote a side held the other one, so
 * the side with the higher number has all that the other has.
 */
export function nextEntry(move: string, { S, T }: Pair, actor: Actor): readonly JournalEntry[] {
  const one = S?.slot?.campaign === actor.campaign ? S.slot : undefined;
  const two = T?.slot?.campaign === actor.campaign ? T.slot : undefined;
  const past = (one?.seq ?? -1) > (two?.seq ?? -1) ? one : two;
  return appended(past?.journal ?? NONE, {
    seq: (past?.seq ?? 0) + 1,
    move,
    at: actor.now(),
    by: actor.worker,
  });
}

/** The journal that was made last. */
let last: { readonly past: readonly JournalEntry[]; readonly journal: readonly JournalEntry[] } | undefined;

/** Records that took the same moves at the same moment share one journal, so that it is made and encoded once. */
function appended(past: readonly JournalEntry[], entry: JournalEntry): readonly JournalEntry[] {
  if (last?.past !== past || !sameEntry(last.journal[last.journal.length - 1]!, entry)) {
    last = { past, journal: [...past.slice(-(LIMITS.journalEntries - 1)), entry] };
  }
  return last.journal;
}

const NONE: readonly JournalEntry[] = [];

const sameEntry = (a: JournalEntry, b: JournalEntry): boolean =>
  a.at === b.at && a.seq === b.seq && a.move === b.move && a.by === b.by;

/** What a worker holds after its own write was applied. */
export function heldAfter(write: Write, version: Version): Held | undefined {
  return write.after && { content: write.after.content, slot: write.after.slot, version };
}
