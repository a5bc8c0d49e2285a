import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Entity, KeyRange, Page } from '../store/store.ts';
import {
  type DeliveryDocument,
  type DeliveryKind,
  decodeDelivery,
  deliveryKeyOf,
  type Status,
  type StoredDelivery,
} from './deliveries.ts';
import { change, isSilence } from './held.ts';
import type { Put } from './storing.ts';
import { isDue, type Run, runInOrder, type WorkContext } from './work.ts';

/** What `list` shows of a delivery. */
export interface DeliveryInfo extends Omit<DeliveryDocument, 'v' | 'nonce' | 'claim' | 'state'> {
  readonly id: string;
}

export interface QueueOptions extends WorkContext {
  readonly kind: DeliveryKind;
  /** Runs at once in one process. */
  readonly lanes: number;
  /** Of these, so many for deliveries of one lane, so that a slow one does not hold up the others. */
  readonly each?: { readonly most: number; readonly laneOf: (value: DeliveryDocument) => string };
  /** Told of each entity that does not decode, whenever it is met: the others are worked on. */
  readonly onCorrupt: (error: HandoverError) => void;
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

  async *list(status?: Status): AsyncGenerator<DeliveryInfo> {
    for await (const { key, value } of this.all(status)) {
      const { v: _, nonce: __, claim: ___, state: ____, ...shown } = value;
      yield { id: String(key.id), ...shown };
    }
  }

  /** Gives a dead delivery its attempts back. Of a state, the topic is asked: it may be further on by now. */
  async retry(id: string): Promise<void> {
    const { store, kind } = this.#context;
    const [entity] = await store.read([deliveryKeyOf(id, kind)]);
    if (!entity) throw new HandoverError('delivery.missing', `There is no delivery ${JSON.stringify(id)}.`);
    const found = decodeDelivery(entity);
    if (found.value.status !== 'dead') {
      throw new HandoverError('delivery.refused', `The delivery ${id} is ${found.value.status}.`);
    }
    await change(this.#context, found, ({ value }) => {
      if (value.status !== 'dead') return undefined;
      const state = value.state && { ...value.state, suspect: true, retried: true };
      return { ...value, status: 'received', attempts: 0, ...(state ? { state } : {}) };
    });
    this.told({ status: 'stored' });
  }

  /** Forgets those that are settled and older than `keepMs`, unless `keeps` says otherwise. Returns how many. */
  async sweep(
    keepMs: (value: DeliveryDocument) => number,
    keeps: (value: DeliveryDocument) => Promise<boolean> = async () => false,
  ): Promise<number> {
    const { store, clock } = this.#context;
    let swept = 0;
    for await (const { key, value, version } of this.all('applied')) {
      if (clock.now() - value.seenAt < keepMs(value) || (await keeps(value))) continue;
      const [outcome] = await store.commit([{ op: 'delete', key, version }]);
      if (outcome!.status === 'applied') swept++;
    }
    return swept;
  }

  /** Wakes the work where something was stored. */
  told(put: Put): Put {
    if (put.status === 'stored') this.#wake.abort();
    return put;
  }

  async *all(status?: Status): AsyncGenerator<StoredDelivery> {
    let range: KeyRange = { namespace: '', kind: this.#context.kind };
    for (;;) {
      const page = await this.#page(range, status);
      for (const entity of page.entities) {
        const found = this.#decode(entity);
        if (found) yield found;
      }
      const last = page.entities[page.entities.length - 1];
      if (!page.more || !last) return;
      range = { ...range, after: last.key };
    }
  }

  #laneOf(value: DeliveryDocument): string {
    return this.#context.each?.laneOf(value) ?? '';
  }

  /** Begins what is due, as many at once as there are lanes. */
  async #pass(begin: (found: StoredDelivery) => void, stop: AbortSignal): Promise<void> {
    const { clock, lanes } = this.#context;
    const running = this.#running;
    try {
      for await (const found of this.all('received')) {
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

  #decode(entity: Entity): StoredDelivery | undefined {
    try {
      return decodeDelivery(entity);
    } catch (error) {
      if (!(error instanceof HandoverError)) throw error;
      this.#context.onCorrupt(error);
      return undefined;
    }
  }

  #page(range: KeyRange, status: Status | undefined): Promise<Page> {
    const { store } = this.#context;
    if (status === undefined) return store.scan(range, LIMITS.deliveryPage);
    return store.find(range, 'status', { type: 'string', value: status }, LIMITS.deliveryPage);
  }
}
