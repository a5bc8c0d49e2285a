import type { Content } from './content.ts';
import type { Role, Slot } from './slot.ts';

/**
 * Who holds the truth of a record, by what stands at its old home S and its new home T: the authority table of
 * docs/PROTOCOL.md. Guards the invariants
 * - P1: never two owners, never two ceded, save a split made by a writer outside the router
 * - P2: no move of the engine changes the truth, so every row that a move leads to must say what the one before it said
 * - P3: a read answers from the side named here, seen in one snapshot or held while its peer was looked at
 */
export type Truth =
  | { readonly kind: 'owner'; readonly at: 'S' | 'T'; readonly deleted: boolean }
  /** The frozen content at `at` is the truth until its peer is promoted; `birth`: a late insert stands in the way. */
  | { readonly kind: 'ceded'; readonly at: 'S' | 'T'; readonly peer: 'missing' | 'shadow' | 'birth' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'split' }
  | { readonly kind: 'corrupt' };

/** What stands at one home; undefined when nothing does. */
export type Side =
  | { readonly role: Role; readonly deleted?: true; readonly content: Content; readonly of: string }
  | undefined;

/** An entity without a slot is an owner: it was never touched, or its campaign is over. */
export function sideOf(content: Content | undefined, slot: Slot | undefined): Side {
  if (content === undefined) return undefined;
  if (slot === undefined) return { role: 'owner', content, of: '' };
  return { role: slot.role, ...(slot.deleted ? { deleted: true as const } : {}), content, of: slot.of };
}

/** Nothing, owner, tombstone (an owner that says "deleted"), shadow, ceded, birth. */
export type SideLetter = '-' | 'O' | 'X' | 'H' | 'C' | 'B';

export function letterOf(side: Pick<NonNullable<Side>, 'role' | 'deleted'> | undefined): SideLetter {
  if (side === undefined) return '-';
  if (side.role === 'owner') return side.deleted ? 'X' : 'O';
  return LETTERS[side.role];
}

const LETTERS = { shadow: 'H', ceded: 'C', birth: 'B' } as const;

export function truth(S: Side, T: Side): Truth {
  return AUTHORITY[`${letterOf(S)}${letterOf(T)}`].truth;
}

export interface AuthorityRow {
  readonly label: string;
  readonly truth: Truth;
  readonly reason: string;
}

const row = (label: string, truth: Truth, reason: string): AuthorityRow => ({ label, truth, reason });
const owner = (at: 'S' | 'T'): Truth => ({ kind: 'owner', at, deleted: false });
const tombstone = (at: 'S' | 'T'): Truth => ({ kind: 'owner', at, deleted: true });
const ceded = (at: 'S' | 'T', peer: 'missing' | 'shadow' | 'birth'): Truth => ({ kind: 'ceded', at, peer });
const absent: Truth = { kind: 'absent' };
const split: Truth = { kind: 'split' };
const corrupt: Truth = { kind: 'corrupt' };

/** One row for each pair, S first. */
export const AUTHORITY: Readonly<Record<`${SideLetter}${SideLetter}`, AuthorityRow>> = {
  '--': row('absent', absent, 'No entity at either home.'),
  '-O': row('completed', owner('T'), 'The only entity is the owner.'),
  '-X': row('deleted', tombstone('T'), 'The tombstone is all that is left; the sweep drops it.'),
  '-H': row('orphan', absent, 'A shadow is a copy, never the truth: its owner was deleted.'),
  '-C': row('handing back', ceded('T', 'missing'), 'T gave the truth away, S lost its shadow: frozen T is true.'),
  '-B': row('stray birth', absent, 'A birth says nothing until it is settled; at T none is ever announced.'),

  'O-': row('at home', owner('S'), 'The only entity is the owner.'),
  OO: row('split', split, 'Two owners: a writer outside the router. Never choose silently (P1).'),
  OX: row('split', split, 'One home says deleted, the other does not: also two owners (P1).'),
  OH: row('copied', owner('S'), 'The copy phase never touches the source (P6); the shadow may be stale.'),
  OC: row('returned', owner('S'), 'The peer of a ceded side is owner: the truth has passed to S.'),
  OB: row('stray birth', owner('S'), 'A birth says nothing beside an owner; at T none is ever announced.'),

  'X-': row('deleted', tombstone('S'), 'The tombstone is all that is left; the sweep drops it.'),
  XO: row('split', split, 'One home says deleted, the other does not: also two owners (P1).'),
  XX: row('split', split, 'Two tombstones are two owners (P1), though they agree.'),
  XH: row('deleted', tombstone('S'), 'Deleted; the shadow goes first, then the tombstone.'),
  XC: row('deleted', tombstone('S'), 'The tombstone keeps the frozen content at T from rising again.'),
  XB: row('stray birth', tombstone('S'), 'A birth says nothing beside an owner; at T none is ever announced.'),

  'H-': row('orphan', absent, 'A shadow is a copy, never the truth: its owner was deleted.'),
  HO: row('reversible', owner('T'), 'The shadow is the way back, and may be stale.'),
  HX: row('deleted', tombstone('T'), 'Deleted; the shadow goes first, then the tombstone.'),
  HH: row('orphan', absent, 'Two copies of nothing.'),
  HC: row('handing back', ceded('T', 'shadow'), 'T gave the truth away, S has not taken it: frozen T is true.'),
  HB: row('stray birth', absent, 'Neither a shadow nor a birth is the truth.'),

  'C-': row('handing over', ceded('S', 'missing'), 'S gave the truth away, T lost its shadow: frozen S is true.'),
  CO: row('switched', owner('T'), 'The peer of a ceded side is owner: the truth has passed to T.'),
  CX: row('deleted', tombstone('T'), 'The tombstone keeps the frozen content at S from rising again.'),
  CH: row('handing over', ceded('S', 'shadow'), 'S gave the truth away, T has not taken it: frozen S is true.'),
  CC: row('corrupt', corrupt, 'Only an owner is ceded, and only to a shadow: no sequence of moves leads here (P1).'),
  CB: row('stray birth', ceded('S', 'birth'), 'Frozen S is true; the birth must go before a shadow can come.'),

  'B-': row('birth', absent, 'Announced, not settled: the record does not exist yet.'),
  BO: row('late birth', owner('T'), 'The insert lost: T was owner first; the birth is withdrawn.'),
  BX: row('late birth', tombstone('T'), 'The record is deleted; birth and tombstone go, then the insert comes again.'),
  BH: row('birth', absent, 'A birth beside a shadow of nothing: not settled yet.'),
  BC: row('late birth', ceded('T', 'birth'), 'The insert came late into a hand-back: frozen T is true.'),
  BB: row('stray birth', absent, 'Births say nothing until they are settled.'),
};
