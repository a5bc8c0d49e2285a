import type { Target } from '../../machines/moves.ts';
import type { RecordState } from '../../machines/record.ts';
import { type ErrorCode, HandoverError } from '../errors.ts';
import type { Content } from '../record/content.ts';
import type { Drops } from './dropping.ts';
import { type Pair, roleOf } from './pair.ts';

/** A record that is being brought to its target. */
export interface Item {
  readonly pair: Pair;
  readonly target: Target;
  /**
   * Under a campaign by group: where it goes instead as long as it is behind. Asked anew at each look: what somebody else
   * has switched meanwhile is never called back by it.
   */
  readonly behindTo?: ((pair: Pair) => Target) | undefined;
  /** Where records are referred to: whether this sweep drops the side that is to go. */
  readonly drops?: Drops | undefined;
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

/** Where it is to go, as far as it is now. */
export const targetNow = ({ pair, target, behindTo }: Pick<Item, 'pair' | 'target' | 'behindTo'>): Target =>
  behindTo && isBehind(pair) ? behindTo(pair) : target;

/** Not switched yet, or on the way back: its truth is at the old home, or was given back to it. */
const isBehind = ({ S, T }: Pair): boolean => roleOf(S) === 'O' || roleOf(T) === 'C';

/** Runs author code and slot decoding for one record; what it throws is that record's failure and nobody else's. */
export function attempt<R>(item: Item, run: () => R): R | undefined {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof HandoverError)) throw error;
    item.result = { status: 'failed', code: error.code, message: error.detail };
    return undefined;
  }
}
