import { type Clock, systemClock } from '../../clock.ts';
import { HandoverError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import type { Key } from '../../record/key.ts';
import type { Store } from '../../store/store.ts';
import { type DeliveryDocument, deliveryKey, SENDING, type Status, type StoredDelivery } from '../deliveries.ts';
import { type DeliveryInfo, deliveriesIn, infoOf, retryDelivery } from '../inboxLook.ts';
import { type OutboundOptions, outbound } from '../outbound.ts';
import { Queue } from '../queue.ts';
import { insertAll } from '../storing.ts';
import type { Patience } from '../work.ts';
import { Courier, type CourierOptions } from './courier.ts';
import type { OutgoingEvent } from './events.ts';
import { SHARE_RAMP, type ShareRamp } from './route.ts';

export interface OutboxOptions extends OutboundOptions, Pick<CourierOptions, 'endpoint' | 'body'> {
  readonly store: Store;
  readonly clock?: Clock;
  /** How the share of an endpoint on trial grows. The same in every process that sends. */
  readonly share?: Partial<ShareRamp>;
  /** Told of each event that is given up after its last attempt. */
  readonly onDead?: (delivery: { readonly id: string; readonly error: string }) => void;
  /** Told of each entity of the outbox that does not decode, whenever it is met: the others are sent. */
  readonly onCorrupt?: (error: HandoverError) => void;
}

const DAY_MS = 86_400_000;

const PATIENCE: Patience = {
  attempts: LIMITS.sendAttempts,
  pauseMs: LIMITS.deliveryPauseMs,
  pauseMostMs: LIMITS.sendPauseMostMs,
};

/**
 * Events between the application and its subscribers, in the store. What `put` has stored is posted until the subscriber's
 * endpoint says 2xx or has failed 36 times. Which endpoint that is, old or new, is asked of the subscription's journey at
 * each attempt. A crash between the answer and its record posts again, under the same `webhook-id`. No order is kept.
 */
export class Outbox {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #onCorrupt: (error: HandoverError) => void;
  readonly #courier: Courier;
  readonly #queue: Queue;
  #index: Promise<unknown> | undefined;

  constructor(options: OutboxOptions) {
    const { store, clock = systemClock, onDead, onCorrupt = () => {} } = options;
    const { endpoint, body } = options;
    const ramp = { ...SHARE_RAMP, ...options.share };
    if (!(ramp.start > 0 && ramp.growth > 1 && ramp.intervalMs > 0))
      throw new HandoverError('subscription.invalid', 'A share starts over 0 and grows by over 1 at some interval.');
    this.#store = store;
    this.#clock = clock;
    this.#onCorrupt = onCorrupt;
    this.#courier = new Courier({ store, clock, send: outbound(options), endpoint, ...(body ? { body } : {}), ramp });
    this.#queue = new Queue({
      store,
      clock,
      onDead,
      received: () => this.#all('received'),
      patience: PATIENCE,
      lanes: LIMITS.sendLanes,
      each: { most: LIMITS.sendLanesEach, laneOf: ({ subscription }) => subscription },
    });
  }

  /**
   * Stores an event for each of the subscribers that does not have it yet, durably: named by the keys of the records that
   * their endpoints are of. Throws `store.unknown` where some of it may not be stored: to put it again does no harm.
   * Throws `entity.tooLarge` for an event that the store cannot hold.
   */
  async put(event: OutgoingEvent, subscribers: readonly Key[]): Promise<'stored' | 'duplicate'> {
    await this.#indexed();
    const arrivals = subscribers.map((subscriber) => {
      const value = this.#draft(event, subscriber.toString());
      return { key: deliveryKey(value.scope, value.identity, SENDING), value, body: Buffer.from(event.body) };
    });
    const put = this.#queue.told(await insertAll({ store: this.#store, clock: this.#clock }, arrivals));
    if (put.status === 'unsure') throw new HandoverError('store.unknown', `Event ${event.id}: ${put.cause}.`);
    if (put.status === 'tooLarge') throw new HandoverError('entity.tooLarge', `Event ${event.id}: ${put.cause}.`);
    return put.status;
  }

  /** Posts all that is there and comes, until the signal aborts. In as many processes as there are. */
  work(signal: AbortSignal): Promise<void> {
    return this.#queue.work((stored) => this.#courier.deliver(stored), signal);
  }

  /** All events of all subscribers, or those of one status: `received` waits, `applied` is delivered. */
  async *list(status?: Status): AsyncGenerator<DeliveryInfo> {
    for await (const found of this.#all(status)) yield infoOf(found);
  }

  /** Gives a dead event its attempts back, by the id that `list` shows. */
  async retry(id: string): Promise<void> {
    await retryDelivery({ store: this.#store, clock: this.#clock }, id, SENDING);
    this.#queue.told({ status: 'stored' });
  }

  /** Forgets what was delivered two weeks ago. What waits stays, and so does what is dead. Returns how many. */
  async sweep(): Promise<number> {
    let swept = 0;
    for await (const { key, value, version } of this.#all('applied')) {
      if (this.#clock.now() - value.seenAt < LIMITS.sendKeepDays * DAY_MS) continue;
      const [outcome] = await this.#store.commit([{ op: 'delete', key, version }]);
      if (outcome!.status === 'applied') swept++;
    }
    return swept;
  }

  async *#all(status: Status | undefined): AsyncGenerator<StoredDelivery> {
    await this.#indexed();
    yield* deliveriesIn(this.#store, { kind: SENDING, status, onCorrupt: this.#onCorrupt });
  }

  /** What waits, and what is in retry at one endpoint, must be found among all that is done. */
  #indexed(): Promise<unknown> {
    const wanted = () => Promise.all(['status', 'retryAt'].map((property) => this.#store.index?.(SENDING, property)));
    this.#index ??= wanted().catch((error: unknown) => {
      this.#index = undefined;
      throw error;
    });
    return this.#index;
  }

  #draft({ id, topic = '', contentType = 'application/json' }: OutgoingEvent, subscription: string): DeliveryDocument {
    const now = this.#clock.now();
    return {
      v: 1,
      status: 'received',
      nonce: this.#clock.id(),
      scope: subscription,
      identity: id,
      topic,
      protocol: 'standardwebhooks',
      subscription,
      side: 'old',
      signed: true,
      contentType,
      headers: {},
      receivedAt: now,
      seenAt: now,
      attempts: 0,
    };
  }
}
