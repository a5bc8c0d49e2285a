import { createHash, createHmac } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { Activity } from './activity.ts';
import { Outbox, type Patience } from './outbox.ts';
import type { ProviderQuirks } from './providerQuirks.ts';
import { isSuccess, type Status, send } from './web.ts';
import { type AppEvent, Webhook } from './webhook.ts';

/** One attempt of a provider. */
export interface EventDelivery {
  readonly at: number;
  /** The webhook's. */
  readonly reference: string;
  readonly url: string;
  readonly number: number;
  readonly attempt: number;
  readonly status: Status;
}

export interface WebhooksOptions {
  readonly clock: Clock;
  readonly activity: Activity;
  readonly patience: Patience;
  readonly quirks: () => ProviderQuirks;
}

/** The webhooks of a provider, and what goes to them. */
export class Webhooks {
  readonly deliveries: { -readonly [Field in keyof EventDelivery]: EventDelivery[Field] }[] = [];
  readonly #options: WebhooksOptions;
  readonly #all: Webhook[] = [];
  readonly #published = new Map<string, number>();

  constructor(options: WebhooksOptions) {
    this.#options = options;
  }

  create(app: string, url: string, secret?: string): Webhook {
    const { activity, patience, quirks, clock } = this.#options;
    const id = `wh_${this.#all.length + 1}`;
    const made = `whsec_${createHash('sha256').update(clock.id(24)).digest('base64')}`;
    const webhook = new Webhook(id, app, secret ?? made);
    webhook.aim(url, clock.now());
    webhook.outbox = new Outbox({
      activity,
      patience,
      habits: quirks,
      send: (event, attempt) => this.#attempt(webhook, event, attempt),
      isOpen: () => webhook.urlAt(clock.now()) !== undefined,
    });
    this.#all.push(webhook);
    return webhook;
  }

  /** What there is now. */
  find(id: string): Webhook | undefined {
    return this.#all.find((each) => each.id === id && each.urlAt(this.#options.clock.now()) !== undefined);
  }

  /** What an app has, or had at that moment. */
  of(app: string, at = this.#options.clock.now()): Webhook[] {
    return this.#all.filter((each) => each.app === app && each.urlAt(at) !== undefined);
  }

  publish(app: string): number {
    const number = (this.#published.get(app) ?? 0) + 1;
    this.#published.set(app, number);
    const at = new Date(this.#options.clock.now()).toISOString();
    const body = JSON.stringify({ type: 'update.published', timestamp: at, data: { app, number } });
    const id = `msg_${encodeURIComponent(app)}_${number}`;
    const now = this.#options.clock.now();
    for (const webhook of this.of(app)) webhook.outbox?.post({ number, id, body, url: webhook.urlAt(now) ?? '' });
    return number;
  }

  async #attempt(webhook: Webhook, event: AppEvent, attempt: number): Promise<boolean> {
    const { clock, activity, patience, quirks } = this.#options;
    const at = clock.now();
    const current = webhook.urlAt(at);
    if (current === undefined) return true;
    const url = quirks().repeatsAtFirstUrl ? event.url : current;
    const entry = { at, reference: webhook.id, url, number: event.number, attempt, status: 'under way' as Status };
    this.deliveries.push(entry);
    const headers = {
      'content-type': 'application/json',
      ...(quirks().signing === 'standard' ? standardHeaders(webhook.secret, event, at) : {}),
    };
    const answered = await send({ url, method: 'POST', headers, body: event.body }, activity.signal, patience.answerMs);
    entry.status = answered.status;
    return isSuccess(answered);
  }
}

/** By https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md. */
function standardHeaders(secret: string, { id, body }: AppEvent, now: number): Record<string, string> {
  const timestamp = Math.floor(now / 1000);
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': `v1,${signature}` };
}
