import type { SubscriptionEntry, SubscriptionState } from './log.ts';
import type { Outbox } from './outbox.ts';
import type { Content, Topic } from './topic.ts';

/** What one callback has of one topic. */
export class Subscription {
  readonly topic: Topic;
  readonly callback: string;
  secret: string | undefined;
  outbox: Outbox<Content> | undefined;
  /** Failed attempts in a row. */
  failures = 0;
  #state: SubscriptionState = 'pending';
  #leaseSeconds: number | undefined;
  #leaseEndsAt: number | undefined;

  constructor(topic: Topic, callback: string) {
    this.topic = topic;
    this.callback = callback;
  }

  get leaseEndsAt(): number | undefined {
    return this.#leaseEndsAt;
  }

  get leaseSeconds(): number | undefined {
    return this.#leaseSeconds;
  }

  /** A lease ends when its time has come, whether anybody looks or not. */
  stateAt(now: number): SubscriptionState {
    const lapsed = this.#state === 'active' && this.#leaseEndsAt !== undefined && this.#leaseEndsAt <= now;
    return lapsed ? 'expired' : this.#state;
  }

  isActiveAt(now: number): boolean {
    return this.stateAt(now) === 'active';
  }

  become(state: SubscriptionState): void {
    this.#state = state;
  }

  grant(leaseSeconds: number, now: number): void {
    this.#state = 'active';
    this.#leaseSeconds = leaseSeconds;
    this.#leaseEndsAt = now + leaseSeconds * 1000;
  }

  entryAt(now: number): SubscriptionEntry {
    const { topic, callback } = this;
    return {
      topic: topic.url,
      callback,
      state: this.stateAt(now),
      leaseSeconds: this.#leaseSeconds,
      leaseEndsAt: this.#leaseEndsAt,
    };
  }
}
