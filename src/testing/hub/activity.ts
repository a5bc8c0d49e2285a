import { setMaxListeners } from 'node:events';
import type { Clock } from '../../clock.ts';

/** What a server does by itself: all of it can be waited for, and ended. */
export class Activity {
  readonly #clock: Clock;
  readonly #end = new AbortController();
  readonly #tasks = new Set<Promise<unknown>>();
  #busy = 0;
  #waiting: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
    // Any number may sleep, and a signal warns of many listeners.
    setMaxListeners(0, this.#end.signal);
  }

  /** Aborts when everything is to end. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  get ended(): boolean {
    return this.#end.signal.aborted;
  }

  /** Nothing is started any more once this has ended. */
  start(work: () => Promise<void>): void {
    if (!this.ended) void this.run(work);
  }

  run<R>(work: () => Promise<R>): Promise<R> {
    this.#busy += 1;
    const task = work().finally(() => {
      this.#tasks.delete(task);
      this.#rest();
    });
    this.#tasks.add(task);
    return task;
  }

  /** To be called by what was started: who sleeps is not busy. */
  async sleep(ms: number): Promise<void> {
    this.#rest();
    await this.#clock.sleep(ms, this.signal);
    this.#busy += 1;
  }

  /** Resolves when all that was started is over or sleeps. */
  async idle(): Promise<void> {
    // Who was just woken takes its turn first.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#busy > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Nothing more is started, sleepers wake, requests are given up; resolves when all of it is over. */
  async end(): Promise<void> {
    this.#end.abort();
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }

  #rest(): void {
    this.#busy -= 1;
    if (this.#busy > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
