import type { Clock } from '../clock.ts';
import { LIMITS } from '../limits.ts';

/** The pause of one page after commits of which the store had no room for something: longer each time, until it takes all. */
export class BusyPause {
  readonly #clock: Clock;
  #ms = 0;
  #endsAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `busy`: what the store had no room for just now. */
  after(busy: number): void {
    this.#ms = busy === 0 ? 0 : Math.min(2 * this.#ms || LIMITS.coolMs, LIMITS.coolMostMs);
    this.#endsAt = this.#clock.ticks() + this.#ms;
  }

  /** Milliseconds of it that are left: what waits asks again and again. */
  readonly leftMs = (): number => Math.max(0, this.#endsAt - this.#clock.ticks());
}
