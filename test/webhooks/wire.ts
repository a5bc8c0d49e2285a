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
import { TestHub } from '../../src/testing/hub/hub.ts';
import type { HubQuirks } from '../../src/testing/hub/quirks.ts';
import { numbersIn } from '../../src/testing/hub/topic.ts';
import type { Callbacks } from '../../src/webhooks/callbacks.ts';
import { Inbox, nodeReceiver, receiver, storedCallbacks, takeInto, websub } from '../../src/webhooks/index.ts';
import { content } from '../engine/harness.ts';

const SECRET = 'a secret of this test';
const BLOG = key('Blog', 1);
/** An hour without a delivery is quiet: none of these is. */
const MOST_STEPS = 3000;

/**
 * All of it by wire: a hub with its quirks, an application with a receiver and an inbox, a campaign and its worker. Time is
 * one clock, which moves when the worker waits; before each wait something is published, as long as there is more to come.
 */
export async function wire(quirks: Partial<HubQuirks>, publications = 60) {
  const store = memoryStore();
  const clock = new HandClock();
  const hub = await TestHub.start({ clock });
  const topic = hub.addTopic('blog');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const inbox = new Inbox({ store, clock });
  const receiving = receiver({ callbacks: asBefore(storedCallbacks(store, clock), topic), inbox, clock });
  server.on('request', nodeReceiver(receiving));

  const port = websub({ clock, allow: ['127.0.0.1'], plainHttp: true, verify: ['async'] });
  const secrets = { oldSecret: SECRET, newSecret: SECRET };
  const urls = { old: `${origin}/old`, new: `${origin}/new` };
  const rule = subscription({ of: 'Blog', hub: port, protocol: 'feed', terms: () => ({ topic, ...urls, ...secrets }) });
  const migrations = [defineMigration({ name: 'callbacks', version: 1, subscriptions: [rule] })];

  let published = 0;
  const publish = () => {
    if (published < publications) published = hub.publish(topic);
  };
  const driving: Clock = {
    now: clock.now,
    ticks: clock.ticks,
    id: clock.id,
    sleep: async (ms) => {
      publish();
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
  await port.subscribe({ hub: hub.url, topic, callback: urls.old, secret: SECRET, intent: 'before' });
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

  return {
    hub,
    context,
    applied,
    state,
    callbacks: () =>
      hub.log.subscriptions.filter(({ state }) => state === 'active').map(({ callback }) => new URL(callback).pathname),
    published: () => published,
    receiving,
    go: async (...way: readonly ((context: commands.CommandContext) => Promise<unknown>)[]) => {
      for (const say of way) {
        await say(context);
        await rest();
      }
    },
    /** Nothing is under way any more, whether it was to be sent again or to be applied. */
    settle: async () => {
      for (let i = 0; i < 100; i++) await driving.sleep(1000);
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
    secrets: [SECRET],
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
