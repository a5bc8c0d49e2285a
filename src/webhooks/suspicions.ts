import type { Clock } from '../clock.ts';
import { attempts, load, save } from '../engine/documents.ts';
import type { Document } from '../engine/schemas.ts';
import { suspicionKey } from '../engine/subscriptionDocument.ts';
import { LIMITS } from '../limits.ts';
import type { Store } from '../store/store.ts';
import type { Side } from './callbacks.ts';

/** Deliveries to one URL that nobody with a secret signed. */
export interface Suspicion {
  readonly subscription: string;
  readonly side: Side;
  /** What was wrong with the last of them: `missing`, `mismatch` or `stale`. */
  readonly why: string;
  /** Since the last time that was told. */
  readonly count: number;
}

export interface SuspicionOptions {
  readonly onSuspicious?: (suspicion: Suspicion) => void;
  readonly onError?: (error: unknown) => void;
}

type Forged = Omit<Suspicion, 'count'>;

interface Held {
  /** Of the last one that came. */
  forged: Forged;
  count: number;
  readonly done: Promise<void>;
}

/**
 * Counts forged deliveries in the store: the first one to a URL at once, and then at most every ten seconds, so that a
 * flood of them is no flood of writes, nor of memory: only URLs that there are have a place here.
 */
export class Suspicions {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #options: SuspicionOptions;
  readonly #held = new Map<string, Held>();
  #end = new AbortController();

  constructor(store: Store, clock: Clock, options: SuspicionOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#options = options;
  }

  async add(forged: Forged): Promise<void> {
    const name = JSON.stringify([forged.subscription, forged.side]);
    const held = this.#held.get(name);
    if (held) {
      held.forged = forged;
      held.count++;
      return;
    }
    this.#held.set(name, { forged, count: 1, done: Promise.resolve().then(() => this.#writeAll(name)) });
  }

  /** Resolves when all that was counted is written, or was tried once more. */
  async settled(): Promise<void> {
    const end = this.#end;
    end.abort();
    await Promise.all([...this.#held.values()].map(({ done }) => done));
    if (this.#end === end) this.#end = new AbortController();
  }

  async #writeAll(name: string): Promise<void> {
    const held = this.#held.get(name)!;
    while (held.count > 0) {
      const { signal } = this.#end;
      const { count, forged } = held;
      held.count = 0;
      const written = await this.#write({ ...forged, count }).catch((error: unknown) => {
        this.#options.onError?.(error);
        held.count += count;
        return 'failed';
      });
      if (written === undefined) this.#options.onSuspicious?.({ ...forged, count });
      // What came meanwhile is written at the end; of what failed then, nothing more can be said.
      if (signal.aborted && (written === 'failed' || held.count === 0)) break;
      await this.#clock.sleep(LIMITS.suspicionMs, signal);
    }
    this.#held.delete(name);
  }

  async #write({ subscription, side, why, count }: Suspicion): Promise<undefined> {
    const key = suspicionKey(subscription);
    const write = this.#clock.id();
    return attempts<undefined>(this.#clock, key, undefined, async () => {
      const stored = await load(this.#store, 'suspicion', key);
      const now = this.#clock.now();
      const before = stored?.value[side];
      if (before?.write === write) return { done: undefined };
      const forged = { count: (before?.count ?? 0) + count, firstAt: before?.firstAt ?? now, lastAt: now, why, write };
      const value: Document<'suspicion'> = { ...(stored?.value ?? { v: 1, subscription }), [side]: forged };
      const saved = await save<'suspicion'>(this.#store, key, value, stored?.version);
      return saved.status === 'applied' ? { done: undefined } : saved;
    });
  }
}
