import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, systemClock } from '../../clock.ts';
import { HandoverError } from '../../errors.ts';
import { Activity } from './activity.ts';
import { Endpoint } from './endpoint.ts';
import type { House } from './house.ts';
import type { HubLog } from './log.ts';
import type { Patience } from './outbox.ts';
import { type HubQuirks, LEASE_SECONDS, NO_QUIRKS, PATIENCE } from './quirks.ts';
import { Subscriptions } from './subscriptions.ts';
import { type Content, Topic, type TopicKind } from './topic.ts';
import { end, type Listening, listen } from './web.ts';

export interface TestHubOptions {
  /** Decides leases, pauses and challenges: a `HandClock`, or by default the system's. */
  readonly clock?: Clock;
  readonly quirks?: Partial<HubQuirks>;
  readonly patience?: Partial<Patience>;
  /** Granted to who asks for none. */
  readonly leaseSeconds?: number;
}

/**
 * A WebSub hub on loopback, with pages of its own to subscribe to. It does what the recommendation says
 * (https://www.w3.org/TR/2018/REC-websub-20180123/), and whatever else is switched on in its quirks.
 */
export class TestHub {
  readonly #house: House;
  readonly #subscriptions: Subscriptions;
  readonly #topics = new Map<string, Topic>();
  readonly #endpoint: Endpoint;
  #quirks: HubQuirks;
  #server!: Listening;

  private constructor({ clock = systemClock, quirks, patience, leaseSeconds = LEASE_SECONDS }: TestHubOptions) {
    this.#quirks = { ...NO_QUIRKS, ...quirks };
    this.#house = {
      clock,
      activity: new Activity(clock),
      patience: { ...PATIENCE, ...patience },
      quirks: () => this.#quirks,
      verifications: [],
      deliveries: [],
    };
    this.#subscriptions = new Subscriptions(this.#house, leaseSeconds);
    this.#endpoint = new Endpoint(this.#house, this.#topics, this.#subscriptions);
  }

  static async start(options: TestHubOptions = {}): Promise<TestHub> {
    const hub = new TestHub(options);
    hub.#server = await listen((request, response) => hub.#handle(request, response));
    return hub;
  }

  /** Where to POST requests. */
  get url(): string {
    return `${this.#server.origin}/hub`;
  }

  /** All that the hub was asked and did. */
  get log(): HubLog {
    const { verifications, deliveries } = this.#house;
    return { asked: this.#endpoint.asked, verifications, deliveries, subscriptions: this.#subscriptions.entries() };
  }

  get quirks(): HubQuirks {
    return this.#quirks;
  }

  /** From now on; the others stay as they are. */
  set(quirks: Partial<HubQuirks>): void {
    this.#quirks = { ...this.#quirks, ...quirks };
  }

  /** A page to subscribe to, by its URL: an Atom feed, or a JSON document of which only the newest state is there. */
  addTopic(name: string, kind: TopicKind = 'atom'): string {
    const url = `${this.#server.origin}/topics/${encodeURIComponent(name)}`;
    this.#topics.set(url, new Topic(url, kind, this.url));
    return url;
  }

  /** One more update, delivered to whoever is subscribed. Its number: 1 for a topic's first, and none is left out. */
  publish(topic: string): number {
    const known = this.#topic(topic);
    const { number } = known.update(this.#house.clock.now());
    this.#subscriptions.distribute(known);
    return number;
  }

  /** Publishes what the topic says now once more. */
  publishAgain(topic: string): void {
    this.#subscriptions.distribute(this.#topic(topic));
  }

  /** The topic says again, byte for byte, what it said at this number; that is published. */
  revert(topic: string, number: number): void {
    const known = this.#topic(topic);
    known.revert(number);
    this.#subscriptions.distribute(known);
  }

  /** What the topic's page says now. */
  content(topic: string): Content {
    return this.#topic(topic).content;
  }

  /** Ends a subscription, and tells the callback with `hub.mode=denied`. */
  deny(topic: string, callback: string, reason = 'denied by the test'): Promise<void> {
    const known = this.#topic(topic);
    return this.#house.activity.run(() => this.#subscriptions.deny(known, callback, reason));
  }

  /** Resolves when the hub does nothing but wait for the clock. */
  idle(): Promise<void> {
    return this.#house.activity.idle();
  }

  /** Gives up whatever is under way; nothing is sent or answered any more. */
  async close(): Promise<void> {
    await this.#house.activity.end();
    await this.#server.close();
  }

  #topic(url: string): Topic {
    const topic = this.#topics.get(url);
    if (!topic) throw new HandoverError('usage.invalid', `The hub has no topic ${url}.`);
    return topic;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.#server.origin);
    if (request.method === 'POST' && url.pathname === '/hub') return this.#endpoint.answer(request, response);
    const topic = this.#topics.get(`${url.origin}${url.pathname}`);
    if (!topic || (request.method !== 'GET' && request.method !== 'HEAD')) return end(response, 404, 'not here');
    const { contentType, body } = topic.content;
    response.writeHead(200, { 'content-type': contentType, link: topic.link });
    response.end(body);
  }
}
