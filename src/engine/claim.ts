import type { Clock } from '../clock.ts';
import { LIMITS } from '../limits.ts';
import type { Store } from '../store/store.ts';
import { addAll, type Counts } from './counts.ts';
import { type RangeDocument, type Stored, save } from './documents.ts';

/**
 * A worker's hold on a range: its checkpoints, one after the other, and the claim that keeps others away meanwhile.
 * A claim is advice: two workers that hold one range lose time, never data.
 */
export class Claim {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #by: string;
  readonly #pulse: Pulse;
  #saved: Promise<Stored<'range'> | undefined>;
  #savedAt: number;

  constructor(store: Store, clock: Clock, claimed: Stored<'range'>, pulse: Pulse) {
    this.#store = store;
    this.#clock = clock;
    this.#by = claimed.value.claim!.by;
    this.#pulse = pulse;
    this.#saved = Promise.resolve(claimed);
    this.#savedAt = clock.now();
    pulse.beat(true);
  }

  get isDue(): boolean {
    return this.#clock.now() - this.#savedAt >= LIMITS.checkpointMs;
  }

  /**
   * Advances the range past what is done; call it after that is done, never before: a checkpoint ahead of a crash would
   * skip records. Resolves when the one *before* this is known, so that a checkpoint travels with the next page's moves:
   * false when somebody else has the range by now.
   */
  checkpoint(page: { cursor: string | undefined; done: boolean; counts: Counts }, release: boolean): Promise<boolean> {
    return this.#write((value) => {
      const counts = { ...value.counts };
      addAll(counts, page.counts);
      const { claim: _, ...kept } = value;
      const claim = release ? {} : { claim: this.#claim() };
      return { ...kept, done: page.done, counts, ...(page.cursor ? { cursor: page.cursor } : {}), ...claim };
    });
  }

  /** Says that this worker is still at it, where the claim is getting old. */
  keep(): void {
    this.#pulse.beat();
    if (this.#clock.now() - this.#savedAt < LIMITS.claimMs / 3) return;
    this.#write((value) => ({ ...value, claim: this.#claim() })).catch(() => undefined);
  }

  /** Resolves when the last checkpoint is known. */
  async settled(): Promise<void> {
    await this.#saved;
  }

  #write(change: (value: RangeDocument) => RangeDocument): Promise<boolean> {
    const previous = this.#saved;
    this.#savedAt = this.#clock.now();
    this.#saved = previous.then(async (before) => {
      if (!before) return undefined;
      const value = change(before.value);
      const version = await save<'range'>(this.#store, before.key, value, before.version);
      return version ? { key: before.key, value, version } : undefined;
    });
    // Awaited by the next one, or by `settled`; a failure in between must not go unnoticed by the one and kill the process.
    this.#saved.catch(() => undefined);
    return previous.then((before) => before !== undefined);
  }

  #claim() {
    return claimOf(this.#by, this.#clock.now(), this.#pulse);
  }
}

/** How far a lane's steps lie apart on this store: a claim outlasts two of the slowest, or it would be taken away. */
export class Pulse {
  readonly #clock: Clock;
  #last: number;
  #slowest = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#last = clock.now();
  }

  beat(rested = false): void {
    const now = this.#clock.now();
    if (!rested) this.#slowest = Math.max(this.#slowest, now - this.#last);
    this.#last = now;
  }

  get claimMs(): number {
    return Math.min(Math.max(LIMITS.claimMs, 2 * this.#slowest), LIMITS.longestClaimMs);
  }
}

export const claimOf = (by: string, now: number, { claimMs }: Pulse) => ({ by, untilMs: now + claimMs });
