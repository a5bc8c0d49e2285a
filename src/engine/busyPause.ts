import type { Clock } from '../clock.ts';
import { LIMITS } from '../limits.ts';
import type { Busy } from '../store/store.ts';
import type { Pacer } from './pace.ts';

/** The pause of one page after rounds in which the store had no room for something: longer each time, until it takes all. */
export class BusyPause {
  readonly #clock: Clock;
  readonly #pacer: Pick<Pacer, 'answered'> | undefined;
  readonly #met = { exhausted: 0, contention: 0 };
  #ms = 0;
  #endsAt = 0;

  constructor(clock: Clock, pacer: Pick<Pacer, 'answered'> | undefined) {
    this.#clock = clock;
    this.#pacer = pacer;
  }

  /** The store had no room for one of the round's writes. */
  met(why: Busy['why']): void {
    this.#met[why]++;
  }

  /** A round of so many writes is over. */
  after(records: number): void {
    const { exhausted, contention } = this.#met;
    const busy = exhausted + contention;
    if (busy > 0) this.#pacer?.answered({ records, exhausted, contended: contention, groups: contention });
    Object.assign(this.#met, { exhausted: 0, contention: 0 });
    this.#ms = busy === 0 ? 0 : Math.min(2 * this.#ms || LIMITS.coolMs, LIMITS.coolMostMs);
    this.#endsAt = this.#clock.ticks() + this.#ms;
  }

  /** Milliseconds of it that are left: what waits asks again and again. */
  readonly leftMs = (): number => Math.max(0, this.#endsAt - this.#clock.ticks());
}
