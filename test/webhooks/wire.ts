import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as commands from '../../src/admin/commands.ts';
import type { Clock } from '../../src/clock.ts';
import type { Hub } from '../../src/define/hub.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { subscription } from '../../src/define/subscription.ts';
import { load } from '../../src/engine/documents.ts';
import { subscriptionKey } from '../../src/engine/subscriptionDocument.ts';
import { Worker } from '../../src/engine/worker.ts';
import { key } from '../../src/record/key.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { HandClock } from '../../src/testing/hub/handClock.ts';
import { TestHub } from '../../src/testing/hub/hub.ts';
import type { HubQuirks } from '../../src/testing/hub/quirks.ts';
import { numbersIn } from '../../src/testing/hub/topic.ts';
import type { Callbacks } from '../../src/webhooks/callbacks.ts';
import { Inbox, nodeReceiver, receiver, storedCallbacks, takeInto, websub } from '../../src/webhooks/index.ts';
import { content } from '../engine/harness.ts';
import { isTaken, Troubles } from './troubles.ts';

const OLD_SECRET = 'the secret of the old URL';
const NEW_SECRET = 'the secret of the new URL';
const BLOG = key('Blog', 1);
/** Half a second each at the least: an hour without a delivery, which is quiet, is far longer than that. */
const MOST_STEPS = 3000;
/** There is always something new, until it is settled. */
const PUBLISH_MS = 2000;
/** A hub that refuses new subscriptions does so for as long after each order. */
const REFUSES_MS = 20_000;
/** Of a lease: it is renewed in its last third, and once more ten minutes after a renewal that was refused. */
const LINGER = 0.9;
const MOST_WAITS = 40;

/**
 * All of it by wire: a hub with its quirks, an application with a receiver and an inbox, a campaign and its worker. Time is
 * one clock, which moves when the worker waits; something is published every other second until all is to settle.
 */
export async function wire(quirks: Partial<HubQuirks>) {
  const store = memoryStore();
  const clock = new HandClock();
  const hub = await TestHub.start({ clock });
  const topic = hub.addTopic('blog');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const inbox = new Inbox({ store, clock });
  const receiving = receiver({ callbacks: asBefore(storedCallbacks(store, clock), topic), inbox, clock });
  const callbacks = () =>
    hub.log.subscriptions.filter(({ state }) => state === 'active').map(({ callback }) => new URL(callback).pathname);
  const troubles = new Troubles(quirks, (path) => callbacks().includes(path));

  const asking = websub({ clock, allow: ['127.0.0.1'], plainHttp: true, verify: ['async'] });
  const fetched = new Set<number>();
  const port: Hub = {
    ...asking,
    fetch: async (url) => {
      const found = await asking.fetch!(url);
      for (const each of numbersIn(Buffer.from(found.body).toString())) fetched.add(each);
      return found;
    },
  };
  const secrets = { oldSecret: OLD_SECRET, newSecret: NEW_SECRET };
  const urls = { old: `${origin}/old`, new: `${origin}/new` };
  const rule = subscription({ of: 'Blog', hub: port, protocol: 'feed', terms: () => ({ topic, ...urls, ...secrets }) });
  const migrations = [defineMigration({ name: 'callbacks', version: 1, subscriptions: [rule] })];

  server.on('request', nodeReceiver(troubles.before(receiving)));

  let published = 0;
  let publishAt = 0;
  let refusesUntil = 0;
  let isEnding = false;
  const turn = () => {
    if (quirks.refusesNew && clock.now() >= refusesUntil) hub.set({ refusesNew: false });
    // What comes last is taken at once: no later one would bring it.
    if (clock.now() < publishAt || (isEnding && isTaken(published))) return;
    publishAt = clock.now() + PUBLISH_MS;
    published = hub.publish(topic);
  };
  const driving: Clock = {
    now: clock.now,
    ticks: clock.ticks,
    id: clock.id,
    sleep: async (ms) => {
      turn();
      await clock.advance(ms, () => hub.idle());
    },
  };
  const context = { store, migrations, clock: driving, by: 'ann' };
  const worker = new Worker({ store, migrations, clock: driving, id: 'w1', takeIn: takeInto(inbox) });

  const applied: number[] = [];
  const end = new AbortController();
  const working = inbox.work(({ body }) => {
    applied.push(...numbersIn(Buffer.from(body).toString()));
  }, end.signal);

  // As it was before there was a campaign.
  await store.overwrite([{ key: BLOG, content: content({ title: 'blog' }) }]);
  await port.subscribe({ hub: hub.url, topic, callback: urls.old, secret: OLD_SECRET, intent: 'before' });
  await clock.advance(1000, () => hub.idle());
  hub.set(quirks);

  /** Until it rests. */
  const rest = async () => {
    for (let i = 0; i < MOST_STEPS; i++) {
      const campaign = await commands.theCampaign(context, 'callbacks');
      if (campaign.settledAt !== undefined || campaign.closed) return;
      await worker.step(campaign, new AbortController().signal);
      await driving.sleep(500);
    }
    throw new Error(`it never came to rest: ${await state()}`);
  };
  const state = async () => (await load(store, 'subscription', subscriptionKey(BLOG.toString())))?.value.state;

  /** It rests, and time goes on as long as it is not over: then nobody renews leases. */
  const linger = async (ms: number) => {
    const waitMs = Math.max(PUBLISH_MS, ms / MOST_WAITS);
    for (const until = clock.now() + ms; clock.now() < until; ) {
      const campaign = await commands.theCampaign(context, 'callbacks');
      if (campaign.closed) return;
      await worker.step(campaign, new AbortController().signal);
      await driving.sleep(waitMs);
    }
  };

  return {
    hub,
    context,
    applied,
    state,
    callbacks,
    troubles,
    fetched,
    linger,
    published: () => published,
    receiving,
    go: async (...way: readonly ((context: commands.CommandContext) => Promise<unknown>)[]) => {
      for (const say of way) {
        refusesUntil = clock.now() + REFUSES_MS;
        if (quirks.refusesNew) hub.set({ refusesNew: true });
        await say(context);
        await rest();
        // For renewals, where leases are short.
        const { clampsLease } = hub.quirks;
        if (clampsLease) await linger(clampsLease.mostSeconds * 1000 * LINGER);
      }
    },
    /** Nothing is under way any more, whether it was to be sent again or to be applied. */
    settle: async () => {
      isEnding = true;
      for (let i = 0; i < 60; i++) await driving.sleep(1000);
      await receiving.settled();
    },
    close: async () => {
      end.abort();
      await working;
      await hub.close();
      server.close();
      server.closeAllConnections();
      await store.close();
    },
  };
}

/** Before a campaign knows of it, the application serves the old URL: here with the same inbox. */
function asBefore(callbacks: Callbacks, topic: string): Callbacks {
  const legacy = {
    subscription: 'before',
    side: 'old',
    scope: ` ${topic}`,
    topic,
    protocol: 'feed',
    secrets: [OLD_SECRET],
    gone: false,
  } as const;
  const isLegacy = ({ subscription }: { readonly subscription: string }) => subscription === legacy.subscription;
  return {
    ...callbacks,
    find: async (path) => (await callbacks.find(path)) ?? (path === '/old' ? legacy : undefined),
    verified: async (given) => isLegacy(given) || callbacks.verified(given),
    delivered: async (given) => {
      if (!isLegacy(given)) await callbacks.delivered(given);
    },
  };
}
