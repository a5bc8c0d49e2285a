import { setTimeout as sleep } from 'node:timers/promises';
import { TestHub } from 'handover/testing';
import type { Hub } from 'handover/webhooks';
import { callbackOf, secretOf, topicOf, type Web } from './push.ts';

/** Updates a second, of all feeds together; and at most of one. */
const RATE = 10;
const RATE_OF_ONE = 2;

/**
 * The news sites and their hub: somebody else's servers, who go on publishing, each site's updates numbered from 1, and
 * know nothing of a migration. They post to whatever URLs are subscribed.
 */
export class News {
  readonly #hub: TestHub;
  readonly #pushes: readonly string[];
  readonly #published = new Map<string, number>();
  readonly #end = new AbortController();
  #publishing: Promise<void> | undefined;

  private constructor(hub: TestHub, pushes: readonly string[]) {
    this.#hub = hub;
    this.#pushes = pushes;
    for (const push of pushes) hub.addTopic(push);
  }

  static async start(pushes: readonly string[]): Promise<News> {
    return new News(await TestHub.start({ quirks: { sendsOnlyNewEntries: true } }), pushes);
  }

  get origin(): string {
    return new URL(this.#hub.url).origin;
  }

  /** As it was before: the application is subscribed, with its old URLs. From then on something is published. */
  async begin(web: Web, hub: Hub): Promise<void> {
    for (const push of this.#pushes) {
      const [callback, topic] = [callbackOf(web, 'old', push), topicOf(web, push)];
      await hub.subscribe({ hub: this.#hub.url, topic, callback, secret: secretOf(push), intent: `before ${push}` });
    }
    await this.#hub.idle();
    this.#publishing = this.#publish(web);
  }

  async #publish(web: Web): Promise<void> {
    const perSecond = Math.min(RATE, RATE_OF_ONE * this.#pushes.length);
    for (let i = 0; !this.#end.signal.aborted; i++) {
      const push = this.#pushes[i % this.#pushes.length]!;
      this.#published.set(push, this.#hub.publish(topicOf(web, push)));
      await sleep(1000 / perSecond, undefined, { signal: this.#end.signal }).catch(() => {});
    }
  }

  /** No more is published, and what was is delivered. What that was, by feed: the number of its last update. */
  async stop(): Promise<ReadonlyMap<string, number>> {
    this.#end.abort();
    await this.#publishing;
    await this.#hub.idle();
    return this.#published;
  }

  /** Whether it posts to this URL now. */
  get postsTo(): ReadonlySet<string> {
    const active = this.#hub.log.subscriptions.filter(({ state }) => state === 'active');
    return new Set(active.map(({ callback }) => callback));
  }

  close(): Promise<void> {
    this.#end.abort();
    return this.#hub.close();
  }
}
