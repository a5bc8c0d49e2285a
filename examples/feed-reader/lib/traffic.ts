import { setTimeout as sleep } from 'node:timers/promises';
import { type PlainRecord, Router, type Store } from 'handover';
import migration from '../migrations/feeds-under-users.ts';
import type { AckLog } from './ackLog.ts';
import type { LastWrite } from './expected.ts';
import { type Latency, Stopwatch } from './latency.ts';
import { recordAt } from './records.ts';

export interface TrafficOptions {
  readonly store: Store;
  readonly log: AckLog;
  readonly records: number;
  /** What earlier writers were told. */
  readonly before: ReadonlyMap<number, LastWrite>;
  readonly ratePerSecond: number;
  readonly inFlight: number;
}

export interface TrafficReport {
  readonly acknowledged: number;
  readonly reads: number;
  /** Calls that threw. */
  readonly errors: number;
  /** Answers that were not what had been acknowledged last: older, newer, or none at all. */
  readonly wrongAnswers: number;
  /** The first few of both, in words. */
  readonly samples: readonly string[];
  readonly writing: Latency;
  readonly reading: Latency;
}

/** One call in ten is a read. */
const READS = 0.1;
const SAMPLES = 5;

/**
 * The application: readers who open what they have saved, each of which counts a visit. So many hands at once, each
 * doing one thing after the other, no two of them at the same record: so it is known at any moment what each answer
 * must be. It knows of the migration nothing but the router.
 */
export class Traffic {
  readonly #options: TrafficOptions;
  readonly #routers: ReadonlyMap<string, Router>;
  readonly #last: Map<number, LastWrite>;
  readonly #busy = new Set<number>();
  readonly #writing = new Stopwatch();
  readonly #reading = new Stopwatch();
  readonly #samples: string[] = [];
  #serial = 0;
  #acknowledged = 0;
  #reads = 0;
  #errors = 0;
  #wrongAnswers = 0;

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#last = new Map(options.before);
    this.#routers = new Map(
      migration.records.map((rule) => [rule.from[0]!, new Router({ store: options.store, rule })]),
    );
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  get report(): TrafficReport {
    return {
      acknowledged: this.#acknowledged,
      reads: this.#reads,
      errors: this.#errors,
      wrongAnswers: this.#wrongAnswers,
      samples: this.#samples,
      writing: this.#writing.latency,
      reading: this.#reading.latency,
    };
  }

  /** Runs until the signal aborts, and resolves when every call that was under way has its answer. */
  async run(signal: AbortSignal): Promise<void> {
    const { inFlight, ratePerSecond } = this.#options;
    const periodMs = (1000 * inFlight) / ratePerSecond;
    await Promise.all(
      Array.from({ length: inFlight }, (_, i) => this.#hand(signal, periodMs, (i / inFlight) * periodMs)),
    );
  }

  /** A hand that was kept waiting does not catch up: the application has so many users and no more. */
  async #hand(signal: AbortSignal, periodMs: number, offsetMs: number): Promise<void> {
    for (let due = performance.now() + offsetMs; ; due = Math.max(due + periodMs, performance.now())) {
      await sleep(Math.max(0, due - performance.now()), undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      const n = this.#pick();
      if (n === undefined) continue;
      this.#busy.add(n);
      try {
        await (Math.random() < READS ? this.#read(n) : this.#write(n));
      } catch (error) {
        this.#errors++;
        this.#note(`${recordAt(n).from}: ${error instanceof Error ? error.message : error}`);
      } finally {
        this.#busy.delete(n);
      }
    }
  }

  /** Any record, but half of the visits are to one in 250; undefined when another hand is at it. */
  #pick(): number | undefined {
    const n = Math.floor(Math.random() ** 8 * this.#options.records);
    return this.#busy.has(n) ? undefined : n;
  }

  async #read(n: number): Promise<void> {
    const { kind, ...address } = recordAt(n);
    const record = await this.#reading.time(() => this.#routers.get(kind)!.get(address));
    this.#reads++;
    this.#check(n, record, this.#last.get(n)?.visits ?? 0, 'read');
  }

  async #write(n: number): Promise<void> {
    const { kind, ...address } = recordAt(n);
    const token = `${process.pid}-${++this.#serial}`;
    const visit = (record: PlainRecord) => ({ ...record, visits: Number(record['visits']) + 1, lastVisit: token });
    const record = await this.#writing.time(() => this.#routers.get(kind)!.update(address, visit));
    const last = { visits: (this.#last.get(n)?.visits ?? 0) + 1, token };
    this.#check(n, record, last.visits, 'written');
    if (!record) return;
    // What counts is that the router said "written": from here on this write must never be missed again.
    this.#options.log.append(n, last);
    this.#last.set(n, last);
    this.#acknowledged++;
  }

  #check(n: number, record: PlainRecord | undefined, visits: number, did: string): void {
    if (record?.['visits'] === visits) return;
    this.#wrongAnswers++;
    this.#note(`${recordAt(n).from}: ${did} as visit ${record?.['visits']}, where ${visits} was due`);
  }

  #note(sample: string): void {
    if (this.#samples.length < SAMPLES) this.#samples.push(sample);
  }
}
