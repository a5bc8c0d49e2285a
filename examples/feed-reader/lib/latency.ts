/** How long the calls took, in milliseconds. */
export interface Latency {
  readonly count: number;
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

/** Every sample is kept, so that the figures are exact: a run of two minutes has some tens of thousands. */
export class Stopwatch {
  readonly #samples: number[] = [];

  get count(): number {
    return this.#samples.length;
  }

  async time<T>(call: () => Promise<T>): Promise<T> {
    const from = performance.now();
    try {
      return await call();
    } finally {
      this.#samples.push(performance.now() - from);
    }
  }

  get latency(): Latency {
    const sorted = Float64Array.from(this.#samples).sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return { count: sorted.length, median: at(0.5), p99: at(0.99), max: at(1) };
  }
}
