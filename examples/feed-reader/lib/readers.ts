import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import type { AckLog } from './ackLog.ts';
import type { LastWrite } from './expected.ts';
import { type Latency, Stopwatch } from './latency.ts';
import { checkPage } from './pageCheck.ts';
import { pathOf, VISITS } from './pages.ts';
import { recordAt } from './records.ts';
import { Shelves } from './shelves.ts';

export interface ReadersOptions {
  /** The application's origin. */
  readonly app: string;
  readonly log: AckLog;
  readonly records: number;
  /** What earlier ones were told. */
  readonly before: ReadonlyMap<number, LastWrite>;
  readonly ratePerSecond: number;
  readonly inFlight: number;
}

export interface ReadersReport {
  /** Requests that were not answered as they should, and pages that did not show what they must. */
  readonly failures: number;
  /** The first few, in words. */
  readonly samples: readonly string[];
  readonly pages: Latency;
  readonly writes: Latency;
}

/** Of two requests one is for a page, and one is a visit. */
const PAGES = 0.5;
/** Of two visits to a note one brings a new text. */
const EDITS = 0.5;
const ANSWER_MS = 10_000;
const SAMPLES = 5;

/**
 * The users: so many hands at once, each doing one thing after the other, no two of them writing to the same record. So
 * it is known at any moment what a page must show, at least. They have heard of no migration.
 */
export class Readers {
  readonly #options: ReadersOptions;
  readonly #pool: Pool;
  readonly #shelves: Shelves;
  readonly #users: readonly string[];
  /** Visits that were acknowledged, by the record's number. */
  readonly #visits: Map<number, number>;
  readonly #busy = new Set<number>();
  readonly #pages = new Stopwatch();
  readonly #writes = new Stopwatch();
  readonly #samples: string[] = [];
  #serial = 0;
  #failures = 0;

  constructor(options: ReadersOptions) {
    const { app, records, before, inFlight } = options;
    this.#options = options;
    this.#pool = new Pool(app, { connections: inFlight, headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS });
    this.#shelves = new Shelves(records);
    this.#users = this.#shelves.users;
    this.#visits = new Map([...before].map(([n, { visits }]) => [n, visits]));
  }

  get requests(): number {
    return this.#pages.count + this.#writes.count;
  }

  get report(): ReadersReport {
    const [pages, writes] = [this.#pages.latency, this.#writes.latency];
    return { failures: this.#failures, samples: this.#samples, pages, writes };
  }

  /** Runs until the signal aborts, and resolves when every request that was under way has its answer. */
  async run(signal: AbortSignal): Promise<void> {
    const { inFlight, ratePerSecond } = this.#options;
    const periodMs = (1000 * inFlight) / ratePerSecond;
    await Promise.all(
      Array.from({ length: inFlight }, (_, i) => this.#hand(signal, periodMs, (i / inFlight) * periodMs)),
    );
    await this.#pool.close();
  }

  /** A hand that was kept waiting does not catch up: the application has so many users and no more. */
  async #hand(signal: AbortSignal, periodMs: number, offsetMs: number): Promise<void> {
    for (let due = performance.now() + offsetMs; ; due = Math.max(due + periodMs, performance.now())) {
      await sleep(Math.max(0, due - performance.now()), undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      try {
        await (Math.random() < PAGES ? this.#read() : this.#write());
      } catch (error) {
        this.#fail(error instanceof Error ? error.message : String(error));
      }
    }
  }

  /** Any user's page. */
  async #read(): Promise<void> {
    const user = this.#users[Math.floor(Math.random() * this.#users.length)]!;
    const shown = Object.values(this.#shelves.shown(user)).flat();
    // No visit is to be missing that was acknowledged before.
    const least = new Map(shown.map((n) => [n, this.#visits.get(n) ?? 0]));
    const { status, body } = await this.#pages.time(() => this.#ask('GET', pathOf(user)));
    if (status !== 200) throw new Error(`The page of ${user} was answered ${status}`);
    const wrong = checkPage(body, shown, this.#options.records, (n) => least.get(n)!);
    if (wrong !== undefined) throw new Error(`The page of ${user}: ${wrong}`);
  }

  /** A visit to any record, but half of them go to one in 250. */
  async #write(): Promise<void> {
    const n = Math.floor(Math.random() ** 8 * this.#options.records);
    if (this.#busy.has(n)) return;
    this.#busy.add(n);
    try {
      await this.#visit(n);
    } finally {
      this.#busy.delete(n);
    }
  }

  async #visit(n: number): Promise<void> {
    const { kind, user, from } = recordAt(n);
    const token = `${process.pid}-${++this.#serial}`;
    const text = kind === 'Note' && Math.random() < EDITS ? `Written anew on visit ${token}.` : undefined;
    const form = new URLSearchParams({ visit: token, ...(text === undefined ? {} : { text }) });
    const path = `${pathOf(user)}/${kind.toLowerCase()}s/${encodeURIComponent(String(from.id))}`;
    const { status, headers } = await this.#writes.time(() => this.#ask('POST', path, form.toString()));
    if (status !== 303) throw new Error(`A visit to ${from} was answered ${status}`);
    const visits = Number(headers[VISITS]);
    // What counts is that it was acknowledged: from here on this write must never be missed again.
    this.#options.log.append(n, { visits, token, ...(text === undefined ? {} : { text }) });
    const least = (this.#visits.get(n) ?? 0) + 1;
    this.#visits.set(n, visits);
    // More may be those of a person who has the page open.
    if (!(visits >= least)) throw new Error(`A visit to ${from} was counted as ${visits}, where ${least} was due`);
  }

  async #ask(method: 'GET' | 'POST', path: string, body?: string) {
    const headers = body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await this.#pool.request({ method, path, headers, body: body ?? null });
    return { status: answer.statusCode, headers: answer.headers, body: await answer.body.text() };
  }

  #fail(sample: string): void {
    this.#failures++;
    if (this.#samples.length < SAMPLES) this.#samples.push(sample);
  }
}
