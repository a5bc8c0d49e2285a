import type { Move, Target } from '../../machines/moves.ts';
import { nextMove } from '../../src/engine/decide.ts';
import { type Pair, stateOf } from './pair.ts';

/** What the store offers: both sides in one read; both sides in one commit; or neither. */
export type Mode = 'snapshots' | 'together' | 'separate';

/**
 * How what was seen before a sweep is kept from landing in it: a `guard` fences it with every command and every new
 * sweep; without one, a sweep after the first waits until nothing older can land any more (`quiet`).
 */
export type Fence = 'guard' | 'quiet';

/** Known-wrong variants, each of which must be caught: a checker that cannot fail proves nothing. */
export const FLAWS = {
  uncede: 'a ceded record is taken back though its peer was never owner',
  promoteStale: 'a shadow is promoted without comparing its fingerprint',
  promoteUnceded: 'a shadow is promoted though its peer has not ceded',
  cedeEarly: 'the copy phase cedes the source',
  dropEarly: 'the ceded side is dropped before its peer is owner',
  noLook: 'a worker replaces T without having looked at S while holding T',
  insertAtOnce: 'a client inserts without announcing the birth',
  deleteOutright: 'a client deletes the owner outright while the other side is ceded',
  promoteByInsert: 'a client promotes a missing peer by inserting the owner',
  noConfirm: 'a client trusts two reads that saw no owner, or deletes at T without looking at S again',
  lastWriteWins: 'the store ignores the version that a write names',
  unfenced: 'a worker acts on what it saw before the sweep that closes the campaign',
  handsUnnoticed: 'a sweep in which a look changed hands closes the campaign',
  closeOnMoves: 'a sweep that moved something closes the campaign',
  buryLate: 'a client leaves a tombstone on what it saw before the sweep that closes the campaign',
  healLate: 'a client gives a shadow back on what it saw before the sweep that closes the campaign',
} as const;
export type Flaw = keyof typeof FLAWS;

export interface Rules {
  readonly mode: Mode;
  readonly fence: Fence;
  readonly flaw: Flaw | undefined;
  /** The worker's brain. */
  readonly decide: (pair: Pair, target: Target) => Move | null;
}

export function rulesOf(mode: Mode, flaw?: Flaw, fence: Fence = 'guard'): Rules {
  const together = mode === 'together';
  const decide = (pair: Pair, target: Target) =>
    flawedMove(flaw, pair, target) ?? nextMove(stateOf(pair), target, together);
  return { mode, fence, flaw, decide };
}

function flawedMove(flaw: Flaw | undefined, pair: Pair, target: Target): Move | null {
  if (!flaw) return null;
  const state = stateOf(pair);
  const handingOver = state === 'handingOver' || state === 'handingOverStale';
  if (flaw === 'uncede' && handingOver && target === 'home') return { type: 'promote', at: 'S' };
  if (flaw === 'promoteStale' && state === 'handingOverStale') return { type: 'promote', at: 'T' };
  if (flaw === 'promoteUnceded' && state === 'copied' && target === 'switched') return { type: 'promote', at: 'T' };
  if (flaw === 'cedeEarly' && state === 'copied' && target === 'copied') return { type: 'cede', at: 'S' };
  if (flaw === 'dropEarly' && handingOver && target === 'completed') return { type: 'drop', at: 'S' };
  return null;
}
