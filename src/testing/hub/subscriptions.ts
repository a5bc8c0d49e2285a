import type { Ask } from './ask.ts';
import { openOutbox } from './deliver.ts';
import type { House } from './house.ts';
import type { SubscriptionEntry } from './log.ts';
import { Subscription } from './subscription.ts';
import type { Topic } from './topic.ts';
import { isConfirmed, type Question, tellDenied } from './verify.ts';

/** Who gets what: the subscriptions of a hub, and how they come and go. */
export class Subscriptions {
  readonly #house: House;
  readonly #defaultLeaseSeconds: number;
  readonly #all = new Map<string, Subscription>();

  constructor(house: House, defaultLeaseSeconds: number) {
    this.#house = house;
    this.#defaultLeaseSeconds = defaultLeaseSeconds;
  }

  entries(): SubscriptionEntry[] {
    return [...this.#all.values()].map((each) => each.entryAt(this.#now()));
  }

  isActive(topic: Topic, callback: string): boolean {
    return this.#find(topic, callback)?.isActiveAt(this.#now()) ?? false;
  }

  /** The content goes to every active subscription, in the order in which they were first asked for. */
  distribute(topic: Topic): void {
    const { content, published } = topic;
    if (this.#house.quirks().suppressesUnchanged && published.at(-1)?.body === content.body) return;
    published.push(content);
    for (const each of this.#all.values()) {
      if (each.topic === topic && each.isActiveAt(this.#now())) each.outbox?.post(content);
    }
  }

  /**
   * Notes the request, and answers with what is to be done about it: to ask the callback, then to carry it out or not. That
   * says whether it was carried out.
   */
  noted(topic: Topic, ask: Ask, attempts: number): () => Promise<boolean> {
    if (ask.mode === 'unsubscribe') return () => this.#unsubscribe(topic, ask, attempts);
    const subscription = this.#find(topic, ask.callback) ?? this.#add(topic, ask.callback);
    const isRenewal = subscription.isActiveAt(this.#now());
    if (!isRenewal) subscription.become('pending');
    else if (this.#house.quirks().signsWithRefusedSecret) subscription.secret = ask.secret;
    const publishedBefore = topic.published.length;
    return async () => {
      const leaseSeconds = this.#leaseOf(ask);
      const confirmed = await isConfirmed(this.#house, { ...questionOf(topic, ask), leaseSeconds }, attempts);
      if (confirmed) this.#activate(subscription, ask.secret, leaseSeconds, publishedBefore);
      else if (subscription.stateAt(this.#now()) === 'pending') subscription.become('refused');
      return confirmed;
    };
  }

  /** Ends a subscription from the hub's side, and tells the callback. */
  async deny(topic: Topic, callback: string, reason: string): Promise<void> {
    this.#find(topic, callback)?.become('denied');
    await tellDenied(this.#house, topic.url, callback, reason);
  }

  async #unsubscribe(topic: Topic, ask: Ask, attempts: number): Promise<boolean> {
    const confirmed = await isConfirmed(this.#house, questionOf(topic, ask), attempts);
    if (confirmed && this.isActive(topic, ask.callback)) this.#find(topic, ask.callback)?.become('unsubscribed');
    return confirmed;
  }

  #activate(subscription: Subscription, secret: string | undefined, leaseSeconds: number, publishedBefore: number) {
    const isFresh = !subscription.isActiveAt(this.#now());
    subscription.grant(leaseSeconds, this.#now());
    subscription.secret = secret;
    if (isFresh) this.#begin(subscription, publishedBefore);
    this.#refreshInTime(subscription);
  }

  #begin(subscription: Subscription, publishedBefore: number): void {
    const { missesWhileVerifying, sendsOldContent } = this.#house.quirks();
    const { published, content } = subscription.topic;
    subscription.failures = 0;
    subscription.outbox = openOutbox(this.#house, subscription);
    const missed = missesWhileVerifying ? [] : published.slice(publishedBefore);
    if (missed.length === 0 && sendsOldContent && content.number > 0) missed.push(content);
    for (const each of missed) subscription.outbox.post(each);
  }

  #refreshInTime(subscription: Subscription): void {
    const { activity, quirks, patience } = this.#house;
    const { topic, callback, leaseSeconds = 0, leaseEndsAt } = subscription;
    const { refreshesBeforeMs } = quirks();
    if (refreshesBeforeMs === 0) return;
    activity.start(async () => {
      // A lease that is shorter is refreshed at its half, not at once and for ever.
      await activity.sleep(Math.max(leaseSeconds * 1000 - refreshesBeforeMs, leaseSeconds * 500));
      const isCurrent = subscription.leaseEndsAt === leaseEndsAt && subscription.isActiveAt(this.#now());
      if (activity.ended || !isCurrent) return;
      const question: Question = { mode: 'subscribe', topic: topic.url, callback, leaseSeconds };
      if (!(await isConfirmed(this.#house, question, patience.attempts))) return;
      if (!subscription.isActiveAt(this.#now())) return;
      this.#activate(subscription, subscription.secret, leaseSeconds, topic.published.length);
    });
  }

  #leaseOf({ leaseSeconds = this.#defaultLeaseSeconds }: Ask): number {
    const { clampsLease } = this.#house.quirks();
    if (!clampsLease) return leaseSeconds;
    return Math.min(Math.max(leaseSeconds, clampsLease.leastSeconds), clampsLease.mostSeconds);
  }

  #add(topic: Topic, callback: string): Subscription {
    const subscription = new Subscription(topic, callback);
    this.#all.set(nameOf(topic, callback), subscription);
    return subscription;
  }

  #find(topic: Topic, callback: string): Subscription | undefined {
    return this.#all.get(nameOf(topic, callback));
  }

  #now(): number {
    return this.#house.clock.now();
  }
}

const nameOf = (topic: Topic, callback: string): string => `${topic.url} ${callback}`;

const questionOf = (topic: Topic, { mode, callback }: Ask): Question => ({
  mode,
  topic: topic.url,
  callback,
  leaseSeconds: undefined,
});
