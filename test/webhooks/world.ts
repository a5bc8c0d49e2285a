import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../src/clock.ts';
import { memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import type { Callback, Callbacks, Side, Verification } from '../../src/webhooks/callbacks.ts';
import { Inbox, type InboxOptions } from '../../src/webhooks/inbox.ts';
import type { DeliveryInfo } from '../../src/webhooks/inboxLook.ts';
import { nodeReceiver } from '../../src/webhooks/nodeReceiver.ts';
import { type Receiver, type ReceiverOptions, receiver } from '../../src/webhooks/receive.ts';
import type { Delivery, Handler } from '../../src/webhooks/work.ts';

export const SECRET = 'a secret of twenty-four bytes or so';
export const TOPIC = 'https://example.org/topic?a=b&c=d';

/** Real time, moved on by hand, in which nobody sleeps for long. */
export interface TestClock extends Clock {
  advance(ms: number): void;
}

export function testClock(): TestClock {
  let offset = 0;
  return {
    ...systemClock,
    now: () => systemClock.now() + offset,
    sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 4), signal),
    advance: (ms) => {
      offset += ms;
    },
  };
}

type Intent = Pick<Verification, 'side' | 'mode'>;

/** One subscription with its two URLs, `/cb/old` and `/cb/new`, and a book of what was said of it. */
export class TestCallbacks implements Callbacks {
  readonly callbacks = new Map<string, Callback>();
  /** What may be confirmed. */
  intents: readonly Intent[] = [];
  readonly confirmed: Verification[] = [];
  readonly denials: { side: Side; reason: string }[] = [];
  readonly proofs: Side[] = [];
  readonly suspicions: { side: Side; why: string }[] = [];
  failing = false;

  constructor(common: Partial<Callback> = {}) {
    for (const side of ['old', 'new'] as const) {
      const callback = { subscription: 's1', scope: `tenant ${TOPIC}`, topic: TOPIC, secrets: [SECRET], gone: false };
      this.set(side, { ...callback, protocol: 'websub', ...common, side });
    }
  }

  set(side: Side, changed: Partial<Callback>): void {
    this.callbacks.set(`/cb/${side}`, { ...this.callbacks.get(`/cb/${side}`)!, ...changed });
  }

  async find(path: string): Promise<Callback | undefined> {
    if (this.failing) throw new Error('the store is away');
    return this.callbacks.get(path);
  }

  async verified(verification: Verification): Promise<boolean> {
    const { side, mode } = verification;
    if (!this.intents.some((intent) => intent.side === side && intent.mode === mode)) return false;
    this.confirmed.push(verification);
    return true;
  }

  async denied({ side, reason }: { side: Side; reason: string }): Promise<void> {
    this.denials.push({ side, reason });
  }

  async delivered({ side }: { side: Side }): Promise<void> {
    this.proofs.push(side);
  }

  async suspicious({ side, why }: { side: Side; why: string }): Promise<void> {
    this.suspicions.push({ side, why });
  }
}

export interface World {
  readonly store: Store;
  readonly clock: TestClock;
  readonly callbacks: TestCallbacks;
  readonly inbox: Inbox;
  readonly receiver: Receiver;
  readonly url: string;
  /** Posts, and follows no redirect. */
  post(side: Side, body: Uint8Array | string, headers?: Record<string, string>): Promise<Response>;
}

export interface WorldOptions extends Omit<InboxOptions, 'store' | 'clock'>, Pick<ReceiverOptions, 'maxBytes'> {
  readonly store?: Store;
  readonly callback?: Partial<Callback>;
}

/** A receiver behind a real server. */
export async function world({
  store = memoryStore(),
  callback,
  maxBytes,
  ...options
}: WorldOptions = {}): Promise<World> {
  const clock = testClock();
  const callbacks = new TestCallbacks(callback);
  const inbox = new Inbox({ store, clock, ...options });
  const made = receiver({ callbacks, inbox, clock, ...(maxBytes === undefined ? {} : { maxBytes }) });
  const url = await listen(createServer(nodeReceiver(made)));
  const post: World['post'] = (side, body, headers = {}) =>
    fetch(`${url}/cb/${side}`, { method: 'POST', body: body as Uint8Array<ArrayBuffer>, headers, redirect: 'manual' });
  return { store, clock, callbacks, inbox, receiver: made, url, post };
}

export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export const hmac = (body: Uint8Array | string, secret = SECRET, method = 'sha256'): string =>
  createHmac(method, secret).update(body).digest('hex');

/** A WebSub signature's header. */
export const signed = (body: Uint8Array | string, secret = SECRET, method = 'sha256') => ({
  'x-hub-signature': `${method}=${hmac(body, secret, method)}`,
});

/** Waits for a condition, and says what it waited for when it does not come. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = systemClock.now() + 10_000;
  while (!(await condition())) {
    if (systemClock.now() > deadline) throw new Error(`Waited in vain: ${what}.`);
    await systemClock.sleep(3);
  }
}

export async function listed(inbox: Inbox, status?: DeliveryInfo['status']): Promise<DeliveryInfo[]> {
  const found: DeliveryInfo[] = [];
  for await (const each of inbox.list(status)) found.push(each);
  return found;
}

export const textOf = ({ body }: Delivery): string => Buffer.from(body).toString();

/** A worker in the background; `stop` waits for its end, and throws what ended it. */
export function working(inbox: Inbox, handler: Handler): { stop(): Promise<void> } {
  const end = new AbortController();
  const work = inbox.work(handler, end.signal);
  work.catch(() => undefined);
  const stop = async () => {
    end.abort();
    await work;
  };
  onTestFinished(() => stop().catch(() => undefined));
  return { stop };
}

/** Runs a handler that notes bodies until nothing is left to run, and returns them in order. */
export async function applied(inbox: Inbox): Promise<string[]> {
  const bodies: string[] = [];
  const worker = working(inbox, (delivery) => {
    bodies.push(textOf(delivery));
  });
  await until('the inbox is empty', async () => (await listed(inbox, 'received')).length === 0);
  await worker.stop();
  return bodies;
}
