import { type Status, status } from '../../admin/inspect.ts';
import type { Clock } from '../../clock.ts';
import { HandoverError, messageOf } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import type { Services } from '../operations/operation.ts';
import { patientStore } from '../patience.ts';

export interface Watcher {
  /** There may be something new. */
  looked(): void;
  /** A look failed: what was told may be older than it seems, until the next one. */
  faltered(code: string): void;
  /** About once a second. */
  beat(): void;
}

export interface WatchOptions {
  readonly services: Pick<Services, 'store' | 'migrations' | 'clock'>;
  readonly onLook: (status: Status) => void;
  /** A look failed; there will be another. */
  readonly onFailed: (facts: { readonly code?: string; readonly detail: string }) => void;
}

/**
 * Looks at the store for all who watch: once for all of them, at most twice a second, for at most a tenth of the time, and
 * not at all when nobody watches.
 */
export class Watch {
  readonly #options: WatchOptions;
  readonly #clock: Clock;
  readonly #watchers = new Set<Watcher>();
  #looking: Promise<Status> | undefined;
  #last: { readonly status: Status; readonly at: number; readonly tookMs: number } | undefined;
  #askedAt = 0;
  #end: AbortController | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#clock = options.services.clock;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** Returns how to leave. */
  join(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    if (!this.#end) {
      this.#end = new AbortController();
      const { signal } = this.#end;
      void this.#look(signal);
      void this.#beat(signal);
    }
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size > 0) return;
      this.#end?.abort();
      this.#end = undefined;
    };
  }

  /** What the store says now, or said a moment ago. Throws what the store throws. */
  async fresh(): Promise<Status> {
    const last = this.#last;
    if (last && this.#clock.ticks() - last.at < this.#pauseMs) return last.status;
    this.#looking ??= this.#ask().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  get #pauseMs(): number {
    return Math.min(Math.max(LIMITS.eventLookMs, 9 * (this.#last?.tookMs ?? 0)), LIMITS.eventLookMostMs);
  }

  async #ask(): Promise<Status> {
    const { services, onLook } = this.#options;
    const began = this.#clock.ticks();
    this.#askedAt = began;
    const store = patientStore(services.store, AbortSignal.timeout(LIMITS.requestMs));
    const found = await status({ ...services, store });
    const at = this.#clock.ticks();
    this.#last = { status: found, at, tookMs: at - began };
    onLook(found);
    return found;
  }

  async #look(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.fresh();
        for (const watcher of this.#watchers) watcher.looked();
      } catch (error) {
        const known = error instanceof HandoverError;
        this.#options.onFailed(known ? { code: error.code, detail: error.detail } : { detail: messageOf(error) });
        for (const watcher of this.#watchers) watcher.faltered(known ? error.code : 'unexpected');
      }
      await this.#clock.sleep(this.#pauseMs, signal);
    }
  }

  /** Beside the looks: who waits is told so when the store does not answer, too. */
  async #beat(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const hangs = this.#looking && this.#clock.ticks() - this.#askedAt > LIMITS.requestMs;
      for (const watcher of this.#watchers) {
        if (hangs) watcher.faltered('request.slow');
        watcher.beat();
      }
      await this.#clock.sleep(LIMITS.eventTickMs, signal);
    }
  }
}
