import { describe, expect, it } from 'vitest';
import type { Content } from '../../src/record/content.ts';
import { Key, key } from '../../src/record/key.ts';
import type { Connection } from '../../src/store/datastore/client.ts';
import { scan } from '../../src/store/datastore/queries.ts';
import type { QueryBatch, QueryRequest } from '../../src/store/datastore/wire.ts';
import type { KeyRange, Store } from '../../src/store/store.ts';
import { describeEachMode, openStore } from '../emulators/each.ts';
import { insert, numbered, numberOf, scanAll, texts } from '../store/contract/steps.ts';

const FEEDS = { namespace: '', kind: 'Feed' };
const seed = async (store: Store, keys: readonly Key[]) => {
  await store.overwrite(keys.map((each, i) => ({ key: each, content: numbered(i) })));
  // A look-up brings what it looks at up to date, where queries lag behind.
  for (let i = 0; i < keys.length; i += 500) await store.read(keys.slice(i, i + 500));
};

describeEachMode('datastore: long ranges', (mode) => {
  it('a page of 500 comes whole, although an answer of the server may be shorter, with the versions of a look-up', async () => {
    const store = await openStore(mode);
    const keys = Array.from({ length: 1_300 }, (_, i) => key('Feed', i + 1));
    await seed(store, keys);
    const first = await store.scan(FEEDS, 500);
    expect([first.entities.length, first.more]).toEqual([500, true]);
    const looked = await store.read(first.entities.map((entity) => entity.key));
    expect(first.entities.map(({ version }) => version)).toEqual(looked.map((entity) => entity!.version));
    const all = await scanAll(store, FEEDS, 500);
    expect(all.map(numberOf)).toEqual(keys.map((_, i) => i));
    const last = await store.scan({ ...FEEDS, after: keys[799]! }, 500);
    expect([last.entities.length, last.more]).toEqual([500, false]);
    await store.close();
  });

  it('pieces of a long range are disjoint, complete, and none is most of it, for ids and for names, and of a part of it', async () => {
    const store = await openStore(mode);
    const named = Array.from({ length: 600 }, (_, i) => key('User', `u${i % 40}`, 'Feed', `n${(i * 7919) % 600}`));
    const roots = Array.from({ length: 800 }, (_, i) => key('Feed', i + 1));
    await seed(store, [...named, ...roots]);
    const ranges: KeyRange[] = [
      FEEDS,
      { ...FEEDS, rootKind: 'User' },
      { ...FEEDS, rootKind: 'Feed' },
      { ...FEEDS, after: key('Feed', 100), until: key('User', 'u3', 'Feed', 'n5') },
    ];
    for (const range of ranges) {
      const expected = texts(await scanAll(store, range, 500));
      const pieces = await store.split(range, 8);
      const found = await Promise.all(pieces.map(async (piece) => texts(await scanAll(store, piece, 500))));
      expect(found.flat()).toEqual(expected);
      expect(pieces.length).toBe(8);
      expect(Math.max(...found.map(({ length }) => length))).toBeLessThan(expected.length / 3);
    }
    // How many there are is known by a sample only, and roughly.
    const fine = await store.split(FEEDS, 8, { most: 64, entities: 50 });
    expect(fine.length).toBeGreaterThan(14);
    expect(fine.length).toBeLessThanOrEqual(56);
    const pieces = await Promise.all(fine.map(async (piece) => texts(await scanAll(store, piece, 500))));
    expect(pieces.flat()).toEqual(texts(await scanAll(store, FEEDS, 500)));
    expect(await store.split(FEEDS, 8, { most: 64, entities: 5_000 })).toHaveLength(8);
    await store.close();
  });

  it('names that the store may order otherwise than this project are all found, in the whole and in every piece', async () => {
    const store = await openStore(mode);
    const names = ['a', '\ud7ff', '\ue000', '\uff21', '\uffff', '😀', '😀\uffff'];
    await seed(
      store,
      names.map((name) => key('Feed', name)),
    );
    for (const range of [FEEDS, { ...FEEDS, rootKind: 'Feed' }]) {
      for (const n of [1, 3, 7]) {
        const pieces = await store.split(range, n);
        const found = await Promise.all(pieces.map(async (piece) => texts(await scanAll(store, piece, 1))));
        expect(new Set(found.flat())).toEqual(new Set(names.map((name) => key('Feed', name).toString())));
      }
    }
    await store.close();
  });

  it('as many keys as are declared are read at one moment, beside a writer of all of them', async () => {
    const store = await openStore(mode);
    const pairs = Math.min(40, Math.floor(store.capabilities.maxTogether / 2));
    const keys = Array.from({ length: 2 * pairs }, (_, i) => key('Pair', i + 1));
    await store.overwrite(keys.map((each) => ({ key: each, content: numbered(0) })));
    let writing = true;
    const writer = async () => {
      for (let n = 1; n <= 15; n++) {
        const held = await store.read(keys);
        const update = (i: number) => ({
          op: 'update' as const,
          key: keys[i]!,
          version: held[i]!.version,
          content: numbered(n),
        });
        const units = Array.from({ length: pairs }, (_, i) => [update(2 * i), update(2 * i + 1)]);
        await store.commitTogether(units);
      }
      writing = false;
    };
    const reader = async () => {
      let reads = 0;
      for (; writing || reads === 0; reads++) {
        const seen = (await store.readTogether(keys)).map(numberOf);
        for (let i = 0; i < pairs; i++) expect(seen[2 * i]).toBe(seen[2 * i + 1]);
      }
      return reads;
    };
    const [, reads] = await Promise.all([writer(), reader()]);
    expect(reads).toBeGreaterThan(1);
    const { maxTogether } = store.capabilities;
    const many = Array.from({ length: maxTogether + 1 }, (_, i) => key('Pair', i + 1));
    await expect(store.readTogether(many)).rejects.toThrow(RangeError);
    expect(await store.readTogether(many.slice(1))).toHaveLength(maxTogether);
    await store.close();
  });
});

describeEachMode(
  'datastore: queries that lag behind',
  (mode) => {
    it('a scan of a kind may miss fresh rows, and one of a group never does', async () => {
      const store = await openStore(mode);
      const fresh = Array.from({ length: 300 }, (_, i) => key('Feed', i + 1));
      await store.overwrite(fresh.map((each) => ({ key: each, content: numbered(1) })));
      const seen = (await store.scan(FEEDS, 500)).entities.length;
      expect(seen).toBeLessThan(300);
      const group = key('User', 'ann');
      for (let n = 1; n <= 20; n++) {
        await insert(store, key(group, 'Feed', n), numbered(n));
        expect((await store.scan({ ...FEEDS, root: group }, 500)).entities).toHaveLength(n);
      }
      await store.close();
    });
  },
  ['legacy'],
);

/** A server that answers each query with the next of these. */
function serverOf(batches: readonly { ids: number[]; moreResults: string }[]) {
  const asked: QueryRequest[] = [];
  const connection = {
    projectId: 'p',
    databaseId: '',
    forms: new WeakMap<Content, never>(),
    async runQuery(request: QueryRequest): Promise<QueryBatch> {
      const { ids, moreResults } = batches[asked.length]!;
      asked.push(request);
      const entityResults = ids.map((id) => ({
        version: '1',
        entity: { key: { path: [{ kind: 'Feed', id: `${id}` }] }, properties: {} },
      }));
      return { entityResults, endCursor: Buffer.from(`after ${ids.at(-1)}`), moreResults };
    },
  };
  return { connection: connection as unknown as Connection, asked };
}

describe('datastore: how a query is gone on with', () => {
  it('an answer that is not finished is gone on with, even when it is empty, with the limit reduced', async () => {
    const { connection, asked } = serverOf([
      { ids: [1, 2], moreResults: 'NOT_FINISHED' },
      { ids: [], moreResults: 'NOT_FINISHED' },
      { ids: [3], moreResults: 'NOT_FINISHED' },
      { ids: [4, 5], moreResults: 'MORE_RESULTS_AFTER_LIMIT' },
    ]);
    const page = await scan(connection, FEEDS, 4);
    expect([texts(page.entities), page.more]).toEqual([['Feed:1', 'Feed:2', 'Feed:3', 'Feed:4'], true]);
    expect(asked.map(({ query }) => query.limit!.value)).toEqual([5, 3, 3, 2]);
    expect(asked.map(({ query }) => query.startCursor && String(query.startCursor))).toEqual([
      undefined,
      'after 2',
      'after undefined',
      'after 3',
    ]);
  });

  it('an answer that is short is believed only when the server says that it is the end, or the next one is empty', async () => {
    const said = serverOf([{ ids: [1, 2], moreResults: 'NO_MORE_RESULTS' }]);
    expect(await scan(said.connection, FEEDS, 4)).toMatchObject({ more: false });
    expect(said.asked).toHaveLength(1);
    const unsaid = serverOf([
      { ids: [1, 2], moreResults: 'MORE_RESULTS_AFTER_LIMIT' },
      { ids: [], moreResults: 'MORE_RESULTS_AFTER_LIMIT' },
    ]);
    expect(await scan(unsaid.connection, FEEDS, 4)).toMatchObject({ more: false });
    expect(unsaid.asked).toHaveLength(2);
  });

  it('a page after the first has one lower end, behind all that was deleted before it', async () => {
    const rooted = { ...FEEDS, rootKind: 'Feed' };
    const endsOf = async (range: KeyRange) => {
      const { connection, asked } = serverOf([{ ids: [], moreResults: 'NO_MORE_RESULTS' }]);
      await scan(connection, range, 5);
      return asked[0]!.query.filter!.compositeFilter!.filters.map(({ propertyFilter }) => {
        const { path } = propertyFilter!.value.keyValue!;
        return `${propertyFilter!.op} ${path.map(({ kind, id }) => `${kind}:${id}`).join('/')}`;
      });
    };
    expect(await endsOf({ ...rooted, after: key('Feed', 7) })).toEqual(['GREATER_THAN Feed:7', 'LESS_THAN Feed\0:1']);
    expect(await endsOf({ ...rooted, after: key('Feed', 7), until: key('Feed', 9) })).toEqual([
      'GREATER_THAN Feed:7',
      'LESS_THAN_OR_EQUAL Feed:9',
    ]);
    // One below another root is not the nearer one for sure.
    expect(await endsOf({ ...rooted, after: key('Ant', 1, 'Feed', 7) })).toEqual([
      'GREATER_THAN Ant:1/Feed:7',
      'GREATER_THAN_OR_EQUAL Feed:1',
      'LESS_THAN Feed\0:1',
    ]);
  });

  it('a range that holds nothing is not asked for', async () => {
    const { connection, asked } = serverOf([]);
    const other = Key.of([{ kind: 'User', id: 1n }], 'elsewhere');
    for (const range of [
      { ...FEEDS, until: key('Ant', 1) },
      { ...FEEDS, root: other },
    ] as KeyRange[]) {
      expect(await scan(connection, range, 5)).toEqual({ entities: [], more: false });
    }
    expect(asked).toEqual([]);
  });
});
