import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Key, key } from '../../../src/record/key.ts';
import type { KeyRange, Store } from '../../../src/store/store.ts';
import type { Open } from '../contract.ts';
import { eachStore, numbered, scanAll, texts, withStore } from './steps.ts';

const KINDS = ['Feed', 'FeedX', 'Fee', 'Feed\0', 'Feed\0X', '\0', 'User', 'É', '_'];
const NAMESPACES = ['', 'a', 'a\0', 'Feed'];

const ids = fc.oneof(
  fc.bigInt({ min: 1n, max: 3n }),
  fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }),
  fc.constantFrom('a', 'ab', 'a\0', 'a\0b', '\0', '\0\0', '1', '10', 'é', '😀', '\uffff'),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }),
);
const elements = fc.record({ kind: fc.constantFrom(...KINDS), id: ids });
const keys = fc
  .tuple(fc.array(elements, { minLength: 1, maxLength: 3 }), fc.constantFrom(...NAMESPACES))
  .map(([path, namespace]) => Key.of(path, namespace));
const keySets = fc.uniqueArray(keys, { maxLength: 60, selector: (each) => each.toString() });

export function rangeContract(name: string, open: Open, slow: boolean): void {
  describe(`${name}: scans in key order`, () => {
    const the = eachStore(open);
    const seed = (...all: Key[]) => the.store.overwrite(all.map((each) => ({ key: each, content: numbered(1) })));
    const scan = async (range: Partial<KeyRange>) =>
      texts(await scanAll(the.store, { namespace: '', kind: 'Feed', ...range }, 2));

    it('numeric ids come before names, by number and not by digits; names by their bytes', async () => {
      const sorted = [key('Feed', 2), key('Feed', 10), key('Feed', 2n ** 40n), key('Feed', '1'), key('Feed', 'a')];
      const names = [
        key('Feed', 'a\0'),
        key('Feed', 'a\0\0'),
        key('Feed', 'a\u0001'),
        key('Feed', 'ab'),
        key('Feed', 'é'),
      ];
      await seed(...[...sorted, ...names].reverse());
      expect(await scan({})).toEqual([...sorted, ...names].map(String));
    });

    it('the kinds of a namespace are told, each once, where the store can', async () => {
      const kinds = ['Fee', 'Feed', 'FeedX', 'User'];
      const all = kinds.flatMap((kind) => [key(kind, 1), key(kind, 'a'), key('User', 'ann', kind, 2)]);
      await seed(...all, Key.of([{ kind: 'Other', id: 1n }], 'a'));
      const told = await the.store.kinds?.('');
      // An emulator may not know.
      if (told === undefined) return expect(the.store.capabilities.name).toBe('datastore');
      // Whoever found out what the store can do may have left a kind of its own.
      expect(told.filter((kind) => !kind.startsWith('_'))).toEqual(kinds);
      expect((await the.store.kinds!('a'))?.filter((kind) => !kind.startsWith('_'))).toEqual(['Other']);
    });

    it('a parent comes before its children and they before its next sibling', async () => {
      const sorted = [
        key('Feed', 1),
        key('Feed', 1, 'Feed', 1),
        key('Feed', 1, 'Feed', 1, 'Feed', 9),
        key('Feed', 1, 'Feed', 2),
        key('Feed', 2),
        key('User', 'ann', 'Feed', 1),
      ];
      await seed(...[...sorted].reverse());
      expect(await scan({})).toEqual(sorted.map(String));
    });

    it('kinds and namespaces with a common beginning do not leak into each other', async () => {
      const { isKey = () => true } = the.opened.lacks ?? {};
      const inside = Key.of([{ kind: 'Feed', id: 1n }], 'a');
      const others = [
        ...['FeedX', 'Fee', 'Feed\0', 'Feed\0X'].map((kind) => Key.of([{ kind, id: 1n }], 'a')),
        ...['', 'b', 'a\0', 'aFeed'].map((namespace) => Key.of([{ kind: 'Feed', id: 1n }], namespace)),
      ].filter(isKey);
      await seed(inside, ...others);
      expect(await scan({ namespace: 'a' })).toEqual([inside.toString()]);
    });

    it('a kind is scanned at the root, or below one kind of root, or within one group', async () => {
      const all = [
        key('Feed', 1),
        key('User', 1, 'Feed', 1),
        key('User', 1),
        key('User', 2, 'Feed', 1),
        key('UserX', 1, 'Feed', 1),
      ];
      await seed(...all, key('User', '1', 'Feed', 1), key('User', '1x', 'Feed', 1));
      expect(await scan({ rootKind: 'Feed' })).toEqual(['Feed:1']);
      expect(await scan({ rootKind: 'UserX' })).toEqual(['UserX:1/Feed:1']);
      expect(await scan({ root: key('User', 2) })).toEqual(['User:2/Feed:1']);
      expect(await scan({ root: key('User', '1') })).toEqual([key('User', '1', 'Feed', 1).toString()]);
      expect(await scan({ kind: 'User', root: key('User', 1) })).toEqual(['User:1']);
      expect(await scan({ root: key('User', 2), rootKind: 'Feed' })).toEqual([]);
    });

    it('a group whose id ends in 255 is scanned to its end and no further', async () => {
      const all = [key('User', 255), key('User', 255, 'User', 2n ** 63n - 1n), key('User', 256), key('User', 511)];
      await seed(...all);
      expect(await scan({ kind: 'User', root: all[0]! })).toEqual(all.slice(0, 2).map(String));
      expect(await scan({ kind: 'User', root: all[3]! })).toEqual(['User:511']);
    });

    it('`after` is outside and `until` is inside, wherever they lie', async () => {
      await seed(...[1, 2, 3, 4].map((id) => key('Feed', id)));
      expect(await scan({ after: key('Feed', 1), until: key('Feed', 3) })).toEqual(['Feed:2', 'Feed:3']);
      expect(await scan({ after: key('Feed', 3), until: key('Feed', 3) })).toEqual([]);
      expect(await scan({ after: key('Feed', 4), until: key('Feed', 2) })).toEqual([]);
      expect(await scan({ after: key('Zoo', 1) })).toEqual([]);
      expect(await scan({ after: key('Ant', 1), until: key('Zoo', 1) })).toHaveLength(4);
      expect(await scan({ until: key('Ant', 1) })).toEqual([]);
    });

    it('a page that ends with the range says that there is no more', async () => {
      await seed(key('Feed', 1), key('Feed', 2), key('FeedX', 1));
      const range = { namespace: '', kind: 'Feed' };
      expect((await the.store.scan(range, 2)).more).toBe(false);
      expect((await the.store.scan(range, 1)).more).toBe(true);
      expect((await the.store.scan({ ...range, until: key('Feed', 1) }, 1)).more).toBe(false);
      expect(await the.store.scan({ ...range, kind: 'Nothing' }, 1)).toEqual({ entities: [], more: false });
    });

    it('a range without keys is one piece', async () => {
      const range = { namespace: '', kind: 'Feed', after: key('Feed', 9) };
      expect(await the.store.split(range, 4)).toEqual([range]);
    });

    it('pieces are of about equal size', async () => {
      await seed(...Array.from({ length: 100 }, (_, i) => key('Feed', i + 1)));
      const pieces = await the.store.split({ namespace: '', kind: 'Feed' }, 8);
      const sizes = await Promise.all(pieces.map(async (piece) => (await scanAll(the.store, piece, 30)).length));
      expect(pieces).toHaveLength(8);
      for (const size of sizes) expect(size).toBeGreaterThan(5);
      expect(Math.max(...sizes)).toBeLessThan(25);
    });

    it('a range is cut finer as far as it is large enough for that, and no further', async () => {
      await seed(...Array.from({ length: 100 }, (_, i) => key('Feed', i + 1)));
      const range = { namespace: '', kind: 'Feed' };
      const pieces = async (n: number, most: number, entities: number) =>
        (await the.store.split(range, n, { most, entities })).length;
      expect(await pieces(4, 10, 10)).toBe(10);
      expect(await pieces(4, 10, 15)).toBe(6);
      expect(await pieces(4, 10, 50)).toBe(4);
      expect(await pieces(4, 3, 10)).toBe(4);
      const found = await Promise.all(
        (await the.store.split(range, 4, { most: 10, entities: 10 })).map((piece) => scanAll(the.store, piece, 30)),
      );
      expect(found.flatMap(texts)).toEqual(await scan({}));
      for (const { length } of found) expect(length).toBe(10);
    });

    it('what is written past the last key after a split lies in the last piece', async () => {
      await seed(...[1, 2, 3, 4].map((id) => key('Feed', id)));
      const pieces = await the.store.split({ namespace: '', kind: 'Feed' }, 2);
      await seed(key('Feed', 99));
      expect(texts(await scanAll(the.store, pieces.at(-1)!, 10))).toContain('Feed:99');
    });
  });

  describe(`${name}: any set of keys`, () => {
    it('scans and splits of any range agree with a sorted model', async () => {
      const limits = fc.integer({ min: 1, max: 9 });
      await fc.assert(
        fc.asyncProperty(keySets, keys, keys, limits, (all, a, b, limit) =>
          withStore(open, (store, { isKey = () => true }) => {
            fc.pre(isKey(a) && isKey(b));
            return agreesWithModel(store, all.filter(isKey), [a, b], limit);
          }),
        ),
        { numRuns: slow ? 8 : 40 },
      );
    });
  });
}

async function agreesWithModel(store: Store, all: Key[], ends: [Key, Key], limit: number): Promise<void> {
  await store.overwrite(all.map((each) => ({ key: each, content: numbered(1) })));
  const sorted = [...all].sort(compareKeys);
  for (const { namespace, kind, path, root } of [...all.slice(0, 4), ...ends]) {
    const ranges: KeyRange[] = [
      { namespace, kind },
      { namespace, kind, rootKind: path[0]!.kind },
      { namespace, kind, root },
      { namespace, kind, after: ends[0] },
      { namespace, kind, until: ends[1] },
      { namespace, kind, after: ends[0], until: ends[1] },
    ];
    for (const range of ranges) {
      const expected = sorted.filter((each) => isIn(range, each)).map(String);
      expect(texts(await scanAll(store, range, limit))).toEqual(expected);
      const pieces = await store.split(range, limit);
      expect(pieces.length).toBeLessThanOrEqual(limit);
      const found = await Promise.all(pieces.map((piece) => scanAll(store, piece, 100)));
      expect(found.flatMap(texts)).toEqual(expected);
    }
  }
}

function isIn({ namespace, kind, rootKind, root, after, until }: KeyRange, each: Key): boolean {
  return (
    each.namespace === namespace &&
    each.kind === kind &&
    (rootKind === undefined || each.path[0]!.kind === rootKind) &&
    (root === undefined || String(each.root) === String(root)) &&
    (after === undefined || compareKeys(each, after) > 0) &&
    (until === undefined || compareKeys(each, until) <= 0)
  );
}

/** The documented order, without looking at encoded bytes. */
function compareKeys(a: Key, b: Key): number {
  const ends = compareText(a.namespace, b.namespace) || compareText(a.kind, b.kind);
  if (ends) return ends;
  for (let i = 0; i < Math.min(a.path.length, b.path.length); i++) {
    const [x, y] = [a.path[i]!, b.path[i]!];
    const step = compareText(x.kind, y.kind) || compareIds(x.id, y.id);
    if (step) return step;
  }
  return a.path.length - b.path.length;
}

function compareIds(a: bigint | string, b: bigint | string): number {
  if (typeof a === 'bigint') return typeof b === 'bigint' ? (a < b ? -1 : a > b ? 1 : 0) : -1;
  return typeof b === 'bigint' ? 1 : compareText(a, b);
}

const compareText = (a: string, b: string): number => Buffer.from(a).compare(Buffer.from(b));
