import * as commands from '../../src/admin/commands.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { subscription } from '../../src/define/subscription.ts';
import { load } from '../../src/engine/documents.ts';
import { subscriptionKey } from '../../src/engine/subscriptionDocument.ts';
import { Worker } from '../../src/engine/worker.ts';
import { Crash, type Fault, MemoryData, memoryStore, type StoreCall } from '../../src/store/memory.ts';
import { storedCallbacks } from '../../src/webhooks/storedCallbacks.ts';
import { handClock, oldKey, seed } from '../engine/harness.ts';
import { type Manner, Provider } from './provider.ts';

/** Some feeds with a subscription each, and who posts to them. */
export const N = 2;
export const urls = (id: unknown) => ({ old: `https://app.example/old/${id}`, new: `https://app.example/new/${id}` });
export const topicOf = (id: unknown) => `https://blog.example/${id}`;

export interface Options {
  /** Unset: the hub is to be discovered. */
  readonly hub?: { readonly hub: string } | undefined;
  readonly manner?: Manner;
  /** Milliseconds of the old subscriptions' lease. */
  readonly oldLeaseMs?: number;
  /** Of the worker's store. */
  readonly fault?: (index: number, call: StoreCall) => Fault | undefined;
}

export function world({ manner = { confirms: 'later' }, oldLeaseMs, fault, ...where }: Options = {}) {
  const data = new MemoryData();
  const store = memoryStore({ data });
  const clock = handClock();
  const callbacks = storedCallbacks(store, clock);
  const provider = new Provider(manner, callbacks);
  const hub = 'hub' in where ? where.hub : { hub: 'https://hub.example/' };
  const lease = oldLeaseMs === undefined ? {} : { oldLeaseUntil: clock.now() + oldLeaseMs };
  const rule = subscription({
    of: 'Feed',
    hub: provider,
    protocol: 'websub',
    terms: (_, { id }) => ({ topic: topicOf(id), ...hub, ...urls(Number(id) % 10), ...lease }),
  });
  const migration = defineMigration({ name: 'callbacks', version: 1, subscriptions: [rule] });
  const context = { store, migrations: [migration], clock, by: 'ann' };
  let calls = 0;
  let workers = 0;
  // A store of its own for each worker, for it dies with it. Whatever it is about to do, something is published just before.
  const faulty = () =>
    memoryStore({
      data,
      fault: async (call) => {
        await provider.publish();
        const index = calls++;
        return fault?.(index, call);
      },
    });
  const worker = () => new Worker({ store: faulty(), migrations: [migration], clock, id: `w${++workers}` });
  return { store, clock, callbacks, provider, context, worker, calls: () => calls };
}
export type World = ReturnType<typeof world>;

export async function begin(w: World): Promise<void> {
  await seed(w.store, N);
  for (let id = 1; id <= N; id++) w.provider.post(urls(id).old, topicOf(id));
}

/** Until the campaign rests; a worker that dies is followed by another. */
export async function rest(w: World): Promise<void> {
  let worker = w.worker();
  for (let i = 0; i < 2000; i++) {
    const campaign = await commands.theCampaign(w.context, 'callbacks');
    if (campaign.settledAt !== undefined || campaign.closed || campaign.run === 'paused') return;
    try {
      if (!(await worker.step(campaign, new AbortController().signal))) await w.clock.sleep(1000);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      worker = w.worker();
    }
    await w.provider.publish();
  }
  throw new Error(`it never came to rest: ${JSON.stringify(await states(w))}`);
}

export async function states({ store }: World) {
  const found = [];
  for (let id = 1; id <= N; id++)
    found.push((await load(store, 'subscription', subscriptionKey(oldKey(id).toString())))?.value.state);
  return found;
}

export const posted = ({ provider }: World) =>
  [...provider.active.keys()].map((url) => url.replace('https://app.example', '')).sort();

export type Say = (context: commands.CommandContext) => Promise<unknown>;
export const START: Say = (context) => commands.start(context, 'callbacks', { ramp: false });
/** Without a stop: nothing but the subscription itself waits for the new URL to be good. */
export const STRAIGHT: Say = (context) => commands.start(context, 'callbacks', { ramp: false, to: 'switched' });
export const SWITCH: Say = (context) => commands.switchOver(context, 'callbacks');
export const REVERSE: Say = (context) => commands.reverse(context, 'callbacks');
export const COMPLETE: Say = (context) => commands.complete(context, 'callbacks');

export async function go(w: World, ...way: readonly Say[]): Promise<void> {
  for (const say of way) {
    await say(w.context);
    await rest(w);
  }
}
