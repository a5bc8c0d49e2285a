import type { Clock } from '../../clock.ts';
import type { SubscriptionDocument } from '../../engine/schemas.ts';
import { messageOf } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { Key } from '../../record/key.ts';
import type { Store } from '../../store/store.ts';
import type { Side } from '../callbacks.ts';
import type { StoredDelivery } from '../deliveries.ts';
import { change } from '../held.ts';
import type { Send } from '../outbound.ts';
import { Postponed } from '../work.ts';
import { type Endpoint, endpointOn, journeyOf, noteTrial, retryAtOf } from './endpoints.ts';
import type { BodyBuilder } from './events.ts';
import { post } from './post.ts';
import { type Route, routeOf, type ShareRamp } from './route.ts';

export interface CourierOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly send: Send;
  /**
   * What the application itself knows of a subscriber's endpoint, by the key of the record that it is of: where events go
   * before there is a campaign, and after. Undefined where there is none: what waits for it is repeated, and dies.
   */
  readonly endpoint: (subscriber: Key) => Promise<Endpoint | undefined> | Endpoint | undefined;
  /** Builds what is posted where both ends of a journey want another version of it. Unset: the event's own body. */
  readonly body?: BodyBuilder;
  readonly ramp: ShareRamp;
}

/** Where an attempt goes, and by what it was decided. */
interface Aim extends Route {
  readonly document: SubscriptionDocument | undefined;
}

/**
 * One attempt to bring one event to its subscriber.
 *
 * Where it goes is stored before it is posted, and the journey is looked at once more after that. The engine stores that an
 * endpoint was given up, and looks after that for what is in retry there. So one of the two sees the other, and once an
 * endpoint is drained nothing is posted to it.
 */
export class Courier {
  readonly #options: CourierOptions;

  constructor(options: CourierOptions) {
    this.#options = options;
  }

  /** Throws what the endpoint answered, where that is no success. */
  async deliver(stored: StoredDelivery): Promise<void> {
    const aim = await this.#aim(stored);
    const failure = await this.#attempt(stored, aim, aim.to);
    await this.#note(aim, failure ? 'failed' : 'delivered');
    if (!failure) return;
    if (aim.orElse === undefined) throw failure;
    // The journey may have gone on meanwhile: then it is for the next attempt to say where.
    const again = await this.#aim(stored, aim.orElse);
    if (again.to !== aim.orElse) throw failure;
    const second = await this.#attempt(stored, again, again.to);
    if (second) throw second;
  }

  /** A success tells only where nothing is held back any more. */
  async #note({ document, to, share }: Aim, outcome: 'delivered' | 'failed'): Promise<void> {
    const { store, clock } = this.#options;
    if (!document || share === undefined || (outcome === 'delivered' && share < 100)) return;
    await noteTrial(store, clock, document, to, outcome);
  }

  /** Decides where it goes, stores that, and looks whether it still holds. `instead`: of a route's two, the second. */
  async #aim(stored: StoredDelivery, instead?: Side): Promise<Aim> {
    let aim = await this.#decide(stored, instead);
    for (let i = 0; i < LIMITS.sendLooks; i++) {
      await this.#mark(stored, aim.to);
      const now = await this.#decide(stored, instead);
      if (now.to === aim.to) return now;
      aim = now;
    }
    throw new Error('the journey of its subscription kept changing');
  }

  /** By what was in retry before this attempt, not by what it marked itself. */
  async #decide({ value }: StoredDelivery, instead?: Side): Promise<Aim> {
    const { store, clock, ramp } = this.#options;
    const document = await journeyOf(store, value.subscription);
    if (!document) return { to: 'old', document };
    const retryAt = value.retryAt === undefined ? undefined : value.side;
    const route = routeOf(document, { id: value.identity, retryAt }, ramp, clock.now());
    return route.orElse !== undefined && route.orElse === instead ? { to: instead, document } : { ...route, document };
  }

  async #mark(stored: StoredDelivery, side: Side): Promise<void> {
    const { subscription, claim } = stored.value;
    const retryAt = retryAtOf(subscription, side);
    const marked = await change(this.#options, stored, ({ value }) => {
      const isDone = value.claim?.by !== claim?.by || (value.side === side && value.retryAt === retryAt);
      return isDone ? undefined : { ...value, side, retryAt };
    });
    if (marked?.value.claim?.by !== claim?.by) throw new Error('another sender has taken it');
  }

  /** Posts it; undefined when it was received. Whatever goes wrong with it is this endpoint's failure. */
  async #attempt(stored: StoredDelivery, aim: Aim, side: Side): Promise<Error | undefined> {
    try {
      return await this.#posted(stored, aim, side);
    } catch (error) {
      return error instanceof Error ? error : new Error(messageOf(error));
    }
  }

  async #posted(stored: StoredDelivery, { document }: Aim, side: Side): Promise<Error | undefined> {
    const { clock, send, endpoint, body: build = ({ body }) => body } = this.#options;
    const { subscription, identity: id, contentType, topic } = stored.value;
    const found = endpointOn(document, side, await endpoint(Key.parse(subscription)));
    if (!found) return new Error(`${subscription} has no endpoint`);
    const event = { id, contentType, topic, body: Buffer.from(stored.body).toString() };
    const body = await build(event, { subscriber: subscription, url: found.url, side });
    const answer = await post(send, clock, found, { id, contentType, body });
    if (answer.status === 'answered') return undefined;
    const afterMs = answer.status === 'refused' ? answer.afterMs : undefined;
    return afterMs === undefined ? new Error(answer.cause) : new Postponed(answer.cause, afterMs);
  }
}
