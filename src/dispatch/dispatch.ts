import type { HandoverError } from '../errors.ts';

/**
 * The port through which work is handed to a fleet of workers. A message is a hint that a range may be worked on, and
 * nothing else: whoever gets one looks at the campaign, its sweep and the range's own document, as any worker does. So a
 * message may be lost, come twice, late, or in any order; who it comes to may die. None of that loses or doubles anything.
 */
export interface Dispatch {
  /** For logs: which one, and where. */
  readonly name: string;
  /** Resolves when all of them are on their way. Rejects with a `HandoverError` when that is not known of all. */
  publish(hints: readonly Hint[]): Promise<void>;
  /**
   * Calls `work` with what comes in, for at most `lanes` at once, until the signal aborts; resolves when those under way
   * have answered. `done`: the message may be forgotten. `again`: it is to be given to somebody else. While `work` is at
   * it the message is kept for it. Rejects where nothing more will come: a wrong name, no access.
   */
  receive(work: (hint: Hint) => Promise<Answer>, receiving: Receiving): Promise<void>;
  /** Tells people of a range that was set aside. As `publish`. */
  setAside(letter: Letter): Promise<void>;
  close(): Promise<void>;
}

export interface Receiving {
  /** Messages in hand at once. */
  readonly lanes: number;
  readonly signal: AbortSignal;
  /** Nothing came in for now, for this reason; it goes on. */
  readonly onFaltered: (error: HandoverError) => void;
}

export interface Hint {
  readonly campaign: string;
  /** `generation.sweep`: see `sweepName`. */
  readonly sweep: string;
  /** See `RangeLook`. */
  readonly range: string;
}

export type Answer = 'done' | 'again';

/** A range that so many took and got nowhere with. */
export interface Letter extends Hint {
  readonly tries: number;
  /** The key behind which it stands; unset: at its beginning. */
  readonly after?: string;
}

const TEXTS = ['campaign', 'sweep', 'range'] as const;

/** Undefined where it is none: somebody else's message, or one of a version to come. */
export function hintOf(text: string): Hint | undefined {
  try {
    const { campaign, sweep, range } = JSON.parse(text) as Partial<Record<string, unknown>>;
    const hint = { campaign, sweep, range };
    return TEXTS.every((name) => typeof hint[name] === 'string') ? (hint as Hint) : undefined;
  } catch {
    return undefined;
  }
}
