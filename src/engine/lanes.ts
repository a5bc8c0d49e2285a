import type { Clock } from '../clock.ts';
import { type HandoverError, unlessPassing } from '../errors.ts';
import { LIMITS } from '../limits.ts';

interface LanesOptions {
  readonly lanes: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The store did not answer; the lane will look again. */
  readonly onFaltered: (error: HandoverError) => void;
}

/**
 * Gets one step further. False when there was nothing to do. `leave` is handed what is left to be waited for while the lane
 * goes on; `signal` aborts when another lane has failed, too.
 */
export type Advance = (lane: number, signal: AbortSignal, leave: (rest: Promise<void>) => void) => Promise<boolean>;

/**
 * Several lanes side by side, so that the store's round trips overlap and its commits can be shared; until none of them finds
 * anything more. A lane that finds nothing waits while another works: that one may be about to open the next sweep, or the
 * new homes. So does one to which the store did not answer. Resolves with whether anything was done; rejects with what is no
 * store's doing, when all have stopped.
 */
export async function runLanes(options: LanesOptions, advance: Advance): Promise<boolean> {
  const { lanes, clock, signal, onFaltered } = options;
  let working = 0;
  let worked = false;
  const broken = new AbortController();
  const all = AbortSignal.any([signal, broken.signal]);
  /** What idle lanes wait for, where there are any. */
  let idle: { readonly end: AbortController; readonly signal: AbortSignal } | undefined;
  const left: Promise<void>[] = [];
  const waiting = () => {
    const end = new AbortController();
    return { end, signal: AbortSignal.any([all, end.signal]) };
  };
  // Whoever waits may find work now.
  const tell = () => {
    idle?.end.abort('done');
    idle = undefined;
  };
  /** What is no store's doing ends all lanes. */
  const orFalter = async <R>(act: Promise<R>): Promise<R | undefined> => {
    try {
      return await unlessPassing(act, onFaltered);
    } catch (error) {
      broken.abort(error);
      throw error;
    }
  };
  const leave = (rest: Promise<void>) => {
    working++;
    const ended = orFalter(rest).finally(() => working--);
    left.push(ended.then(tell, tell));
  };
  const run = async (lane: number): Promise<void> => {
    let idleMs: number = LIMITS.laneIdleMs;
    while (!all.aborted) {
      working++;
      const found = await orFalter(advance(lane, all, leave)).finally(() => working--);
      if (found) {
        worked = true;
        idleMs = LIMITS.laneIdleMs;
        tell();
        continue;
      }
      if (found === undefined) await clock.sleep(LIMITS.idleMs, all);
      if (working === 0) return;
      idle ??= waiting();
      await clock.sleep(idleMs, idle.signal);
      idleMs = Math.min(2 * idleMs, LIMITS.laneIdleMostMs);
    }
  };
  await Promise.allSettled(Array.from({ length: lanes }, (_, lane) => run(lane)));
  await Promise.all(left);
  if (broken.signal.aborted) throw broken.signal.reason;
  return worked;
}
