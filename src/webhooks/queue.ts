import { LIMITS } from '../limits.ts';
import type { DeliveryDocument, StoredDelivery } from './deliveries.ts';
import { isSilence } from './held.ts';
import type { Put } from './storing.ts';
import { isDue, type Run, runInOrder, type WorkContext } from './work.ts';

export interface QueueOptions extends WorkContext {
  /** What is not settled. */
  readonly received: () => AsyncIterable<StoredDelivery>;
  /** Runs at once in one process. */
  readonly lanes: number;
  /** Of these, so many for deliveries of one lane, so that a slow one does not hold up the others. */
  readonly each?: { readonly most: number; readonly laneOf: (value: DeliveryDocument) => string };
}

/** Stored deliveries of one kind, run until each is settled: what the inbox and the outbox have in common. */
export class Queue {
  readonly #context: QueueOptions;
  readonly #running = new Map<string, { readonly lane: string; readonly end: Promise<void> }>();
  /** What comes next in lanes that are full, by id; and those of which more was passed over. */
  readonly #ahead = new Map<string, Map<string, StoredDelivery>>();
  readonly #passedOver = new Set<string>();
  #held = 0;
  #wake = new AbortController();

  constructor(options: QueueOptions) {
    this.#context = options;
  }

  /** Runs all that is there and comes, several at once, until the signal aborts. */
  async work(run: Run, signal: AbortSignal): Promise<void> {
    const broken = new AbortController();
    const stop = AbortSignal.any([signal, broken.signal]);
    const own = new Set<Promise<void>>();
    let failure: unknown;
    const begin = (found: StoredDelivery) => {
      const id = String(found.key.id);
      const lane = this.#laneOf(found.value);
      const end = runInOrder(this.#context, found, run, stop)
        .catch((error: unknown) => {
          failure ??= error;
          broken.abort();
        })
        .finally(() => {
          this.#running.delete(id);
          own.delete(end);
          const next = stop.aborted ? undefined : this.#nextOf(lane);
          if (next) begin(next);
          else if (this.#passedOver.delete(lane)) this.#wake.abort();
        });
      own.add(end);
      this.#running.set(id, { lane, end });
    };
    while (!stop.aborted) {
      await this.#pass(begin, stop);
      await this.#context.clock.sleep(LIMITS.deliveryIdleMs, AbortSignal.any([stop, this.#wake.signal]));
      this.#wake = new AbortController();
    }
    await Promise.all(own);
    if (broken.signal.aborted) throw failure;
  }

  /** Wakes the work where something was stored. */
  told(put: Put): Put {
    // To abort makes an error with its trace, each time: one is enough to wake.
    if (put.status === 'stored' && !this.#wake.signal.aborted) this.#wake.abort();
    return put;
  }

  #laneOf(value: DeliveryDocument): string {
    return this.#context.each?.laneOf(value) ?? '';
  }

  /** Begins what is due, as many at once as there are lanes. */
  async #pass(begin: (found: StoredDelivery) => void, stop: AbortSignal): Promise<void> {
    const { clock, lanes, received } = this.#context;
    const running = this.#running;
    try {
      for await (const found of received()) {
        if (stop.aborted) return;
        if (running.has(String(found.key.id)) || !isDue(found.value, clock.now())) continue;
        if (this.#waitsForLane(found)) continue;
        while (running.size >= lanes) await Promise.race([...running.values()].map(({ end }) => end));
        if (stop.aborted) return;
        begin(found);
      }
    } catch (error) {
      if (!isSilence(error)) throw error;
      await clock.sleep(LIMITS.controlPauseMostMs, stop);
    }
  }

  /** Whether so much of its lane runs that it has to wait: at hand, as long as there is room, or for a later look. */
  #waitsForLane(found: StoredDelivery): boolean {
    const { each } = this.#context;
    if (!each) return false;
    const lane = this.#laneOf(found.value);
    let its = 0;
    for (const other of this.#running.values()) if (other.lane === lane) its++;
    if (its < each.most) return false;
    const ahead = this.#ahead.get(lane) ?? new Map<string, StoredDelivery>();
    if (ahead.size >= LIMITS.deliveryPage || this.#held >= LIMITS.deliveriesAhead) {
      this.#passedOver.add(lane);
      return true;
    }
    if (!ahead.has(String(found.key.id))) this.#held++;
    this.#ahead.set(lane, ahead.set(String(found.key.id), found));
    return true;
  }

  /** One that was found a while ago: should it have been taken or settled meanwhile, its claim fails. */
  #nextOf(lane: string): StoredDelivery | undefined {
    const ahead = this.#ahead.get(lane);
    const [first] = ahead ?? [];
    if (!ahead || !first) return undefined;
    ahead.delete(first[0]);
    if (ahead.size === 0) this.#ahead.delete(lane);
    this.#held--;
    return first[1];
  }
}
