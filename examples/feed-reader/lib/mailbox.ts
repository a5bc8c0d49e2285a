import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { type Store, systemClock } from 'handover';
import { numbersIn } from 'handover/testing';
import { type Callbacks, Inbox, receiver, storedCallbacks } from 'handover/webhooks';
import { fastifyReceiver } from 'handover/webhooks/fastify';
import { secretOf, topicOf, webOf } from './push.ts';

/** Less than its parent waits for it. */
const CLOSING_MS = 8000;

/**
 * The application's side of its subscriptions: takes what is posted to its callbacks, old and new, into the inbox, and
 * runs on each what an application would do with an update. Here that is a line in a log.
 */
export class Mailbox {
  readonly #end = new AbortController();
  readonly #inbox: Inbox;
  readonly #receiving: ReturnType<typeof receiver>;
  readonly #working: Promise<void>;

  constructor(server: FastifyInstance, store: Store, log: string) {
    this.#inbox = new Inbox({ store });
    this.#receiving = receiver({ callbacks: asBefore(storedCallbacks(store, systemClock)), inbox: this.#inbox });
    for (const prefix of ['/old', '/new']) server.register(fastifyReceiver(this.#receiving), { prefix });
    const apply = ({ topic, body }: { readonly topic: string; readonly body: Uint8Array }) => {
      for (const number of numbersIn(Buffer.from(body).toString())) appendFileSync(log, `${nameOf(topic)} ${number}\n`);
    };
    this.#working = this.#inbox.work(apply, this.#end.signal);
  }

  /** When nothing more comes in: resolves when all that was taken has been applied, or after a while in which it cannot be. */
  async close(): Promise<void> {
    await this.#receiving.settled();
    for (const until = performance.now() + CLOSING_MS; performance.now() < until && (await this.#isWaiting()); )
      await new Promise((done) => setTimeout(done, 20));
    this.#end.abort();
    await this.#working;
  }

  async #isWaiting(): Promise<boolean> {
    for await (const _ of this.#inbox.list('received')) return true;
    return false;
  }
}

const nameOf = (topic: string): string => new URL(topic).pathname.split('/').at(-1)!;

/** What was applied, in this order: feed and number. */
export function readApplied(log: string): readonly (readonly [string, number])[] {
  if (!existsSync(log)) return [];
  const lines = readFileSync(log, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => [line.split(' ')[0]!, Number(line.split(' ')[1])] as const);
}

/** Until a campaign knows of an old URL, the application serves it by itself: into the same inbox, under the same scope. */
function asBefore(callbacks: Callbacks): Callbacks {
  const own = 'before';
  return {
    ...callbacks,
    async find(path) {
      const known = await callbacks.find(path);
      const push = /^\/old\/(.+)$/.exec(path)?.[1];
      const web = webOf();
      if (known || push === undefined || !web) return known;
      const topic = topicOf(web, push);
      const callback = { subscription: own, side: 'old', scope: ` ${topic}`, topic, protocol: 'feed' } as const;
      return { ...callback, secrets: [secretOf(push)], gone: false };
    },
    verified: async (given) => given.subscription === own || callbacks.verified(given),
    delivered: async (given) => {
      if (given.subscription !== own) await callbacks.delivered(given);
    },
  };
}
