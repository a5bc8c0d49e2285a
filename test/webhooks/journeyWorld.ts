import * as commands from '../../src/admin/commands.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { subscription } from '../../src/define/subscription.ts';
import { load } from '../../src/engine/documents.ts';
import { subscriptionKey } from '../../src/engine/subscriptionDocument.ts';
import { MemoryData, memoryStore } from '../../src/store/memory.ts';
import { storedCallbacks } from '../../src/webhooks/storedCallbacks.ts';
import { handClock, oldKey, seed } from '../engine/harness.ts';
import { restOf, type Say, type Strike, saying, workersOn } from './drive.ts';
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
  readonly fault?: Strike;
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
  const { worker, calls } = workersOn(data, { migrations: [migration], clock, provider, fault });
  return { store, clock, callbacks, provider, context, worker, calls };
}
export type World = ReturnType<typeof world>;

export async function begin(w: World): Promise<void> {
  await seed(w.store, N);
  for (let id = 1; id <= N; id++) w.provider.post(urls(id).old, topicOf(id));
}

export const rest = (w: World) => restOf(w, 'callbacks');

export async function states({ store }: World) {
  const found = [];
  for (let id = 1; id <= N; id++)
    found.push((await load(store, 'subscription', subscriptionKey(oldKey(id).toString())))?.value.state);
  return found;
}

export const posted = ({ provider }: World) =>
  [...provider.active.keys()].map((url) => url.replace('https://app.example', '')).sort();

export const { START, SWITCH, REVERSE, COMPLETE } = saying('callbacks');
/** Without a stop: nothing but the subscription itself waits for the new URL to be good. */
export const STRAIGHT: Say = (context) => commands.start(context, 'callbacks', { ramp: false, to: 'switched' });

export async function go(w: World, ...way: readonly Say[]): Promise<void> {
  for (const say of way) {
    await say(w.context);
    await rest(w);
  }
}
