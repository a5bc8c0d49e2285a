import type { Clock } from '../clock.ts';
import { LIMITS } from '../limits.ts';

/** What is left of a worker's rate after its store asked for less: lowered at once, and raised again little by little. */
export class BackOff {
  readonly #clock: Clock;
  /** The rate that was too much: the one that was allowed, or, where more was allowed than made, the one that was made. */
  #from = Number.POSITIVE_INFINITY;
  #factor = 1;
  #at = 0;
  #why: 'exhausted' | 'contention' = 'exhausted';

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** 1 when nothing is held back. */
  get factor(): number {
    if (this.#factor === 1) return 1;
    const seconds = (this.#clock.ticks() - this.#at) / 1000;
    return Math.min(1, this.#factor * LIMITS.recoveryPerSecond ** seconds);
  }

  get why(): 'exhausted' | 'contention' {
    return this.#why;
  }

  of(allowed: number): number {
    const { factor } = this;
    if (factor === 1) return allowed;
    return Math.min(allowed, this.#from) * factor;
  }

  lower(why: 'exhausted' | 'contention', allowed: number, made: number): void {
    const now = this.#clock.ticks();
    const { factor } = this;
    if (factor < 1 && now - this.#at < LIMITS.backOffMs) return;
    if (factor === 1) this.#from = Math.min(allowed, made);
    const by = why === 'exhausted' ? LIMITS.backOffFactor : LIMITS.crowdedFactor;
    this.#factor = Math.max(LIMITS.backOffFloor, factor * by);
    this.#at = now;
    this.#why = why;
  }
}
