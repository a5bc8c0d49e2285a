import { type Clock, systemClock } from '../clock.ts';
import type { Protocol } from '../define/hub.ts';
import type { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Store } from '../store/store.ts';
import { DELIVERY, type DeliveryDocument, deliveryKey, type Status } from './deliveries.ts';
import { type Event, PROTOCOLS } from './identities.ts';
import { type DeliveryInfo, Queue } from './queue.ts';
import { appendState, lastState } from './states.ts';
import { insertAll, type Put } from './storing.ts';
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
  /** Days for which identities are kept, where it is not to be as in `PROTOCOLS`. */
  readonly keepDays?: Partial<Readonly<Record<Protocol, number>>>;
}

/** What all events of one request have in common. */
export type Received = Pick<
  DeliveryDocument,
  'scope' | 'topic' | 'subscription' | 'side' | 'signed' | 'contentType' | 'headers'
> & { readonly protocol: Protocol };

const DAY_MS = 86_400_000;

/**
 * Deliveries between their receipt and the application, in the store. What `put` has stored is run until the handler
 * succeeds or has failed 20 times, and within its window no identity is stored twice. Runs are at least once: a crash
 * between the handler's end and the mark runs it again, under the same id. But for states of one topic, no order is kept.
 */
export class Inbox {
  readonly #context: WorkContext;
  readonly #keepDays: NonNullable<InboxOptions['keepDays']>;
  readonly #queue: Queue;

  constructor({ store, clock = systemClock, fetch, onDead, onCorrupt = () => {}, keepDays = {} }: InboxOptions) {
    this.#context = { store, clock, fetch, onDead };
    this.#keepDays = keepDays;
    this.#queue = new Queue({ ...this.#context, kind: DELIVERY, lanes: LIMITS.deliveryLanes, onCorrupt });
  }

  /** Stores what is not there yet of the events, durably. */
  async put(received: Received, events: readonly Event[]): Promise<Put> {
    const draft = this.#draft(received);
    const arrivals = events.map(({ identity, body, contentType }) => ({
      key: deliveryKey(received.scope, identity),
      value: { ...draft, identity, contentType },
      body,
    }));
    return this.#queue.told(await insertAll(this.#context, arrivals));
  }

  /** Stores what a topic says now, unless that is what it said last. */
  async putState(received: Received, hash: string, body: Uint8Array): Promise<Put> {
    return this.#queue.told(await appendState(this.#context, this.#draft(received), hash, body));
  }

  /** Runs the handler on all that is there and comes, several at once, until the signal aborts. */
  work(handler: Handler, signal: AbortSignal): Promise<void> {
    return this.#queue.work((stored, shown, lost) => handler({ ...deliveryOf(stored), ...shown }, lost), signal);
  }

  /** All deliveries, or those of one status, in no order that means anything. */
  list(status?: Status): AsyncGenerator<DeliveryInfo> {
    return this.#queue.list(status);
  }

  /** Gives a dead delivery its attempts back. Of a state, the topic is asked: it may be further on by now. */
  retry(id: string): Promise<void> {
    return this.#queue.retry(id);
  }

  /**
   * Forgets what was applied and has not come again for as long as its protocol's identities are kept. What is not yet
   * applied stays, and so does what is dead; of states, the last one. Returns how many.
   */
  sweep(): Promise<number> {
    const daysOf = (protocol: Protocol) => this.#keepDays[protocol] ?? PROTOCOLS[protocol].keepDays;
    return this.#queue.sweep(
      ({ protocol }) => daysOf(protocol as Protocol) * DAY_MS,
      async ({ state, scope }) => state !== undefined && state.seq >= (await lastState(this.#context, scope)),
    );
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
}
