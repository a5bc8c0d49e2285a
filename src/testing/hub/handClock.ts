import type { Clock } from '../../clock.ts';

const BEGIN = 1_700_000_000_000;

/** A clock that only `advance` moves: whoever sleeps waits for it. Identifiers count up. */
export class HandClock implements Clock {
  #now: number;
  #ids = 0;
  readonly #begin: number;
  readonly #sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();

  /** Begins at some moment of 2023: give it one where somebody checks times by another clock. */
  constructor(begin = BEGIN) {
    this.#begin = begin;
    this.#now = begin;
  }

  readonly now = (): number => this.#now;
  readonly ticks = (): number => this.#now - this.#begin;
  readonly id = (bytes = 8): string => (++this.#ids).toString(16).padStart(2 * bytes, '0');

  readonly sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const wake = () => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper = { at: this.#now + ms, wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', wake, { once: true });
    });

  /** How many wait for this clock. */
  get sleepers(): number {
    return this.#sleepers.size;
  }

  /**
   * Moves on by `ms` milliseconds, from each moment at which somebody wakes to the next, so that who falls asleep again
   * within them wakes again. `settled` says when those who woke are done: `() => hub.idle()`.
   */
  async advance(ms: number, settled: () => Promise<void> = turn): Promise<void> {
    const until = this.#now + ms;
    for (let next = this.#first(until); next; next = this.#first(until)) {
      this.#now = Math.max(this.#now, next.at);
      next.wake();
      await settled();
    }
    this.#now = until;
    await settled();
  }

  #first(until: number) {
    const due = [...this.#sleepers].filter(({ at }) => at <= until);
    return due.sort((one, other) => one.at - other.at)[0];
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
