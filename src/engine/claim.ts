import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../clock.ts';
import { LIMITS } from '../limits.ts';
import type { Store, Version } from '../store/store.ts';
import { addAll, type Counts } from './counts.ts';
import { load, type Stored, save } from './documents.ts';
import type { Pacer } from './pace.ts';
import { isPast, type RangeLook } from './ranges.ts';
import type { RangeDocument } from './schemas.ts';

/** One of the lanes of a worker: what it is called, how fast its steps follow each other, and how fast they may. */
export interface Lane {
  readonly name: string;
  readonly pulse: Pulse;
  readonly pacer: Pick<Pacer, 'note' | 'shown'>;
}

/**
 * A worker's hold on a range: its checkpoints, one after the other, and the claim that keeps others away meanwhile.
 * A claim is advice: two workers that hold one range lose time, never data.
 */
export class Claim {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #lane: Lane;
  readonly #sweep: string;
  /** When the claim runs out that was last asked for. */
  #untilMs: number;
  /** The same by the clock that nobody sets. */
  #keptUntil: number;
  #saved: Promise<Stored<'range'> | undefined>;
  /** What only keeps the claim is no checkpoint: on a slow store every round does. */
  #checkpointedAt: number;
  #range: RangeDocument;

  constructor(store: Store, clock: Clock, claimed: Stored<'range'>, lane: Lane, sweep: string) {
    this.#store = store;
    this.#clock = clock;
    this.#lane = lane;
    this.#sweep = sweep;
    this.#untilMs = claimed.value.claim!.untilMs;
    this.#keptUntil = clock.ticks() + lane.pulse.claimMs;
    this.#saved = Promise.resolve(claimed);
    this.#range = claimed.value;
    this.#checkpointedAt = clock.now();
    lane.pulse.beat(true);
    this.#show(claimed.value, clock.now());
  }

  /** The range as this worker knows it to be written down, or about to be. */
  get range(): RangeDocument {
    return this.#range;
  }

  /** Whether it has not run out, as far as this worker knows. */
  get isKept(): boolean {
    return this.#keptUntil > this.#clock.ticks();
  }

  get isDue(): boolean {
    return this.#clock.now() - this.#checkpointedAt >= LIMITS.checkpointMs;
  }

  /**
   * Advances the range past what is done; call it after that is done, never before: a checkpoint ahead of a crash would
   * skip records. Resolves when the one *before* this is known, so that a checkpoint travels with the next page's moves:
   * false when somebody else has the range by now. `release`: somebody else may go on with it. On a range that is done the
   * claim runs out by itself, and says until then that its worker is there: see `Pacer`.
   */
  checkpoint(page: { cursor: string | undefined; done: boolean; counts: Counts }, release: boolean): Promise<boolean> {
    this.#checkpointedAt = this.#clock.now();
    return this.#write((value) => {
      const counts = { ...value.counts };
      addAll(counts, page.counts);
      // Whoever took it got somewhere: what comes next is tried anew.
      const { claim: _, tries: __, asideAt: ___, ...kept } = value;
      const claim = release && !page.done ? {} : { claim: this.#claim() };
      return { ...kept, done: page.done, counts, ...(page.cursor ? { cursor: page.cursor } : {}), ...claim };
    });
  }

  /** Says that this worker is still at it, where the claim is getting old, or would be by the next time, `nextMs` from now. */
  keep(nextMs = 0): void {
    const { pulse } = this.#lane;
    pulse.beat();
    pulse.expect(nextMs);
    const leftMs = this.#untilMs - this.#clock.now();
    if (leftMs > (pulse.claimMs * 2) / 3 && leftMs > (nextMs * 3) / 2 + pulse.writeMs) return;
    this.#write((value) => ({ ...value, claim: this.#claim() })).catch(() => undefined);
  }

  /** Resolves when the last checkpoint is known: with whether the range is done, for sure and by this worker. */
  async settled(): Promise<boolean> {
    return (await this.#saved)?.value.done === true;
  }

  /** The store did not answer, so that this was no try: another one may have more luck. */
  async excuse(): Promise<void> {
    await this.#write(({ tries = 1, ...value }) => (tries > 1 ? { ...value, tries: tries - 1 } : value));
    await this.#saved;
  }

  #write(change: (value: RangeDocument) => RangeDocument): Promise<boolean> {
    const previous = this.#saved;
    const askedAt = this.#clock.now();
    this.#untilMs = askedAt + this.#lane.pulse.claimMs;
    this.#keptUntil = this.#clock.ticks() + this.#lane.pulse.claimMs;
    this.#saved = previous.then((before) => before && this.#save(before, change, askedAt));
    // Awaited by the next one, or by `settled`; a failure in between must not go unnoticed by the one and kill the process.
    this.#saved.catch(() => undefined);
    return previous.then((before) => before !== undefined);
  }

  /**
   * What it comes to be; undefined when somebody else has the range by now, or nobody knows. Somebody may have shortened it
   * meanwhile, and that is all: then it is this worker's still, and what it has done counts, unless it went past the cut,
   * for what lies there is counted by whoever has it now.
   */
  async #save(
    before: Stored<'range'>,
    change: (value: RangeDocument) => RangeDocument,
    askedAt: number,
  ): Promise<Stored<'range'> | undefined> {
    const value = change(before.value);
    const cut = before.value.cuts?.at(-1);
    // Also by a page that was read before the cut was seen.
    if (cut && isPast(value.cursor, cut)) return undefined;
    const began = this.#clock.ticks();
    const saved = await save<'range'>(this.#store, before.key, value, before.version);
    this.#lane.pulse.wrote(this.#clock.ticks() - began);
    if (saved.status === 'applied') {
      this.#show(value, askedAt);
      return { key: before.key, value, version: saved.version };
    }
    const now = saved.status === 'conflict' ? await load(this.#store, 'range', before.key) : undefined;
    if (!now || !isShortened(before.value, now.value)) return undefined;
    this.#range = now.value;
    return this.#save(now, change, askedAt);
  }

  #show({ claim }: RangeDocument, askedAt: number): void {
    this.#lane.pacer.shown(this.#sweep, this.#lane.name, claim?.untilMs, askedAt);
  }

  #claim() {
    return claimOf(this.#lane, this.#clock.now());
  }
}

/** Whether nothing else has happened to it. */
const isShortened = ({ cuts: before = [], ...was }: RangeDocument, { cuts = [], ...is }: RangeDocument): boolean =>
  cuts.length > before.length && isDeepStrictEqual([was, before], [is, cuts.slice(0, before.length)]);

/**
 * How far a lane's steps lie apart on this store, and how long it takes to write down that they go on: a claim outlasts two
 * of the slowest, or it would be taken away.
 */
export class Pulse {
  readonly #clock: Clock;
  #last: number;
  #slowest = 0;
  #writeMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#last = clock.now();
  }

  beat(rested = false): void {
    const now = this.#clock.now();
    if (!rested) this.#slowest = Math.max(this.#slowest, now - this.#last);
    this.#last = now;
  }

  /** The next step is known to come so much later. */
  expect(ms: number): void {
    this.#slowest = Math.max(this.#slowest, ms);
  }

  wrote(ms: number): void {
    this.#writeMs = Math.max(this.#writeMs, ms);
  }

  get writeMs(): number {
    return this.#writeMs;
  }

  get claimMs(): number {
    return Math.min(Math.max(LIMITS.claimMs, 2 * (this.#slowest + this.#writeMs)), LIMITS.longestClaimMs);
  }
}

/**
 * When the ranges of a sweep were written last, as far as a worker can tell by its own looks. Clocks may differ by more
 * than a claim lasts: then two workers would take each other's ranges away for ever, and no sweep would prove anything.
 * So a range that this worker has seen change is in somebody's hands for a while, whatever the claim's clock says.
 */
export class Sightings {
  #sweep = '';
  #lookedAt = Number.NEGATIVE_INFINITY;
  readonly #seen = new Map<string, { readonly version: Version | undefined; readonly writtenAfter: number }>();

  /** `at`: by a clock that nobody sets, before the look. */
  look(sweep: string, ranges: readonly RangeLook[], at: number): void {
    if (sweep !== this.#sweep) this.#seen.clear();
    this.#sweep = sweep;
    for (const { name, stored } of ranges) {
      const version = stored?.version;
      const seen = this.#seen.get(name);
      if (!seen || seen.version !== version) this.#seen.set(name, { version, writtenAfter: this.#lookedAt });
    }
    this.#lookedAt = at;
  }

  /** Whether the range was written within so many milliseconds for sure. */
  isYoung(range: string, ms: number, at: number): boolean {
    return at - (this.#seen.get(range)?.writtenAfter ?? Number.NEGATIVE_INFINITY) < ms;
  }
}

export const claimOf = ({ name, pulse, pacer }: Lane, now: number) => ({
  by: name,
  untilMs: now + pulse.claimMs,
  pace: pacer.note,
});

/** The worker that a claim's lane is of. */
export const workerOf = (by: string): string => by.slice(0, by.lastIndexOf('.'));

/** Whether somebody is still at it. One that lies further ahead than any claim was made by a clock gone wrong. */
export const isLive = (claim: RangeDocument['claim'], now: number): claim is NonNullable<RangeDocument['claim']> =>
  claim !== undefined && claim.untilMs > now && claim.untilMs <= now + LIMITS.longestClaimMs;
