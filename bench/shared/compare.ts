/** What a case used from its beginning to a moment of it. */
export interface Measure {
  readonly recordsPerSecond: number;
  /** Of this process. */
  readonly cpuMicrosPerRecord: number;
  /** Whatever else was counted, each for one record. */
  readonly counted: Readonly<Record<string, number>>;
}

export type Row = {
  readonly name: string;
  readonly recordsPerSecond: number;
  readonly cpuMicrosPerRecord: number;
  /** Against the first row, by records per second. */
  readonly ratio: number;
} & Readonly<Record<string, string | number>>;

/** Takes the time: a stopwatch for the case that runs. `count` says what has been counted since the process began. */
export class Stopwatch {
  readonly #records: number;
  readonly #count: () => Readonly<Record<string, number>>;
  #counted: Readonly<Record<string, number>>;
  #cpu = process.cpuUsage();
  #start = performance.now();
  readonly measures = new Map<string, Measure>();

  constructor(records: number, count: () => Readonly<Record<string, number>> = () => ({})) {
    this.#records = records;
    this.#count = count;
    this.#counted = count();
  }

  /** What was used so far does not count. */
  restart(): void {
    this.#counted = this.#count();
    this.#cpu = process.cpuUsage();
    this.#start = performance.now();
  }

  /** The moment of this name is reached. */
  lap(name: string): void {
    const seconds = (performance.now() - this.#start) / 1000;
    const { user, system } = process.cpuUsage(this.#cpu);
    const per = (n: number) => n / this.#records;
    const counted = Object.entries(this.#count()).map(([what, n]) => [what, per(n - this.#counted[what]!)] as const);
    this.measures.set(name, {
      recordsPerSecond: this.#records / seconds,
      cpuMicrosPerRecord: per(user + system),
      counted: Object.fromEntries(counted),
    });
  }
}

export const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;
export const rounded = (value: number, digits: number) => Number(value.toFixed(digits));

/** Rows of the medians of all rounds; the first name is what the others are held against. */
export function rowsOf(rounds: readonly ReadonlyMap<string, Measure>[]): Row[] {
  const names = [...rounds[0]!.keys()];
  const middle = (name: string, of: (measure: Measure) => number) =>
    median(rounds.map((round) => of(round.get(name)!)));
  const rate = (name: string) => middle(name, ({ recordsPerSecond }) => recordsPerSecond);
  const baseline = rate(names[0]!);
  return names.map((name) => {
    const counted = Object.keys(rounds[0]!.get(name)!.counted).map((what) => {
      return [
        what,
        rounded(
          middle(name, (measure) => measure.counted[what]!),
          3,
        ),
      ] as const;
    });
    return {
      name,
      recordsPerSecond: Math.round(rate(name)),
      cpuMicrosPerRecord: rounded(
        middle(name, ({ cpuMicrosPerRecord }) => cpuMicrosPerRecord),
        1,
      ),
      ratio: rounded(rate(name) / baseline, 2),
      ...Object.fromEntries(counted),
    };
  });
}
