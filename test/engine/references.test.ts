import { rmSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { entity } from '../../src/define/entity.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { plan } from '../../src/engine/plan.ts';
import { LIMITS } from '../../src/limits.ts';
import type { Content } from '../../src/record/content.ts';
import { type Key, key } from '../../src/record/key.ts';
import { double } from '../../src/record/plain.ts';
import { lmdbStore } from '../../src/store/lmdb.ts';
import { type Fault, memoryStore, type StoreCall } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { tempDir } from '../store/dirs.ts';
import { all, content, type Feed, newKey, oldKey, rest, seed, timedClock, verified, world } from './harness.ts';

const feeds = entity<Feed>({
  from: 'Feed',
  into: 'User/Feed',
  to: (feed, old) => key('User', feed.user, 'Feed', old.id),
  references: [
    { kind: 'Entry', property: 'feed' },
    { kind: 'List', property: 'items.feed' },
    { kind: 'User/Pin', property: 'feeds' },
  ],
});
const referred = defineMigration({ name: 'feeds', version: 1, records: [feeds] });

const N = 60;
const entryKey = (n: number): Key => key('Entry', n);

async function seedAll(store: Store): Promise<void> {
  await seed(store, N);
  const puts: { key: Key; content: Content }[] = [];
  for (let n = 1; n <= N; n++) puts.push({ key: entryKey(n), content: content({ text: `e${n}`, feed: oldKey(n) }) });
  puts.push({
    key: key('List', 'all'),
    content: content({
      items: [{ feed: oldKey(1), at: double(1) }, { feed: oldKey(2), at: double(2) }, { note: 'x' }],
      feed: oldKey(3),
    }),
  });
  puts.push({
    key: key('User', 'u1', 'Pin', 'top'),
    content: content({ feeds: [oldKey(4), oldKey(5), key('Other', 1)] }),
  });
  // Of another path: not what is meant.
  puts.push({ key: key('Team', 't1', 'Pin', 'top'), content: content({ feeds: [oldKey(4)] }) });
  // Leads nowhere.
  puts.push({ key: entryKey(900), content: content({ text: 'lost', feed: key('Feed', 9_999) }) });
  await store.overwrite(puts);
}

const feedsOf = async (store: Store) =>
  (await store.read(Array.from({ length: N }, (_, i) => entryKey(i + 1)))).map((entry) =>
    keyIn(entry!.content, 'feed'),
  );
const keyIn = (of: Content, property: string): string => {
  const value = of.properties.get(property);
  return value?.type === 'key' ? value.value.toString() : `${value?.type}`;
};
const olds = Array.from({ length: N }, (_, i) => oldKey(i + 1).toString());
const news = Array.from({ length: N }, (_, i) => newKey(i + 1).toString());

const dirs: string[] = [];
afterAll(() => {
  for (const dir of dirs) rmSync(dir, { recursive: true });
});
const lmdb = () => {
  const path = tempDir();
  dirs.push(path);
  return lmdbStore({ path });
};

for (const [name, open] of [
  ['memory', () => memoryStore()],
  [
    'a store without guards and snapshots',
    () => memoryStore({ capabilities: { guards: false, snapshotReads: false } }),
  ],
  ['one that commits anything at once', () => memoryStore({ capabilities: { atomic: 'any' } })],
  ['LMDB', lmdb],
] as const) {
  describe(`references, on ${name}`, () => {
    it('follow records to their new keys, and nothing is dropped before', async () => {
      const w = world({ store: open(), migration: referred });
      await seedAll(w.store);
      await commands.start(w.context, 'feeds');
      await rest(w);
      expect(await feedsOf(w.store)).toEqual(olds);
      await commands.switchOver(w.context, 'feeds');
      expect((await rest(w)).stage).toBe('switched');
      expect(await feedsOf(w.store)).toEqual(news);
      expect((await all(w.store, 'Feed')).size).toBe(N);
      await commands.complete(w.context, 'feeds');
      expect(await rest(w)).toMatchObject({ stage: 'completed', closed: true });
      expect((await all(w.store, 'Feed')).size).toBe(0);
      expect(await feedsOf(w.store)).toEqual(news);
      const [list, pin, other, lost] = await w.store.read([
        key('List', 'all'),
        key('User', 'u1', 'Pin', 'top'),
        key('Team', 't1', 'Pin', 'top'),
        entryKey(900),
      ]);
      expect(
        list!.content.equals(
          content({
            items: [{ feed: newKey(1), at: double(1) }, { feed: newKey(2), at: double(2) }, { note: 'x' }],
            feed: oldKey(3),
          }),
        ),
      ).toBe(true);
      expect(pin!.content.equals(content({ feeds: [newKey(4), newKey(5), key('Other', 1)] }))).toBe(true);
      expect(other!.content.equals(content({ feeds: [oldKey(4)] }))).toBe(true);
      expect(keyIn(lost!.content, 'feed')).toBe('Feed:9999');
    });

    it('are rewritten before anything is dropped when it goes to completed in one go', async () => {
      const w = world({ store: open(), migration: referred });
      await seedAll(w.store);
      await commands.start(w.context, 'feeds', { to: 'completed' });
      expect((await rest(w)).stage).toBe('completed');
      expect(await feedsOf(w.store)).toEqual(news);
      expect((await all(w.store, 'Feed')).size).toBe(0);
    });

    it('come back with their records', async () => {
      const w = world({ store: open(), migration: referred });
      await seedAll(w.store);
      await commands.start(w.context, 'feeds', { to: 'switched' });
      await rest(w);
      expect(await feedsOf(w.store)).toEqual(news);
      await commands.cancel(w.context, 'feeds');
      expect((await rest(w)).stage).toBe('cancelled');
      expect(await feedsOf(w.store)).toEqual(olds);
      expect((await all(w.store, 'Feed', 'User')).size).toBe(0);
    });

    it('of a share follow that share alone', async () => {
      const w = world({ store: open(), migration: referred });
      await seedAll(w.store);
      await commands.start(w.context, 'feeds');
      await rest(w);
      await commands.switchOver(w.context, 'feeds', { share: 40 });
      await rest(w);
      const away = (await feedsOf(w.store)).filter((text) => text.startsWith('User'));
      const owners = [...(await all(w.store, 'Feed')).keys()].length;
      expect(owners).toBe(N);
      expect(away.length).toBeGreaterThan(N * 0.15);
      expect(away.length).toBeLessThan(N * 0.7);
    });
  });

  describe(`verify and plan, on ${name}`, () => {
    it('tell dangling references from stale ones, and find keys that no rule mentions', async () => {
      const w = world({ store: open(), migration: referred });
      await seedAll(w.store);
      await w.store.overwrite([{ key: key('Note', 1), content: content({ about: [{ feed: oldKey(7) }] }) }]);
      const planned = await plan(w.store, referred);
      expect(planned.references).toMatchObject([
        { kind: 'Entry', properties: ['feed'], entities: N + 1, writes: N, dangling: 1, samples: ['Entry:900'] },
        { kind: 'List', properties: ['items.feed'], entities: 1, writes: 1, dangling: 0 },
        { kind: 'User/Pin', properties: ['feeds'], entities: 1, writes: 1, dangling: 0 },
      ]);
      const undeclared = [
        { kind: 'List', property: 'feed', to: 'Feed', count: 1, sampled: 1, sample: 'List:all' },
        { kind: 'Note', property: 'about.feed', to: 'Feed', count: 1, sampled: 1, sample: 'Note:1' },
        { kind: 'Team/Pin', property: 'feeds', to: 'Feed', count: 1, sampled: 2, sample: 'Team:t1/Pin:top' },
      ];
      expect(planned.undeclared).toEqual(undeclared);
      await commands.start(w.context, 'feeds', { to: 'completed' });
      await rest(w);
      const clean = await verified(w);
      expect(clean).toMatchObject({
        clean: true,
        references: { referring: N + 3, stale: 0, dangling: 1, unchecked: 0 },
      });
      expect(clean.samples).toEqual({ dangling: ['Entry:900'] });
      expect(clean.undeclared).toEqual(undeclared);
      // An old instance writes what it knows.
      await w.store.overwrite([{ key: entryKey(5), content: content({ text: 'late', feed: oldKey(5) }) }]);
      const late = await verified(w);
      expect(late).toMatchObject({ clean: false, references: { stale: 1, dangling: 1 } });
      expect(late.samples).toMatchObject({ staleReferences: ['Entry:5'], dangling: ['Entry:900'] });
    });
  });
}

it('a store that has no room for references now is asked again, and not at once', async () => {
  const times: number[] = [];
  const clock = timedClock();
  const fault = ({ mutations }: StoreCall): Fault | undefined => {
    if (!mutations.some(({ key: of }) => of.equals(entryKey(1)))) return undefined;
    times.push(clock.now());
    return times.length <= 3 ? { kind: 'busy', why: 'exhausted' } : undefined;
  };
  const w = world({ store: memoryStore({ fault }), migration: referred, clock });
  await seedAll(w.store);
  await commands.start(w.context, 'feeds', { to: 'switched' });
  expect(await clock.run(rest(w, 50))).toMatchObject({ stage: 'switched' });
  expect(await feedsOf(w.store)).toEqual(news);
  expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(LIMITS.coolMs);
  expect(times[2]! - times[1]!).toBeGreaterThanOrEqual(2 * LIMITS.coolMs);
});
