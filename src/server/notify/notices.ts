import { hash } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { isLoopback, type NotifyDefinition } from '../../define/server.ts';
import { HandoverError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import type { Store } from '../../store/store.ts';
import { type DeliveryDocument, deliveryKey, NOTICE, type StoredDelivery } from '../../webhooks/deliveries.ts';
import { deliveriesIn } from '../../webhooks/inboxLook.ts';
import { outbound, type Send } from '../../webhooks/outbound.ts';
import { Queue } from '../../webhooks/queue.ts';
import { post } from '../../webhooks/sender/post.ts';
import { insertAll } from '../../webhooks/storing.ts';
import { Postponed } from '../../webhooks/work.ts';
import type { Happening } from './happenings.ts';

export interface NoticesOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly endpoints: readonly NotifyDefinition[];
  readonly onDead: (notice: { readonly id: string; readonly error: string }) => void;
  /** Told once of an endpoint that wants to hear nothing any more; only its host, for a path may be a secret. */
  readonly onGone: (host: string) => void;
}

interface Endpoint extends NotifyDefinition {
  readonly scope: string;
  readonly send: Send;
}

const onLoopback = (url: string): string[] => [new URL(url).hostname].filter(isLoopback);

/**
 * Notices between a campaign and those who are told of it, in the store: one for each event and endpoint, inserted if it is
 * not there, so that of several servers one stores it; and then posted by whoever claims it, until it is received. A crash
 * between the answer and its record posts it again, under the same `webhook-id`.
 */
export class Notices {
  readonly #options: NoticesOptions;
  readonly #endpoints: readonly Endpoint[];
  readonly #queue: Queue;
  /** Those that answered 410, Gone: by Standard Webhooks they are not to be asked again. Until this process ends. */
  readonly #gone = new Set<Endpoint>();
  #indexed = false;

  constructor(options: NoticesOptions) {
    const { store, clock, endpoints, onDead } = options;
    this.#options = options;
    this.#endpoints = endpoints.map((each) => ({
      ...each,
      scope: hash('sha256', each.url, 'hex'),
      send: outbound({ allow: [...(each.allow ?? []), ...onLoopback(each.url)] }),
    }));
    this.#queue = new Queue({
      store,
      clock,
      onDead,
      received: () => deliveriesIn(store, { kind: NOTICE, status: 'received' }),
      patience: {
        attempts: LIMITS.sendAttempts,
        pauseMs: LIMITS.deliveryPauseMs,
        pauseMostMs: LIMITS.sendPauseMostMs,
      },
      lanes: LIMITS.sendLanes,
      each: { most: 1, laneOf: ({ scope }) => scope },
    });
  }

  /** Whether it was new. Throws `store.unknown` where that is not known: to put it again does no harm. */
  async put(happening: Happening): Promise<boolean> {
    await this.#index();
    const { id, type, at, data } = happening;
    const body = Buffer.from(JSON.stringify({ type, timestamp: new Date(at).toISOString(), data }));
    const endpoints = this.#endpoints.filter((each) => !this.#gone.has(each));
    if (endpoints.length === 0) return true;
    const arrivals = endpoints.map(({ scope }) => {
      return { key: deliveryKey(scope, id, NOTICE), value: this.#draft(happening, scope), body };
    });
    const put = this.#queue.told(await insertAll(this.#options, arrivals));
    if (put.status === 'unsure' || put.status === 'tooLarge')
      throw new HandoverError('store.unknown', `${id}: ${put.cause}.`);
    return put.status === 'stored';
  }

  /** Posts all that is there and comes, until the signal aborts. */
  work(signal: AbortSignal): Promise<void> {
    return this.#queue.work((stored) => this.#post(stored), signal);
  }

  async #post({ value, body }: StoredDelivery): Promise<void> {
    const to = this.#endpoints.find(({ scope }) => scope === value.scope);
    if (!to) throw new Error('its endpoint is not configured here any more');
    const message = { id: value.identity, contentType: value.contentType, body: Buffer.from(body).toString() };
    if (this.#gone.has(to)) throw new Postponed('its endpoint is gone', LIMITS.sendPauseMostMs);
    const answer = await post(this.#heeded(to), this.#options.clock, to, message);
    if (answer.status === 'answered') return;
    if (this.#gone.has(to)) throw new Postponed(answer.cause, LIMITS.sendPauseMostMs);
    const afterMs = answer.status === 'refused' ? answer.afterMs : undefined;
    throw afterMs === undefined ? new Error(answer.cause) : new Postponed(answer.cause, afterMs);
  }

  #heeded(to: Endpoint): Send {
    return async (request) => {
      const answer = await to.send(request);
      if (answer.status === 'answered' && answer.code === 410 && !this.#gone.has(to)) {
        this.#gone.add(to);
        this.#options.onGone(new URL(to.url).host);
      }
      return answer;
    };
  }

  async #index(): Promise<void> {
    if (this.#indexed) return;
    await this.#options.store.index?.(NOTICE, 'status');
    this.#indexed = true;
  }

  #draft({ id, type }: Happening, scope: string): DeliveryDocument {
    const now = this.#options.clock.now();
    return {
      v: 1,
      status: 'received',
      nonce: this.#options.clock.id(),
      scope,
      identity: id,
      topic: type,
      protocol: 'standardwebhooks',
      subscription: scope,
      side: 'old',
      signed: true,
      contentType: 'application/json',
      headers: {},
      receivedAt: now,
      seenAt: now,
      attempts: 0,
    };
  }
}
