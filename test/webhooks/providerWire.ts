import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as commands from '../../src/admin/commands.ts';
import type { Clock } from '../../src/clock.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { subscription } from '../../src/define/subscription.ts';
import { load } from '../../src/engine/documents.ts';
import { subscriptionKey } from '../../src/engine/subscriptionDocument.ts';
import { Worker } from '../../src/engine/worker.ts';
import { key } from '../../src/record/key.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { HandClock } from '../../src/testing/hub/handClock.ts';
import { TestProvider } from '../../src/testing/hub/provider.ts';
import type { ProviderQuirks } from '../../src/testing/hub/providerQuirks.ts';
import type { Callbacks } from '../../src/webhooks/callbacks.ts';
import {
  Inbox,
  nodeReceiver,
  type RestDefinition,
  receiver,
  restProvider,
  storedCallbacks,
} from '../../src/webhooks/index.ts';
import { content } from '../engine/harness.ts';

const SHOP = key('Shop', 1);
const MOST_MS = 7_200_000;
/** By the clock of the test: an event as often as this. */
const PUBLISH_MS = 5_000;

export interface WireOptions {
  readonly shape: 'overlap' | 'swap';
  readonly keepOldMs?: number;
  readonly quietMs?: number;
}

/** What it is that the provider of that shape is asked. */
function definitionOf(provider: TestProvider, clock: Clock, shape: 'overlap' | 'swap'): RestDefinition {
  const common = { name: 'provider', plainHttp: true, allow: ['127.0.0.1'], clock, reference: 'id' } as const;
  const json = { url: '{callback}', secret: '{secret}' };
  if (shape === 'swap') {
    const url = `${provider.url}/apps/{topic}/webhook`;
    const read: NonNullable<RestDefinition['list']>['read'] = ({ json: said }) => {
      const { id, url: callback } = said as { id: string; url: string };
      return { found: [{ reference: id, callback }] };
    };
    return { ...common, shape, replace: { method: 'PUT', url, json }, list: { request: { method: 'GET', url }, read } };
  }
  const url = `${provider.url}/apps/{topic}/webhooks`;
  return {
    ...common,
    repeat: 'key',
    create: { method: 'POST', url, json: { url: '{callback}' } },
    secret: 'secret',
    delete: { method: 'DELETE', url: `${provider.url}/webhooks/{reference}` },
    list: { request: { method: 'GET', url }, read: { items: 'data', reference: 'id', callback: 'url' } },
  };
}

/** A provider, an application with a receiver and an inbox, a campaign and its worker, by wire and on one clock. */
export async function providerWire({ shape, keepOldMs = 120_000, quietMs = 3_600_000 }: WireOptions) {
  const store = memoryStore();
  const clock = new HandClock();
  const provider = await TestProvider.start({ clock, quirks: { shape } });
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const urls = { old: `${origin}/old`, new: `${origin}/new` };

  // As it was before there was a campaign.
  const path = `${provider.url}/apps/shop/webhook${shape === 'swap' ? '' : 's'}`;
  const put = (at: 'old' | 'new') =>
    fetch(path, { method: shape === 'swap' ? 'PUT' : 'POST', body: JSON.stringify({ url: urls[at] }) });
  const made = await put('old');
  const { id: oldReference, secret } = (await made.json()) as { id: string; secret: string };

  const inbox = new Inbox({ store, clock });
  const receiving = receiver({ callbacks: asBefore(storedCallbacks(store, clock), secret), inbox, clock });
  const answers = nodeReceiver(receiving);
  /** Paths whose deployment is broken. */
  const down = new Set<string>();
  server.on('request', (request, response) => {
    if (down.has(new URL(request.url!, origin).pathname)) response.writeHead(503).end();
    else answers(request, response);
  });

  const rule = subscription({
    of: 'Shop',
    hub: restProvider(definitionOf(provider, clock, shape)),
    protocol: 'standardwebhooks',
    terms: () => ({ topic: 'shop', ...urls, oldSecret: secret, oldReference }),
    keepOldMs,
    quietMs,
  });
  const migrations = [defineMigration({ name: 'callbacks', version: 1, subscriptions: [rule] })];
  await store.overwrite([{ key: SHOP, content: content({ title: 'shop' }) }]);

  let published = 0;
  let publishes = true;
  let publishedAt = 0;
  let stop = new AbortController();
  const driving: Clock = {
    now: clock.now,
    ticks: clock.ticks,
    id: clock.id,
    sleep: async (ms) => {
      if (publishes && clock.now() - publishedAt >= PUBLISH_MS) {
        published = provider.publish('shop');
        publishedAt = clock.now();
      }
      await clock.advance(ms, () => provider.idle());
      // One wait is one step.
      stop.abort();
    },
  };
  const context = { store, migrations, clock: driving, by: 'ann' };
  let workers = 0;
  const fresh = () => new Worker({ store, migrations, clock: driving, id: `w${++workers}` });
  let worker = fresh();

  const applied: number[] = [];
  const end = new AbortController();
  const working = inbox.work((delivery) => {
    applied.push(JSON.parse(Buffer.from(delivery.body).toString()).data.number);
  }, end.signal);

  const document = async () => (await load(store, 'subscription', subscriptionKey(SHOP.toString())))?.value;
  const state = async () => (await document())?.state;
  /** As far as the worker goes until it waits. */
  const step = async () => {
    stop = new AbortController();
    const campaign = await commands.theCampaign(context, 'callbacks');
    if (!(await worker.step(campaign, stop.signal))) await driving.sleep(500);
  };
  /** Steps until the condition holds. */
  const until = async (what: string, condition: () => boolean | Promise<boolean>) => {
    const deadline = clock.now() + MOST_MS;
    while (clock.now() < deadline) {
      if (await condition()) return;
      await step();
    }
    throw new Error(`never ${what}: it is ${await state()}`);
  };
  const rest = () =>
    until('at rest', async () => {
      const { settledAt, closed, run } = await commands.theCampaign(context, 'callbacks');
      return settledAt !== undefined || closed || run === 'paused';
    });

  return {
    context,
    provider,
    clock,
    down,
    applied,
    document,
    state,
    step,
    until,
    rest,
    urls,
    /** Somebody else asks the provider for it. */
    put,
    published: () => published,
    publishing: (on: boolean) => {
      publishes = on;
    },
    /** Another process takes over. */
    another: () => {
      worker = fresh();
    },
    set: (quirks: Partial<ProviderQuirks>) => provider.set(quirks),
    callbacks: () => provider.webhooks('shop').map(({ url }) => new URL(url).pathname),
    post: (at: 'old' | 'new', text = '{}') => fetch(urls[at], { method: 'POST', body: text }),
    go: async (...way: readonly ((context: commands.CommandContext) => Promise<unknown>)[]) => {
      for (const say of way) {
        await say(context);
        await rest();
      }
    },
    /** Nothing is under way any more, whether it was to be sent again or to be applied. */
    settle: async () => {
      publishes = false;
      for (let i = 0; i < 30; i++) await driving.sleep(2000);
      await receiving.settled();
    },
    close: async () => {
      end.abort();
      await working;
      await provider.close();
      server.close();
      server.closeAllConnections();
      await store.close();
    },
  };
}

/** Before a campaign knows of it, the application serves the old URL: here with the same inbox. */
function asBefore(callbacks: Callbacks, secret: string): Callbacks {
  const legacy = {
    subscription: 'before',
    side: 'old',
    scope: ' shop',
    topic: 'shop',
    protocol: 'standardwebhooks',
    secrets: [secret],
    gone: false,
  } as const;
  return {
    ...callbacks,
    find: async (path) => (await callbacks.find(path)) ?? (path === '/old' ? legacy : undefined),
    delivered: async (given) => {
      if (given.subscription !== legacy.subscription) await callbacks.delivered(given);
    },
  };
}
