import type { Clock } from '../clock.ts';
import { LIMITS } from '../limits.ts';

/** How many operations a second were made of late: those of this window, and of the one before as far as it overlaps. */
export class Throughput {
  readonly #clock: Clock;
  #from: number;
  #now = 0;
  #before: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#from = clock.ticks();
  }

  add(operations: number): void {
    this.#turn();
    this.#now += operations;
  }

  get perSecond(): number {
    this.#turn();
    const passed = this.#clock.ticks() - this.#from;
    const { paceWindowMs } = LIMITS;
    // In the first window of all: not more than was made in its first second, if that is all there is.
    if (this.#before === undefined) return (this.#now * 1000) / Math.max(passed, 1000);
    return ((this.#now + this.#before * (1 - passed / paceWindowMs)) * 1000) / paceWindowMs;
  }

  #turn(): void {
    const windows = Math.floor((this.#clock.ticks() - this.#from) / LIMITS.paceWindowMs);
    if (windows <= 0) return;
    this.#before = windows === 1 ? this.#now : 0;
    this.#now = 0;
    this.#from += windows * LIMITS.paceWindowMs;
  }
}
