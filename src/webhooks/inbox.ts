import { type Clock, systemClock } from '../clock.ts';
import type { Protocol } from '../define/hub.ts';
import type { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Store } from '../store/store.ts';
import { DELIVERY, type DeliveryDocument, deliveryKey, type Status, type StoredDelivery } from './deliveries.ts';
import type { Event } from './identities.ts';
import { type DeliveryInfo, deliveriesIn, infoOf, retryDelivery } from './inboxLook.ts';
import { Queue } from './queue.ts';
import { appendState } from './states.ts';
import { insertAll, type Put } from './storing.ts';
import { type KeepDays, type Sweeping, sweepFrom, sweepInTurn } from './sweeping.ts';
import { deliveryOf, type Handler, type WorkContext } from './work.ts';

export interface InboxOptions {
  readonly store: Store;
  readonly clock?: Clock;
  /** Settles whether a topic went back to an earlier state. Unset: what came is believed. */
  readonly fetch?: WorkContext['fetch'];
  /** Told of each delivery that is given up after its last attempt. */
  readonly onDead?: WorkContext['onDead'];
  /** Told of each entity of the inbox that does not decode, whenever it is met: the others are worked on. */
  readonly onCorrupt?: (error: HandoverError) => void;
  /** Days for which identities are kept, where it is not to be as in `PROTOCOLS`. Written beside each delivery. */
  readonly keepDays?: KeepDays;
}

/** What all events of one request have in common. */
export type Received = Pick<
  DeliveryDocument,
  'scope' | 'topic' | 'subscription' | 'side' | 'signed' | 'contentType' | 'headers'
> & { readonly protocol: Protocol };

/**
 * Deliveries between their receipt and the application, in the store. What `put` has stored is run until the handler
 * succeeds or has failed 20 times, and within its window no identity is stored twice. Runs are at least once: a crash
 * between the handler's end and the mark runs it again, under the same id. But for states of one topic, no order is kept.
 */
export class Inbox {
  readonly #context: WorkContext;
  readonly #keepDays: NonNullable<InboxOptions['keepDays']>;
  readonly #onCorrupt: NonNullable<InboxOptions['onCorrupt']>;
  readonly #queue: Queue;
  readonly #nonce: string;
  #drafts = 0;
  #index: Promise<void> | undefined;

  constructor({ store, clock = systemClock, fetch, onDead, onCorrupt = () => {}, keepDays = {} }: InboxOptions) {
    this.#context = { store, clock, fetch, onDead };
    this.#keepDays = keepDays;
    this.#onCorrupt = onCorrupt;
    this.#nonce = clock.id();
    const received = () => this.#all('received');
    this.#queue = new Queue({ ...this.#context, received, lanes: LIMITS.deliveryLanes });
  }

  /** Stores what is not there yet of the events, durably. */
  async put(received: Received, events: readonly Event[]): Promise<Put> {
    const draft = this.#draft(received);
    await this.#indexed();
    const arrivals = events.map(({ identity, body, contentType }) => ({
      key: deliveryKey(received.scope, identity),
      value: { ...draft, identity, contentType },
      body,
    }));
    return this.#queue.told(await insertAll(this.#context, arrivals));
  }

  /** Stores what a topic says now, unless that is what it said last. */
  async putState(received: Received, hash: string, body: Uint8Array): Promise<Put> {
    await this.#indexed();
    return this.#queue.told(await appendState(this.#context, this.#draft(received), hash, body));
  }

  /** Runs the handler on all that is there and comes, several at once, until the signal aborts. */
  work(handler: Handler, signal: AbortSignal): Promise<void> {
    return this.#queue.work((stored, shown, lost) => handler({ ...deliveryOf(stored), ...shown }, lost), signal);
  }

  /** All deliveries, or those of one status, in no order that means anything. */
  async *list(status?: Status): AsyncGenerator<DeliveryInfo> {
    for await (const found of this.#all(status)) yield infoOf(found);
  }

  /** Gives a dead delivery its attempts back. Throws `delivery.missing`, and `delivery.refused` where it is not dead. */
  async retry(id: string): Promise<void> {
    await retryDelivery(this.#context, id);
    this.#queue.told({ status: 'stored' });
  }

  /**
   * Forgets what was applied and has not come again for as long as its protocol's identities are kept. What is not yet
   * applied stays, and so does what is dead; of states, the last one. Returns how many.
   */
  async sweep(): Promise<number> {
    return (await sweepFrom(this.#sweeping, undefined)).swept;
  }

  /**
   * The same once a day, until the signal aborts, by whichever of several processes comes first: `handover work` does it
   * too. `told` hears how many were forgotten, or what went wrong; then it is tried again in a minute.
   */
  async keepSwept(signal: AbortSignal, told: (swept: number | Error) => void = () => {}): Promise<void> {
    while (!signal.aborted) {
      const swept = await sweepInTurn(this.#sweeping, signal).catch((error: Error) => error);
      if (swept !== undefined) told(swept);
      await this.#context.clock.sleep(LIMITS.inboxWatchMs, signal);
    }
  }

  get #sweeping(): Sweeping {
    return { ...this.#context, keepDays: this.#keepDays, onCorrupt: this.#onCorrupt };
  }

  #draft(received: Received) {
    const now = this.#context.clock.now();
    const keepDays = this.#keepDays[received.protocol];
    return {
      v: 1 as const,
      status: 'received' as const,
      nonce: `${this.#nonce}.${++this.#drafts}`,
      ...received,
      ...(keepDays === undefined ? {} : { keepDays }),
      receivedAt: now,
      seenAt: now,
      attempts: 0,
    };
  }

  async *#all(status?: Status): AsyncGenerator<StoredDelivery> {
    await this.#indexed();
    yield* deliveriesIn(this.#context.store, { status, onCorrupt: this.#onCorrupt });
  }

  /** Work is looked for all the time, and must be found among all that is done. */
  #indexed(): Promise<void> | undefined {
    this.#index ??= this.#context.store.index?.(DELIVERY, 'status').catch((error: unknown) => {
      this.#index = undefined;
      throw error;
    });
    return this.#index;
  }
}
