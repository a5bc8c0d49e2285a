import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { entity } from '../../src/define/entity.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { campaignAt } from '../../src/engine/campaigns.ts';
import { LIMITS } from '../../src/limits.ts';
import { type Key, key } from '../../src/record/key.ts';
import { checkEntity } from '../../src/store/check.ts';
import { Crash, MemoryData, memoryStore, type StoreCall } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { content, type Feed, feedOf, newKey, oldKey, rest, STRIKES, seed, verified, world } from './harness.ts';

const N = 3;
const feeds = entity<Feed>({
  from: 'Feed',
  into: 'User/Feed',
  to: (feed, old) => key('User', feed.user, 'Feed', old.id),
  references: [{ kind: 'Entry', property: 'feed' }],
});
const referred = defineMigration({ name: 'feeds', version: 1, records: [feeds] });

const entryKey = (n: number): Key => key('Entry', n);
const entry = (n: number, feed = oldKey(n)) => ({ key: entryKey(n), content: content({ text: `e${n}`, feed }) });

async function seedAll(store: Store): Promise<void> {
  await seed(store, N);
  await store.overwrite(Array.from({ length: N }, (_, i) => entry(i + 1)));
}

const feedAt = async (store: Store, at: Key): Promise<string | undefined> => {
  const [found] = await store.read([at]);
  const value = found?.content.properties.get('feed');
  return value?.type === 'key' ? value.value.toString() : undefined;
};

const refersTo = (store: Store) => Promise.all(Array.from({ length: N }, (_, i) => feedAt(store, entryKey(i + 1))));
const olds = Array.from({ length: N }, (_, i) => oldKey(i + 1).toString());
const news = Array.from({ length: N }, (_, i) => newKey(i + 1).toString());

describe('whatever befalls one call, references follow', () => {
  it.each(Object.entries(STRIKES))('%s', { timeout: 120_000 }, async (_, strike) => {
    let struck = true;
    for (let at = 0; struck; at += 13) {
      struck = false;
      const data = new MemoryData();
      await seedAll(memoryStore({ data }));
      await commands.start(world({ store: memoryStore({ data }), migration: referred }).context, 'feeds', {
        to: 'completed',
      });
      const fault = (call: StoreCall) => {
        if (call.index !== at) return undefined;
        struck = true;
        return strike(call);
      };
      const first = world({ store: memoryStore({ data, fault }), migration: referred });
      await rest(first).catch((error: unknown) => {
        if (!(error instanceof Crash)) expect(error).toMatchObject({ code: 'store.unknown' });
      });
      const second = world({ store: memoryStore({ data }), migration: referred, worker: 'w2' });
      expect(await rest(second), `call ${at}`).toMatchObject({ stage: 'completed', closed: true });
      expect(await refersTo(second.store), `call ${at}`).toEqual(news);
      expect(await verified(second), `call ${at}`).toMatchObject({ clean: true });
    }
  });
});

describe('between the look at references and the drop', () => {
  /** Once the sweep that drops is about to begin, before any of its calls. */
  const onDrop = (data: MemoryData, act: () => unknown) => {
    let done = false;
    return async () => {
      if (done) return undefined;
      const campaign = await campaignAt(memoryStore({ data }), 'feeds.1');
      if (!campaign?.dropIn) return undefined;
      done = true;
      await act();
      return undefined;
    };
  };

  it('a record that is inserted, and referred to by its old key, keeps its reference', async () => {
    const data = new MemoryData();
    await seedAll(memoryStore({ data }));
    let inserted = false;
    const fault = onDrop(data, () => {
      inserted = true;
      data.put(oldKey(9), content(feedOf(9)), undefined);
    });
    let referring = false;
    // It is referred to when what refers was looked at first.
    const late = async (call: StoreCall) => {
      const answer = await fault();
      if (inserted && !referring && call.mutations.some(({ op, key: at }) => op === 'delete' && at.kind === 'Feed')) {
        referring = true;
        data.put(entryKey(9), entry(9).content, undefined);
      }
      return answer;
    };
    const w = world({ store: memoryStore({ data, fault: late }), migration: referred });
    await commands.start(w.context, 'feeds', { to: 'completed' });
    expect((await rest(w)).stage).toBe('completed');
    expect([inserted, referring]).toEqual([true, true]);
    expect(await feedAt(w.store, entryKey(9))).toBe(newKey(9).toString());
    expect(await verified(w)).toMatchObject({ clean: true });
  });

  it('an old key that an old instance writes is rewritten first', async () => {
    const data = new MemoryData();
    await seedAll(memoryStore({ data }));
    const fault = onDrop(data, () => data.put(entryKey(1), entry(1, oldKey(2)).content, undefined));
    const w = world({ store: memoryStore({ data, fault }), migration: referred });
    await commands.start(w.context, 'feeds', { to: 'completed' });
    expect((await rest(w)).stage).toBe('completed');
    expect(await feedAt(w.store, entryKey(1))).toBe(newKey(2).toString());
  });

  it('the operator may still have it otherwise', async () => {
    const data = new MemoryData();
    const fault = onDrop(data, () => commands.reverse(aside.context, 'feeds'));
    const w = world({ store: memoryStore({ data, fault }), migration: referred });
    const aside = world({ store: memoryStore({ data }), migration: referred, clock: w.clock });
    await seedAll(aside.store);
    await commands.start(w.context, 'feeds', { to: 'switched' });
    await rest(w);
    await commands.complete(w.context, 'feeds');
    expect(await rest(w)).toMatchObject({ closed: false, targets: [{ below: 100, target: 'home' }] });
    expect(await refersTo(w.store)).toEqual(olds);
    expect(await verified(w)).toMatchObject({ clean: true });
  });
});

interface Entry {
  feed: Key;
  text: string;
}

/** What refers moves too, under the record that it refers to. */
const entries = entity<Entry>({
  from: 'Entry',
  into: 'Shelf/Entry',
  to: ({ feed }, old) => key('Shelf', `${feed.path[0]!.kind} ${feed.path[0]!.id}`, 'Entry', old.id),
});
const both = defineMigration({ name: 'feeds', version: 1, records: [feeds, entries] });
const shelved = (n: number) => key('Shelf', `Feed ${n}`, 'Entry', n);

describe('what refers and moves itself', () => {
  it.each(['record', 'group'] as const)('is found at its new key, with the new keys in it, by %s', async (by) => {
    const w = world({ migration: defineMigration({ name: 'feeds', version: 1, by, records: [feeds, entries] }) });
    await seedAll(w.store);
    await commands.start(w.context, 'feeds');
    await rest(w);
    await commands.switchOver(w.context, 'feeds');
    await rest(w);
    for (let n = 1; n <= N; n++) expect(await feedAt(w.store, shelved(n)), `${n}`).toBe(news[n - 1]);
    expect(await verified(w)).toMatchObject({ clean: true });
    await commands.complete(w.context, 'feeds');
    expect((await rest(w)).stage).toBe('completed');
    for (let n = 1; n <= N; n++) expect(await feedAt(w.store, shelved(n)), `${n}`).toBe(news[n - 1]);
    expect(await verified(w)).toMatchObject({ clean: true, references: { referring: N, stale: 0 } });
  });

  it('is not rewritten at its old home, where its new key would become another one', async () => {
    const w = world({ migration: both });
    await seedAll(w.store);
    // One that cannot move: its key is taken.
    await w.store.overwrite([{ key: shelved(2), content: content({ text: 'other', feed: oldKey(2) }) }]);
    await commands.start(w.context, 'feeds', { to: 'switched' });
    await rest(w);
    expect(await feedAt(w.store, entryKey(2))).toBe(olds[1]);
    expect(await feedAt(w.store, shelved(1))).toBe(news[0]);
  });
});

it('an entity that would be too large with the new key is set aside, and holds up what would be dropped', async () => {
  const w = world({ migration: referred });
  const { store } = w;
  await seedAll(store);
  const fits = ({ key: at, content: what }: ReturnType<typeof entry>) => {
    try {
      checkEntity(at, what, undefined, store.capabilities);
      return true;
    } catch {
      return false;
    }
  };
  const sized = (n: number) => ({ key: entryKey(1), content: content({ text: 'x'.repeat(n), feed: oldKey(1) }) });
  let size = LIMITS.entityBytes;
  while (!fits(sized(size))) size--;
  const big = sized(size);
  await store.overwrite([big]);
  await commands.start(w.context, 'feeds', { to: 'completed' });
  const campaign = await rest(w);
  expect(campaign).toMatchObject({ stage: 'completing', closed: false });
  expect(await refersTo(store)).toEqual([olds[0], ...news.slice(1)]);
  await store.overwrite([entry(1)]);
  await commands.retry(w.context, 'feeds');
  expect(await rest(w)).toMatchObject({ stage: 'completed', closed: true });
});

describe('a definition', () => {
  const rule = (over: object) =>
    entity<Feed>({
      from: 'Feed',
      into: 'User/Feed',
      to: (feed, old) => key('User', feed.user, 'Feed', old.id),
      ...over,
    });

  it('without references is what it was', () => {
    expect(rule({ references: [] }).source).toBe(rule({}).source);
    expect(rule({ references: [{ kind: 'Entry', property: 'feed' }] }).source).not.toBe(rule({}).source);
  });

  it.each([
    ['no property', [{ kind: 'Entry', property: '' }]],
    ['a step without a name', [{ kind: 'Entry', property: 'items..feed' }]],
    ['the slot', [{ kind: 'Entry', property: '_handover' }]],
    ['no kind', [{ kind: '', property: 'feed' }]],
    ['no list', { kind: 'Entry', property: 'feed' }],
  ])('is refused with %s', (_, references) => {
    expect(() => rule({ references })).toThrow(expect.objectContaining({ code: 'definition.invalid' }));
  });

  it('is refused where what refers moves and has no way back', () => {
    const oneWay = entity<Entry>({
      from: 'Entry',
      into: 'Shelf/Entry',
      to: entries.targetOf as never,
      forward: (it) => it,
    });
    expect(() => defineMigration({ name: 'feeds', version: 1, records: [feeds, oneWay] })).toThrow(/no `backward`/);
  });

  it('follows a property that is renamed on the way, at both homes', () => {
    const renamed = entity<Entry>({
      from: 'Entry',
      into: 'Shelf/Entry',
      to: (_, old) => key('Shelf', 'all', 'Entry', old.id),
      rename: { feed: 'source' },
    });
    const { references } = defineMigration({ name: 'feeds', version: 1, records: [feeds, renamed] });
    expect(references.map(({ of, properties }) => [of, properties.map(({ path }) => path)])).toEqual([
      [['Entry'], [['feed'], ['source']]],
    ]);
  });
});
