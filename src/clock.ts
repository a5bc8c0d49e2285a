import { randomBytes } from 'node:crypto';

/** The only source of time and chance. Everything else is handed one, so that tests can decide both. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since some moment, on a clock that nobody sets: only the difference of two says anything. */
  ticks(): number;
  /** Resolves after `ms` milliseconds, or at once when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** A fresh identifier of `2 * bytes` hexadecimal digits. */
  id(bytes?: number): string;
}

/** A moment by both clocks of a process. */
export interface Moment {
  readonly now: number;
  readonly ticks: number;
}

export const moment = (clock: Clock): Moment => ({ now: clock.now(), ticks: clock.ticks() });

/** Milliseconds since then, by the clock that says more: one may be set back, the other stands still while a machine sleeps. */
export const elapsed = (clock: Clock, since: Moment): number =>
  Math.max(clock.now() - since.now, clock.ticks() - since.ticks);

export const systemClock: Clock = {
  now: () => Date.now(),
  ticks: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done, { once: true });
    }),
  id: (bytes = 8) => randomBytes(bytes).toString('hex'),
};
