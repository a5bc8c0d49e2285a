import { type Clock, systemClock } from '../clock.ts';
import type { Protocol } from '../define/hub.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Entity, KeyRange, Page, Store } from '../store/store.ts';
import {
  DELIVERY,
  type DeliveryDocument,
  decodeDelivery,
  deliveryKey,
  deliveryKeyOf,
  type Status,
  type StoredDelivery,
} from './deliveries.ts';
import { change, isSilence } from './held.ts';
import { type Event, PROTOCOLS } from './identities.ts';
import { appendState, lastState } from './states.ts';
import { insertAll, type Put } from './storing.ts';
import { type Handler, isDue, runInOrder, type WorkContext } from './work.ts';

export interface InboxOptions {
  readonly store: Store;
  readonly clock?: Clock;
  /** Settles whether a topic went back to an earlier state. Unset: what came is believed. */
  readonly fetch?: WorkContext['fetch'];
  /** Told of each delivery that is given up after its last attempt. */
  readonly onDead?: WorkContext['onDead'];
  /** Told of each entity of the inbox that does not decode, whenever it is met: the others are worked on. */
  readonly onCorrupt?: (error: HandoverError) => void;
  /** Days for which identities are kept, where it is not to be as in `PROTOCOLS`. */
  readonly keepDays?: Partial<Readonly<Record<Protocol, number>>>;
}

/** What all events of one request have in common. */
export type Received = Pick<
  DeliveryDocument,
  'scope' | 'topic' | 'subscription' | 'side' | 'signed' | 'contentType' | 'headers'
> & { readonly protocol: Protocol };

/** What `list` shows of a delivery. */
export interface DeliveryInfo extends Omit<DeliveryDocument, 'v' | 'nonce' | 'claim' | 'state'> {
  readonly id: string;
}

const DAY_MS = 86_400_000;

/**
 * Deliveries between their receipt and the application, in the store. What `put` has stored is run until the handler
 * succeeds or has failed 20 times, and within its window no identity is stored twice. Runs are at least once: a crash
 * between the handler's end and the mark runs it again, under the same id. But for states of one topic, no order is kept.
 */
export class Inbox {
  readonly #context: WorkContext;
  readonly #keepDays: NonNullable<InboxOptions['keepDays']>;
  readonly #onCorrupt: NonNullable<InboxOptions['onCorrupt']>;
  #wake = new AbortController();

  constructor({ store, clock = systemClock, fetch, onDead, onCorrupt = () => {}, keepDays = {} }: InboxOptions) {
    this.#context = { store, clock, fetch, onDead };
    this.#keepDays = keepDays;
    this.#onCorrupt = onCorrupt;
  }

  /** Stores what is not there yet of the events, durably. */
  async put(received: Received, events: readonly Event[]): Promise<Put> {
    const draft = this.#draft(received);
    const arrivals = events.map(({ identity, body, contentType }) => ({
      key: deliveryKey(received.scope, identity),
      value: { ...draft, identity, contentType },
      body,
    }));
    return this.#told(await insertAll(this.#context, arrivals));
  }

  /** Stores what a topic says now, unless that is what it said last. */
  async putState(received: Received, hash: string, body: Uint8Array): Promise<Put> {
    return this.#told(await appendState(this.#context, this.#draft(received), hash, body));
  }

  /** Runs the handler on all that is there and comes, several at once, until the signal aborts. */
  async work(handler: Handler, signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const running = new Map<string, Promise<void>>();
    const broken = new AbortController();
    const stop = AbortSignal.any([signal, broken.signal]);
    let failure: unknown;
    const begin = (found: StoredDelivery) => {
      const id = String(found.key.id);
      const run = runInOrder(this.#context, found, handler, stop)
        .catch((error: unknown) => {
          failure ??= error;
          broken.abort();
        })
        .finally(() => running.delete(id));
      running.set(id, run);
    };
    while (!stop.aborted) {
      await this.#pass(running, begin, stop);
      await clock.sleep(LIMITS.deliveryIdleMs, AbortSignal.any([stop, this.#wake.signal]));
      this.#wake = new AbortController();
    }
    await Promise.all(running.values());
    if (broken.signal.aborted) throw failure;
  }

  /** All deliveries, or those of one status, in no order that means anything. */
  async *list(status?: Status): AsyncGenerator<DeliveryInfo> {
    for await (const { key, value } of this.#all(status)) {
      const { v: _, nonce: __, claim: ___, state: ____, ...shown } = value;
      yield { id: String(key.id), ...shown };
    }
  }

  /** Gives a dead delivery its attempts back. Of a state, the topic is asked: it may be further on by now. */
  async retry(id: string): Promise<void> {
    const [entity] = await this.#context.store.read([deliveryKeyOf(id)]);
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
    this.#told({ status: 'stored' });
  }

  /**
   * Forgets what was applied and has not come again for as long as its protocol's identities are kept. What is not yet
   * applied stays, and so does what is dead; of states, the last one. Returns how many.
   */
  async sweep(): Promise<number> {
    const { store, clock } = this.#context;
    let swept = 0;
    for await (const { key, value, version } of this.#all('applied')) {
      const protocol = value.protocol as Protocol;
      const days = this.#keepDays[protocol] ?? PROTOCOLS[protocol].keepDays;
      if (clock.now() - value.seenAt < days * DAY_MS) continue;
      if (value.state && value.state.seq >= (await lastState(this.#context, value.scope))) continue;
      const [outcome] = await store.commit([{ op: 'delete', key, version }]);
      if (outcome!.status === 'applied') swept++;
    }
    return swept;
  }

  #draft(received: Received) {
    const now = this.#context.clock.now();
    return {
      v: 1 as const,
      status: 'received' as const,
      nonce: this.#context.clock.id(),
      ...received,
      receivedAt: now,
      seenAt: now,
      attempts: 0,
    };
  }

  #told(put: Put): Put {
    if (put.status === 'stored') this.#wake.abort();
    return put;
  }

  /** Begins what is due, as many at once as there are lanes. */
  async #pass(
    running: ReadonlyMap<string, Promise<void>>,
    begin: (found: StoredDelivery) => void,
    stop: AbortSignal,
  ): Promise<void> {
    const { clock } = this.#context;
    try {
      for await (const found of this.#all('received')) {
        if (stop.aborted) return;
        if (running.has(String(found.key.id)) || !isDue(found.value, clock.now())) continue;
        while (running.size >= LIMITS.deliveryLanes) await Promise.race(running.values());
        if (stop.aborted) return;
        begin(found);
      }
    } catch (error) {
      if (!isSilence(error)) throw error;
      await clock.sleep(LIMITS.controlPauseMostMs, stop);
    }
  }

  async *#all(status?: Status): AsyncGenerator<StoredDelivery> {
    let range: KeyRange = { namespace: '', kind: DELIVERY };
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

  #decode(entity: Entity): StoredDelivery | undefined {
    try {
      return decodeDelivery(entity);
    } catch (error) {
      if (!(error instanceof HandoverError)) throw error;
      this.#onCorrupt(error);
      return undefined;
    }
  }

  #page(range: KeyRange, status: Status | undefined): Promise<Page> {
    const { store } = this.#context;
    if (status === undefined) return store.scan(range, LIMITS.deliveryPage);
    return store.find(range, 'status', { type: 'string', value: status }, LIMITS.deliveryPage);
  }
}
