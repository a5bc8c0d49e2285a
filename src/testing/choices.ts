/**
 * Where every decision of a simulated run comes from: its scenario, the order of its calls, its faults. A run is a
 * function of the numbers it was given, so that a list of them replays it, and a simpler list is a simpler run. 0 is
 * always the plain answer: the first in line, no fault, the least of a scenario.
 */
export class Choices {
  /** Every number that was given, in order. */
  readonly given: number[] = [];
  readonly #next: (bound: number) => number;

  private constructor(next: (bound: number) => number) {
    this.#next = next;
  }

  static seeded(seed: number): Choices {
    const random = chance(seed);
    return new Choices((bound) => Math.floor(random() * bound));
  }

  /** Those numbers again, and 0 from then on. One that is out of bounds by now is brought in. */
  static replayed(numbers: readonly number[]): Choices {
    let at = 0;
    return new Choices((bound) => Math.min(numbers[at++] ?? 0, bound - 1));
  }

  /** A whole number from 0 to `bound - 1`. */
  below(bound: number): number {
    if (bound <= 1) return 0;
    const number = this.#next(bound);
    this.given.push(number);
    return number;
  }

  of<T>(options: readonly T[]): T {
    return options[this.below(options.length)]!;
  }

  /** True in `perMille` of a thousand cases. */
  happens(perMille: number): boolean {
    return perMille > 0 && this.below(1000) >= 1000 - perMille;
  }
}

/** mulberry32: a small generator of numbers in [0, 1), whose whole state is its seed. */
export function chance(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
