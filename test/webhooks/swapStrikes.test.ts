import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { show } from '../../src/admin/inspect.ts';
import { campaignStatus } from '../../src/admin/status.ts';
import { statusText } from '../../src/cli/statusText.ts';
import type { Hub, HubAnswer, HubRequest } from '../../src/define/hub.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { pathOf, subscription } from '../../src/define/subscription.ts';
import { load } from '../../src/engine/documents.ts';
import { subscriptionKey } from '../../src/engine/subscriptionDocument.ts';
import { Worker } from '../../src/engine/worker.ts';
import { MemoryData, memoryStore } from '../../src/store/memory.ts';
import type { Callbacks } from '../../src/webhooks/callbacks.ts';
import { storedCallbacks } from '../../src/webhooks/storedCallbacks.ts';
import { handClock, oldKey, STRIKES, seed } from '../engine/harness.ts';
import { restOf, type Say, type Strike, workersOn } from './drive.ts';
import { PATIENCE_MS, partOf } from './part.ts';

const URLS = { old: 'https://app.example/old', new: 'https://app.example/new' };

type Mishap = 'never sent' | 'answer lost' | 'refused' | undefined;

/** One URL, and numbers that go there: each must be taken in at the moment it is sent. */
class OneUrl implements Hub {
  readonly name = 'one';
  readonly shape = 'swap';
  url = URLS.old;
  /** When it asks the URL whether it is meant, before it posts there. */
  asks: 'never' | 'before it answers' | 'later' = 'never';
  readonly requests: string[] = [];
  readonly missed: number[] = [];
  published = 0;
  fetches = 0;
  topicFails = false;
  mishap: (index: number) => Mishap = () => undefined;
  readonly #callbacks: Callbacks;
  #asked: string | undefined;

  constructor(callbacks: Callbacks) {
    this.#callbacks = callbacks;
  }

  async publish(): Promise<void> {
    if (this.#asked) await this.#ask(this.#asked);
    this.#asked = undefined;
    this.published++;
    const callback = await this.#callbacks.find(pathOf(this.url));
    // Until a campaign knows of it, the application serves the old URL by itself.
    if (callback ? callback.gone : this.url !== URLS.old) this.missed.push(this.published);
    else if (callback) await this.#callbacks.delivered(callback);
  }

  async probe({ callback, topic }: HubRequest): Promise<HubAnswer> {
    const found = await this.#callbacks.find(pathOf(callback));
    const meant = found && (await this.#callbacks.verified({ ...found, mode: 'subscribe', topic }));
    return meant ? { status: 'done' } : { status: 'refused', cause: 'not served', again: true };
  }

  async subscribe({ callback }: HubRequest): Promise<HubAnswer> {
    const mishap = this.mishap(this.requests.push(pathOf(callback)) - 1);
    if (mishap === 'refused') return { status: 'refused', cause: 'not now', again: true };
    if (mishap === 'never sent') return { status: 'unknown', cause: 'the connection was cut' };
    if (this.asks === 'later') this.#asked = callback;
    else if (this.asks === 'never') this.url = callback;
    else await this.#ask(callback);
    if (mishap === 'answer lost') return { status: 'unknown', cause: 'the connection was cut' };
    return { status: this.asks === 'never' ? 'done' : 'accepted' };
  }

  async #ask(url: string): Promise<void> {
    const found = await this.#callbacks.find(pathOf(url));
    if (found && (await this.#callbacks.verified({ ...found, mode: 'subscribe' }))) this.url = url;
  }

  async unsubscribe(): Promise<HubAnswer> {
    throw new Error('nobody ends the one URL');
  }

  async list() {
    return [{ reference: '1', callback: this.url }];
  }

  async fetch() {
    this.fetches++;
    if (this.topicFails) throw new Error('no topic today');
    return { contentType: 'text/plain', body: Buffer.from('') };
  }
}

function world(fault?: Strike) {
  const data = new MemoryData();
  const store = memoryStore({ data });
  const clock = handClock();
  const provider = new OneUrl(storedCallbacks(store, clock));
  const terms = () => ({ topic: 'app', ...URLS });
  const rule = subscription({ of: 'Feed', hub: provider, protocol: 'slack', keepOldMs: 5_000, terms });
  const migrations = [defineMigration({ name: 'callbacks', version: 1, subscriptions: [rule] })];
  const context = { store, migrations, clock, by: 'ann' };
  const takeIn = async () => 0;
  const { worker, calls } = workersOn(data, { migrations, clock, provider, fault, takeIn });
  const state = async () => (await load(store, 'subscription', subscriptionKey(oldKey(1).toString())))?.value.state;
  return { store, clock, provider, context, worker, state, calls };
}
type World = ReturnType<typeof world>;

const rest = (w: World) => restOf(w, 'callbacks');

const WAY: readonly Say[] = [
  (context) => commands.start(context, 'callbacks', { ramp: false, to: 'switched' }),
  (context) => commands.reverse(context, 'callbacks'),
  (context) => commands.start(context, 'callbacks', { ramp: false }),
  (context) => commands.switchOver(context, 'callbacks'),
  (context) => commands.complete(context, 'callbacks'),
];

async function wholeWay(w: World): Promise<void> {
  await seed(w.store, 1);
  for (const say of WAY) {
    await say(w.context);
    await rest(w);
  }
}

const ASKS = ['never', 'before it answers', 'later'] as const;

describe.each(ASKS)(
  'a provider with one URL, which asks whether that is meant: %s',
  { timeout: PATIENCE_MS },
  (asks) => {
    const made = (fault?: Parameters<typeof world>[0]) => {
      const w = world(fault);
      w.provider.asks = asks;
      return w;
    };

    it.each(Object.entries(STRIKES))(
      'misses nothing whichever call of a worker is struck: %s',
      async (kind, strike) => {
        const whole = made();
        await wholeWay(whole);
        const stride = Math.ceil(whole.calls() / 8);
        expect(stride).toBeGreaterThan(5);
        for (const first of partOf(stride, Object.keys(STRIKES).indexOf(kind))) {
          const struck = (index: number) => index % stride === first && index < 8 * stride;
          const w = made((index, call) => (struck(index) ? strike(call) : undefined));
          await wholeWay(w);
          expect(w.provider.missed, `struck from call ${first} on, each ${stride}`).toEqual([]);
          expect([await w.state(), w.provider.url]).toEqual(['settled', URLS.new]);
        }
      },
    );

    it.each<Mishap>(['never sent', 'answer lost', 'refused'])(
      'misses nothing when any request is: %s',
      async (mishap) => {
        const whole = made();
        await wholeWay(whole);
        expect(whole.provider.requests).toEqual(['/new', '/old', '/new']);
        for (let index = 0; index < 3; index++) {
          const w = made();
          w.provider.mishap = (each) => (each === index ? mishap : undefined);
          await wholeWay(w);
          expect(w.provider.missed, `request ${index}`).toEqual([]);
          expect([await w.state(), w.provider.url]).toEqual(['settled', URLS.new]);
        }
      },
    );
  },
);

describe('a topic that cannot be fetched', () => {
  it('is asked again after pauses that grow and outlive the process, and the operator is told why', async () => {
    const w = world();
    await seed(w.store, 1);
    w.provider.topicFails = true;
    await WAY[0]!(w.context);
    const began = w.clock.now();
    // Each look is by a process of its own.
    for (let i = 0; i < 4000 && w.provider.fetches < 5; i++) {
      const campaign = await commands.theCampaign(w.context, 'callbacks');
      const step = new AbortController();
      const { clock } = w;
      const sleep = (ms: number) => {
        step.abort();
        return clock.sleep(ms);
      };
      const once = { ...clock, sleep };
      const { migrations, store } = w.context;
      await new Worker({ store, migrations, clock: once, takeIn: async () => 0 }).step(campaign, step.signal);
      await w.provider.publish();
      await clock.sleep(500);
    }
    expect(w.provider.fetches).toBe(5);
    // 5, 10, 20 and 40 seconds between them.
    expect(w.clock.now() - began).toBeGreaterThanOrEqual(75_000);
    const campaign = await commands.theCampaign(w.context, 'callbacks');
    const status = await campaignStatus(w.context, campaign);
    expect(status.topicless).toBe(1);
    expect(statusText({ campaigns: [status], unstarted: [] })).toContain('1 could not be fetched');
    expect(await show(w.context, 'callbacks', oldKey(1).toString())).toMatchObject({
      kind: 'subscription',
      state: 'draining',
      topicFailed: { attempt: 5, cause: 'no topic today' },
    });
    w.provider.topicFails = false;
    await rest(w);
    expect(await w.state()).toBe('switched');
  });
});
