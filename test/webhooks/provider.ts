import type { Hub, HubAnswer, HubRequest } from '../../src/define/hub.ts';
import { pathOf } from '../../src/define/subscription.ts';
import type { Callbacks } from '../../src/webhooks/callbacks.ts';

/** How a provider goes about its requests. */
export interface Manner {
  /** `answers`: it is done when it says so. The others ask the callback: before they answer, or some time later. */
  readonly confirms: 'answers' | 'before' | 'later';
  /** To unsubscribe gets a 202, and then nothing more. */
  readonly silentUnsubscribe?: boolean;
  readonly leaseSeconds?: number;
}

/** What befalls a request: it never arrives, its answer is lost, nobody is asked to confirm it, or it is turned down. */
export type Mishap = 'never sent' | 'answer lost' | 'forgotten' | 'refused' | 'refused for good' | undefined;

/**
 * Who posts to callbacks, as far as the engine knows of it: it keeps whom it posts to, and numbers what it publishes. Each
 * publication must be taken in by one of its callbacks at least, at the very moment it is made.
 */
export class Provider implements Hub {
  readonly name = 'provider';
  readonly shape = 'overlap';
  /** Topic and callback of all that it posts to. */
  readonly active = new Map<string, string>();
  readonly #topics = new Set<string>();
  readonly missed: string[] = [];
  readonly requests: string[] = [];
  published = 0;
  mishap: (index: number, mode: string) => Mishap = () => undefined;
  readonly #manner: Manner;
  readonly #callbacks: Callbacks;
  #pending: (() => Promise<void>)[] = [];

  constructor(manner: Manner, callbacks: Callbacks) {
    this.#manner = manner;
    this.#callbacks = callbacks;
  }

  /** From now on it posts to this callback, too. */
  post(callback: string, topic: string): void {
    this.active.set(callback, topic);
    this.#topics.add(topic);
  }

  subscribe(request: HubRequest): Promise<HubAnswer> {
    return this.#take('subscribe', request);
  }

  unsubscribe(request: HubRequest): Promise<HubAnswer> {
    return this.#take('unsubscribe', request);
  }

  /** Everybody is sent the next number, and somebody has to take it. */
  async publish(): Promise<void> {
    await this.confirm();
    this.published++;
    for (const topic of this.#topics) {
      const taken = await Promise.all(
        [...this.active].filter(([, of]) => of === topic).map(([url]) => this.#post(url)),
      );
      if (!taken.includes(true)) this.missed.push(`${topic} ${this.published}`);
    }
  }

  /** Asks the callbacks that are to be asked. */
  async confirm(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    for (const each of pending) await each();
  }

  async #post(url: string): Promise<boolean> {
    const callback = await this.#callbacks.find(pathOf(url));
    // Until a campaign knows of it, the application serves the old URL by itself.
    if (!callback) return pathOf(url).startsWith('/old/');
    if (callback.gone) return false;
    await this.#callbacks.delivered(callback);
    return true;
  }

  async #take(mode: 'subscribe' | 'unsubscribe', request: HubRequest): Promise<HubAnswer> {
    const index = this.requests.push(`${mode} ${pathOf(request.callback)}`) - 1;
    const mishap = this.mishap(index, mode);
    if (mishap === 'refused' || mishap === 'refused for good')
      return { status: 'refused', cause: 'not now', again: mishap === 'refused' };
    if (mishap === 'never sent') return { status: 'unknown', cause: 'the connection was cut' };
    if (mishap === 'forgotten') return { status: 'accepted' };
    const answer = await this.#carryOut(mode, request);
    return mishap === 'answer lost' ? { status: 'unknown', cause: 'the connection was cut' } : answer;
  }

  async #carryOut(mode: 'subscribe' | 'unsubscribe', { callback, topic }: HubRequest): Promise<HubAnswer> {
    const { confirms, silentUnsubscribe, leaseSeconds } = this.#manner;
    const change = () => {
      if (mode === 'subscribe') this.post(callback, topic);
      else this.active.delete(callback);
    };
    if (confirms === 'answers') {
      change();
      return { status: 'done', ...(leaseSeconds === undefined ? {} : { leaseSeconds }) };
    }
    if (mode === 'unsubscribe' && silentUnsubscribe) return { status: 'accepted' };
    const ask = async () => {
      const found = await this.#callbacks.find(pathOf(callback));
      if (!found) return;
      const lease = leaseSeconds === undefined ? {} : { leaseSeconds };
      if (await this.#callbacks.verified({ ...found, mode, topic, ...lease })) change();
    };
    if (confirms === 'before') await ask();
    else this.#pending.push(ask);
    return { status: 'accepted' };
  }
}
