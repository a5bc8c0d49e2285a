import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Content } from '../../src/record/content.ts';
import { key } from '../../src/record/key.ts';
import { type LmdbOptions, lmdbStore } from '../../src/store/lmdb.ts';
import {
  commitOne,
  contentOf,
  insert,
  integer,
  numbered,
  numberOf,
  readOne,
  statuses,
  string,
  texts,
} from './contract/steps.ts';
import { CONTRACT_INDEXES, storeContract } from './contract.ts';
import { tempDir } from './dirs.ts';

const opens = (options: Omit<LmdbOptions, 'path'>) => async () => {
  const path = tempDir();
  let store = lmdbStore({ ...options, path });
  return {
    store,
    reopen: async () => {
      await store.close();
      store = lmdbStore({ ...options, path });
      return store;
    },
    cleanup: async () => {
      await store.close();
      rmSync(path, { recursive: true });
    },
  };
};

storeContract('lmdb', opens({}));
storeContract('lmdb, atomic over anything, indexed', opens({ atomic: 'any', indexes: CONTRACT_INDEXES }));

const FEED = key('Feed', 1);
const FEEDS = { namespace: '', kind: 'Feed' };

describe('lmdb: one directory', () => {
  let path: string;
  beforeEach(() => {
    path = tempDir();
  });
  afterEach(() => rmSync(path, { recursive: true }));

  it('entities, slots and versions outlive the process, and versions go on from there', async () => {
    const first = lmdbStore({ path });
    const version = await insert(first, FEED, numbered(7), 'slot');
    await first.close();
    const second = lmdbStore({ path });
    const entity = await readOne(second, FEED);
    expect([numberOf(entity), entity?.slot, entity?.version]).toEqual([7, 'slot', version]);
    await second.commit([{ op: 'delete', key: FEED, version }]);
    await second.close();
    const third = lmdbStore({ path });
    expect(await insert(third, FEED)).toBeGreaterThan(version as number);
    await third.close();
  });

  it('two stores over one directory in one process see each other at once, and one closes without the other', async () => {
    const [a, b] = [lmdbStore({ path }), lmdbStore({ path })];
    for (let n = 1; n <= 20; n++) {
      await insert(a, key('Feed', n), numbered(n));
      expect(numberOf(await readOne(b, key('Feed', n)))).toBe(n);
    }
    const { version } = (await readOne(a, FEED))!;
    const update = { op: 'update', key: FEED, version, content: numbered(0) } as const;
    const both = await Promise.all([a.commit([update]), b.commit([update])]);
    expect(both.flat().filter(({ status }) => status === 'applied')).toHaveLength(1);
    await a.close();
    expect(await insert(b, key('Feed', 99))).toBeDefined();
    await b.close();
  });

  it('a read-only store reads, refuses every write, and sees what others write', async () => {
    const writer = lmdbStore({ path, indexes: CONTRACT_INDEXES });
    await insert(writer, FEED, contentOf({ n: integer(1), tag: string('a') }));
    const reader = lmdbStore({ path, readOnly: true });
    const refused = { code: 'store.readOnly' };
    await expect(reader.commit([{ op: 'insert', key: FEED, content: numbered(1) }])).rejects.toMatchObject(refused);
    await expect(reader.commitTogether([])).rejects.toMatchObject(refused);
    await expect(reader.overwrite([])).rejects.toMatchObject(refused);
    expect(numberOf(await readOne(reader, FEED))).toBe(1);
    expect(reader.capabilities.finds).toBe('indexed');
    await insert(writer, key('Feed', 2), contentOf({ tag: string('a') }));
    expect(texts((await reader.find(FEEDS, 'tag', string('a'), 5)).entities)).toEqual(['Feed:1', 'Feed:2']);
    expect(texts((await reader.scan(FEEDS, 5)).entities)).toEqual(['Feed:1', 'Feed:2']);
    await reader.close();
    await writer.close();
  });

  it('a read-only store over nothing says so and makes nothing', () => {
    expect(() => lmdbStore({ path: join(path, 'missing'), readOnly: true })).toThrow(/There is no store/);
  });

  it('an index declared later covers what is there, and one who does not declare it keeps it', async () => {
    const before = lmdbStore({ path });
    const old = await insert(before, FEED, contentOf({ tag: string('a') }));
    await insert(before, key('Feed', 2), Content.fromBytes(Buffer.from([99])));
    expect(before.capabilities.finds).toBe('scanned');
    const indexed = lmdbStore({ path, indexes: CONTRACT_INDEXES });
    const find = async (tag: string) => texts((await indexed.find(FEEDS, 'tag', string(tag), 9)).entities);
    expect(await find('a')).toEqual(['Feed:1']);
    // `before` was opened when there was no index: it learns of it in its next transaction.
    await before.commit([{ op: 'update', key: FEED, version: old, content: contentOf({ tag: string('b') }) }]);
    await insert(before, key('Feed', 3), contentOf({ tag: string('b') }));
    expect(await find('a')).toEqual([]);
    expect(await find('b')).toEqual(['Feed:1', 'Feed:3']);
    await before.close();
    await indexed.close();
  });

  it('an index can be asked for while the store is open, and asking again changes nothing', async () => {
    const store = lmdbStore({ path });
    const other = lmdbStore({ path });
    await insert(store, FEED, contentOf({ tag: string('a') }));
    await store.index!('Feed', 'tag');
    await store.index!('Feed', 'tag');
    await insert(other, key('Feed', 2), contentOf({ tag: string('a') }));
    // Of another kind nothing is kept.
    await insert(other, key('Other', 3), contentOf({ tag: string('a') }));
    expect(texts((await store.find(FEEDS, 'tag', string('a'), 9)).entities)).toEqual(['Feed:1', 'Feed:2']);
    expect(indexEntries()).toBe(2);
    await store.close();
    await other.close();
    const reader = lmdbStore({ path, readOnly: true });
    await reader.index!('Feed', 'more');
    await reader.close();
  });

  it('an index holds no entry of a value that is gone', async () => {
    const store = lmdbStore({ path, indexes: CONTRACT_INDEXES });
    const tags = (...values: string[]) => contentOf({ tag: { type: 'array', values: values.map(string) } });
    let version = await insert(store, FEED, tags('a', 'b', 'c'));
    expect(indexEntries()).toBe(3);
    for (let n = 0; n < 5; n++) {
      version = await commitOne(store, { op: 'update', key: FEED, version, content: tags('a', `${n}`) });
    }
    expect(indexEntries()).toBe(2);
    await store.overwrite([{ key: FEED, content: tags('z') }]);
    expect(indexEntries()).toBe(1);
    version = (await readOne(store, FEED))!.version;
    await commitOne(store, { op: 'delete', key: FEED, version });
    expect(indexEntries()).toBe(0);
    await store.close();
  });

  const indexEntries = (): number => {
    const root = open({ path, readOnly: true });
    try {
      return root.openDB({ name: 'index', keyEncoding: 'binary', encoding: 'binary' }).getKeysCount();
    } finally {
      void root.close();
    }
  };

  it('calls of one turn are one transaction, each with its own outcomes', async () => {
    const store = lmdbStore({ path });
    const commits = [1, 1, 2].map((id) =>
      store.commit([{ op: 'insert', key: key('Feed', id), content: numbered(id) }]),
    );
    const units = store.commitTogether([[{ op: 'insert', key: key('Feed', 2), content: numbered(9) }]]);
    const seeded = store.overwrite([{ key: key('Feed', 3), content: numbered(3) }]);
    expect((await Promise.all(commits)).flat().map(({ status }) => status)).toEqual(['applied', 'conflict', 'applied']);
    expect(await statuses(units)).toEqual(['conflict']);
    await seeded;
    const { entities } = await store.scan(FEEDS, 9);
    expect(entities.map(numberOf)).toEqual([1, 2, 3]);
    await store.close();
  });

  it('a call that is refused does not take its neighbours of the same turn along', async () => {
    const store = lmdbStore({ path });
    const good = store.commit([{ op: 'insert', key: FEED, content: numbered(1) }]);
    const bad = store.commit([{ op: 'insert', key: key('Feed', 'x'.repeat(3000)), content: numbered(1) }]);
    await expect(bad).rejects.toMatchObject({ code: 'key.tooLong' });
    expect(await statuses(good)).toEqual(['applied']);
    await store.close();
  });

  it('the map grows far beyond the size it began with', async () => {
    const store = lmdbStore({ path, mapSize: 1024 * 1024 });
    const large = contentOf({ text: { ...string('x'.repeat(100_000)), unindexed: true } });
    for (let n = 0; n < 100; n += 10) {
      await store.overwrite(Array.from({ length: 10 }, (_, i) => ({ key: key('Feed', n + i + 1), content: large })));
    }
    const pieces = await store.split(FEEDS, 4);
    expect(pieces).toHaveLength(4);
    expect((await readOne(store, key('Feed', 100)))!.content.equals(large)).toBe(true);
    await store.close();
  });
});
