import * as commands from '../../src/admin/commands.ts';
import { entity } from '../../src/define/entity.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { subscription } from '../../src/define/subscription.ts';
import { list, load } from '../../src/engine/documents.ts';
import { subscriptionKey } from '../../src/engine/subscriptionDocument.ts';
import type { Key } from '../../src/record/key.ts';
import { key } from '../../src/record/key.ts';
import { Router } from '../../src/router/router.ts';
import { MemoryData, memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { storedCallbacks } from '../../src/webhooks/storedCallbacks.ts';
import { content, handClock } from '../engine/harness.ts';
import { restOf, type Say, type Strike, saying, workersOn } from './drive.ts';
import { Provider } from './provider.ts';

/** A feed of a user's, which moves below the user; some are pushed. */
export interface Feed {
  user: string;
  title: string;
  /** What its callbacks are called by, where it is pushed. */
  push: string;
}

export interface Options {
  readonly by?: 'record' | 'group';
  /** Of the workers' stores. */
  readonly fault?: Strike;
}

const HUB = 'https://hub.example/';
const urls = (push: string) => ({
  old: `https://app.example/old/${push}`,
  new: `https://app.example/new/${push}`,
});
const termsOf = (push: string) =>
  push === '' ? undefined : { topic: `https://blog.example/${push}`, hub: HUB, ...urls(push) };

/** Users whose feeds move below them with their subscriptions, and who have a hook below them and an account elsewhere. */
export function world({ by = 'group', fault }: Options = {}) {
  const data = new MemoryData();
  const store = memoryStore({ data });
  const clock = handClock();
  const callbacks = storedCallbacks(store, clock);
  const provider = new Provider({ confirms: 'later' }, callbacks);
  const feeds = entity<Feed>({
    from: 'Feed',
    into: 'User/Feed',
    to: (feed, old) => key('User', feed.user, 'Feed', old.id),
    forward: (feed) => {
      if (feed.title === 'bad') throw new Error('bad');
      return { ...feed, title: feed.title.toUpperCase() };
    },
    backward: (feed) => ({ ...feed, title: feed.title.toLowerCase() }),
  });
  const common = { hub: provider, protocol: 'websub' } as const;
  const terms = ({ push }: { push: string }) => termsOf(push);
  const groupOf = { group: ({ user }: { user: string }) => key('User', user) };
  const migration = defineMigration({
    name: 'feeds',
    version: 1,
    by,
    records: [feeds],
    subscriptions: [
      subscription<Feed>({ of: 'Feed', ...common, terms }),
      subscription<{ push: string }>({ of: 'User/Hook', ...common, terms }),
      subscription<{ user: string; push: string }>({
        of: 'Account',
        ...common,
        terms,
        ...(by === 'group' ? groupOf : {}),
      }),
    ],
  });
  const context = { store, migrations: [migration], clock, by: 'ann' };
  const { worker, calls } = workersOn(data, { migrations: [migration], clock, provider, fault });
  const router = (on?: 'write') =>
    new Router<Feed>({ store, rule: feeds, clock, ...(on ? { migrate: { on, migration } } : {}) });
  return { store, clock, callbacks, provider, migration, feeds, context, worker, router, calls };
}
export type World = ReturnType<typeof world>;

export const feedOf = (user: string, push = ''): Feed => ({ user, title: `of ${user}`, push });

export async function put(w: World, at: Key, record: Partial<Feed>): Promise<void> {
  await w.store.overwrite([{ key: at, content: content(record) }]);
  if (record.push) w.provider.post(urls(record.push).old, `https://blog.example/${record.push}`);
}

/** Two users, each with three feeds of which one is pushed; one has a hook, and the other an account. */
export async function seedUsers(w: World): Promise<void> {
  for (let n = 1; n <= 6; n++) await put(w, key('Feed', n), feedOf(n % 2 ? 'ann' : 'bob', n <= 2 ? `feed${n}` : ''));
  await put(w, key('User', 'ann', 'Hook', 1), { push: 'hook' });
  await put(w, key('Account', 'b'), { user: 'bob', push: 'account' });
}

export const rest = (w: World, enough?: () => Promise<boolean>) => restOf(w, 'feeds', enough);

export const { START, SWITCH, REVERSE, COMPLETE } = saying('feeds');
export const STRAIGHT: Say = (context) => commands.start(context, 'feeds', { ramp: false, to: 'completed' });

export async function go(w: World, ...way: readonly Say[]): Promise<void> {
  for (const say of way) {
    await say(w.context);
    await rest(w);
  }
}

export async function groups({ store }: Pick<World, 'store'>, campaign = 'feeds.1'): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { key: at, value } of list(store, 'group', campaign)) found[String(at.id).slice(5)] = value.state;
  return found;
}

export async function stateOf({ store }: { store: Store }, source: string): Promise<string | undefined> {
  return (await load(store, 'subscription', subscriptionKey(source)))?.value.state;
}

const SOURCES = ['Feed:1', 'Feed:2', 'User:ann/Hook:1', 'Account:b'];

export const states = (w: { store: Store }) => Promise.all(SOURCES.map((source) => stateOf(w, source)));

export const posted = ({ provider }: World) =>
  [...provider.active.keys()].map((url) => url.replace('https://app.example', '')).sort();

/** Where a record of this kind stands that is its owner. */
export async function owners({ store }: World, rootKind: string): Promise<string[]> {
  const { entities } = await store.scan({ namespace: '', kind: 'Feed', rootKind }, 1000);
  return entities.filter(({ slot }) => !slot || slot.includes('"r":"O"')).map(({ key: at }) => at.toString());
}
