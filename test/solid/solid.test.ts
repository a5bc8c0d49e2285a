import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, inject, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { systemClock } from '../../src/clock.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { type SubscriptionTerms, subscription } from '../../src/define/subscription.ts';
import { load } from '../../src/engine/documents.ts';
import { subscriptionKey } from '../../src/engine/subscriptionDocument.ts';
import { Worker } from '../../src/engine/worker.ts';
import { key } from '../../src/record/key.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { Inbox, nodeReceiver, receiver, solid, storedCallbacks, takeInto } from '../../src/webhooks/index.ts';
import { content } from '../engine/harness.ts';

const BOX = key('Box', 1);
/** Nothing here is signed by a secret: a URL is good when it was quiet, or not, for so long. */
const QUIET_MS = 1500;
const found = inject('solid');
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function until(what: string, condition: () => boolean | Promise<boolean>, ms = 60_000): Promise<void> {
  const deadline = systemClock.now() + ms;
  while (!(await condition())) {
    if (systemClock.now() > deadline) throw new Error(`Waited in vain: ${what}.`);
    await systemClock.sleep(20);
  }
}

/** A resource whose every change is numbered, and known by the state that notifications of it tell. */
class Counter {
  readonly url: string;
  readonly states = new Map<string, number>();

  constructor(url: string) {
    this.url = url;
  }

  async change(): Promise<string> {
    const number = this.states.size;
    const written = await fetch(this.url, {
      method: 'PUT',
      headers: { 'content-type': 'text/plain' },
      body: String(number),
    });
    expect(written.ok).toBe(true);
    const state = (await fetch(this.url, { method: 'HEAD' })).headers.get('etag')!;
    this.states.set(state, number);
    return state;
  }
}

/** An application whose one subscription is to that resource. */
async function application(origin: string) {
  const store = memoryStore();
  const counter = new Counter(`${origin}/counter-${systemClock.id(4)}`);
  await counter.change();
  const inbox = new Inbox({ store });
  const receiving = receiver({ callbacks: storedCallbacks(store, systemClock), inbox });
  const posts: string[] = [];
  const answer = nodeReceiver(receiving);
  const server = createServer((request, response) => {
    posts.push(request.url!);
    answer(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const me = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const service = `${origin}/.notifications/WebhookChannel2023/`;
  const hub = solid({ allow: ['127.0.0.1'], plainHttp: true });
  const before = await hub.subscribe({ hub: service, topic: counter.url, callback: `${me}/old`, intent: 'before' });
  if (before.status !== 'done' || !before.reference) throw new Error(`no channel: ${JSON.stringify(before)}`);
  const urls = { old: `${me}/old`, new: `${me}/new` };
  const terms: SubscriptionTerms = { topic: counter.url, hub: service, ...urls, oldReference: before.reference };
  await store.overwrite([{ key: BOX, content: content({ ...terms }) }]);
  const rule = subscription<SubscriptionTerms>({
    of: 'Box',
    hub,
    protocol: 'solid',
    quietMs: QUIET_MS,
    terms: (record) => record,
  });
  const migrations = [defineMigration({ name: 'boxes', version: 1, subscriptions: [rule] })];
  const context = { store, migrations, clock: systemClock, by: 'ann' };
  const end = new AbortController();
  const applied: string[] = [];
  const working = [
    new Worker({ store, migrations, clock: systemClock, takeIn: takeInto(inbox) }).run(end.signal),
    inbox.work(({ body }) => {
      applied.push(JSON.parse(Buffer.from(body).toString()).state);
    }, end.signal),
  ];
  closing.push(async () => {
    end.abort();
    await Promise.all(working);
  });
  const state = async () => (await load(store, 'subscription', subscriptionKey(BOX.toString())))?.value.state;
  return {
    counter,
    applied,
    posts,
    state,
    go: async (say: (context: commands.CommandContext) => Promise<unknown>) => {
      await say(context);
      await until('the campaign rests', async () => {
        const { settledAt, closed } = await commands.theCampaign(context, 'boxes');
        return settledAt !== undefined || closed;
      });
      return state();
    },
  };
}

describe.skipIf('missing' in found)('a Solid server that others have written', () => {
  it('posts to the new URL instead of the old one, and back, every change applied once and none missing', {
    timeout: 240_000,
  }, async () => {
    const { origin } = found as { origin: string };
    const { counter, applied, posts, state, go } = await application(origin);
    let over = false;
    // The server tells the state as it is when it gets to telling: the next change waits for that.
    const changing = (async () => {
      await until('a campaign knows of it', async () => (await state()) !== undefined);
      while (!over) {
        const told = await counter.change();
        await until(`change ${counter.states.size} is told`, () => applied.includes(told), 20_000);
      }
    })();
    changing.catch(() => {});
    // While two channels live, each change is posted to both; what was on its way when one ended still comes.
    const onlyAt = async (path: string) => {
      const from = posts.length;
      const last = () => posts.slice(from).slice(-4);
      await until(`changes are posted to ${path} only`, () => last().length === 4 && last().every((to) => to === path));
    };
    expect(await go((context) => commands.start(context, 'boxes', { ramp: false }))).toBe('proven');
    expect(await go((context) => commands.switchOver(context, 'boxes'))).toBe('switched');
    expect(await go((context) => commands.reverse(context, 'boxes'))).toBe('home');
    await onlyAt('/old');
    expect(await go((context) => commands.start(context, 'boxes', { ramp: false, to: 'completed' }))).toBe('settled');
    await onlyAt('/new');
    over = true;
    await changing;
    // The first was there before anybody was told of it.
    const numbers = applied.map((each) => counter.states.get(each));
    expect(numbers).toEqual(Array.from({ length: counter.states.size - 1 }, (_, i) => i + 1));
    expect(numbers.length).toBeGreaterThan(10);
    expect(posts.length).toBeGreaterThan(numbers.length);
  });
});
