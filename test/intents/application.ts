import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decode, KINDS } from '../../src/engine/documents.ts';
import type { SubscriptionDocument } from '../../src/engine/schemas.ts';
import type { Intent } from '../../src/engine/subscriptionSchema.ts';
import { Worker } from '../../src/engine/worker.ts';
import { lmdbStore } from '../../src/store/lmdb.ts';
import type { Mutation, Store } from '../../src/store/store.ts';
import { numbersIn } from '../../src/testing/hub/topic.ts';
import { type Hub, Inbox, nodeReceiver, receiver, storedCallbacks, takeInto } from '../../src/webhooks/index.ts';
import { hubOf, migrationOf } from './migration.ts';
import { type Death, type FromApplication, isOf, type Orders, type OwnPoint, type ToApplication } from './points.ts';
import { SharedClock } from './sharedClock.ts';

/**
 * An application with all that handover gives it, in one process: the receiver, the inbox and its handler, and a worker. It
 * stops where it is to die, says so, and is killed. Nothing else in it knows that it is going to.
 */
let due: Death | undefined;
let clock: SharedClock;

process.on('message', (message: ToApplication) => {
  if ('begin' in message) void begin(message.begin);
  else if ('death' in message) due = message.death;
  else clock.skippedMs = message.skippedMs;
});
process.on('disconnect', () => process.exit());
// Whoever runs ahead says so, and is not taken for one that was killed.
process.on('unhandledRejection', (error) => {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exit(70);
});

const say = (message: FromApplication): void => void process.send!(message);
say({ ready: true });

async function begin({ path, manner, epoch, skippedMs, death }: Orders): Promise<void> {
  due = death;
  clock = new SharedClock(epoch, skippedMs);
  const store = lmdbStore({ path });
  const inbox = new Inbox({ store, clock });
  const receiving = receiver({ callbacks: storedCallbacks(store, clock), inbox, clock });
  const server = createServer(nodeReceiver(receiving)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  say({ port: (server.address() as AddressInfo).port });

  const forEver = new AbortController().signal;
  const handling = inbox.work(({ id, body }) => {
    say({ id, numbers: numbersOf(Buffer.from(body).toString()) });
  }, forEver);
  const watch = new Watch();
  const worker = new Worker({
    store: watch.store(store),
    migrations: [migrationOf(watch.hub(hubOf(manner, clock)), manner)],
    clock,
    takeIn: takeInto(inbox),
  });
  await Promise.all([handling, worker.run(forEver)]);
}

/** Of a page of a hub's, or of an event of a provider's. */
function numbersOf(body: string): readonly number[] {
  return body.startsWith('{') ? [JSON.parse(body).data.number] : numbersIn(body);
}

/** Sees what a worker stores and what it asks, and stops it where it is to die. */
class Watch {
  /** Attempts whose intent this process has stored. */
  readonly #stored = new Set<string>();
  #asked: Pick<Intent, 'mode' | 'side'> | undefined;
  #isRenewal = false;
  #answered: Pick<Intent, 'mode' | 'side'> | undefined;

  store(store: Store): Store {
    return {
      ...store,
      commit: async (mutations, guard) => {
        const document = subscriptionIn(mutations);
        if (!document) return store.commit(mutations, guard);
        const fresh = this.#freshIn(document);
        if (fresh) {
          this.#asked = fresh.intent;
          this.#isRenewal = fresh.isRenewal;
          await this.#pass('before the intent is stored', fresh.intent);
        }
        const outcomes = await store.commit(mutations, guard);
        // What lost to a receiver's note is written again on top of that.
        if (outcomes[0]!.status !== 'applied') return outcomes;
        if (fresh) {
          this.#stored.add(nameOf(fresh.intent));
          await this.#pass('before the request', fresh.intent);
        } else if (this.#answered) {
          await this.#pass('when the answer is stored', this.#answered);
        }
        this.#answered = undefined;
        return outcomes;
      },
    };
  }

  hub(hub: Hub): Hub {
    const answering = async <A>(answer: Promise<A>): Promise<A> => {
      const said = await answer;
      const asked = this.#asked!;
      await this.#pass('before the answer is stored', asked);
      this.#answered = asked;
      return said;
    };
    return {
      ...hub,
      subscribe: (request) => answering(hub.subscribe(request)),
      unsubscribe: (request) => answering(hub.unsubscribe(request)),
    };
  }

  #freshIn({ intent, renewal }: SubscriptionDocument): { intent: Intent; isRenewal: boolean } | undefined {
    if (intent && !this.#stored.has(nameOf(intent))) return { intent, isRenewal: false };
    if (renewal && !this.#stored.has(nameOf(renewal))) return { intent: renewal, isRenewal: true };
    return undefined;
  }

  async #pass(point: OwnPoint, { mode, side }: Pick<Intent, 'mode' | 'side'>): Promise<void> {
    if (due?.point !== point || !isOf(due.operation, mode, side)) return;
    if ((due.operation === 'renew') !== this.#isRenewal) return;
    say({ at: due });
    await new Promise<never>(() => {});
  }
}

const nameOf = ({ id, attempt }: Intent): string => `${id} ${attempt}`;

/** Control documents are written one by one. */
function subscriptionIn([mutation]: readonly Mutation[]): SubscriptionDocument | undefined {
  if (mutation === undefined || mutation.op === 'delete' || mutation.key.kind !== KINDS.subscription) return undefined;
  return decode('subscription', { ...mutation, slot: undefined, version: 0 }).value;
}
