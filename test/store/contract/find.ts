import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Content } from '../../../src/record/content.ts';
import { Key, key } from '../../../src/record/key.ts';
import type { Value } from '../../../src/record/value.ts';
import type { Store } from '../../../src/store/store.ts';
import type { Open } from '../contract.ts';
import { commitOne, contentOf, eachStore, insert, integer, string, texts, withStore } from './steps.ts';

const FEEDS = { namespace: '', kind: 'Feed' };
const tagged = (tag: Value): Content => contentOf({ tag });
const array = (...values: Value[]): Value => ({ type: 'array', values });
const A = string('a');
const ONE = integer(1);
const hidden = (value: Value): Value => ({ ...value, unindexed: true });

export function findContract(name: string, open: Open, slow: boolean): void {
  describe(`${name}: find by property`, () => {
    const the = eachStore(open);
    const find = async (tag: Value, range = FEEDS, limit = 100) =>
      texts((await the.store.find(range, 'tag', tag, limit)).entities);

    it('finds equal values, in key order, in one kind of one namespace', async () => {
      await the.store.overwrite([
        { key: key('Feed', 10), content: tagged(string('red')) },
        { key: key('Feed', 2), content: tagged(string('red')) },
        { key: key('Feed', 3), content: tagged(string('reddish')) },
        { key: key('Feed', 4), content: contentOf({ other: string('red') }) },
        { key: key('FeedX', 5), content: tagged(string('red')) },
        { key: Key.of([{ kind: 'Feed', id: 6n }], 'a'), content: tagged(string('red')) },
        { key: key('User', 'ann', 'Feed', 7), content: tagged(string('red')) },
      ]);
      expect(await find(string('red'))).toEqual(['Feed:2', 'Feed:10', 'User:ann/Feed:7']);
      expect(await find(string('red'), { ...FEEDS, rootKind: 'User' } as never)).toEqual(['User:ann/Feed:7']);
      expect(await find(string(''))).toEqual([]);
    });

    it('finds an element of an array, once even when it is in there twice', async () => {
      await insert(the.store, key('Feed', 1), tagged(array(string('a'), string('b'), string('a'))));
      for (const tag of ['a', 'b']) expect(await find(string(tag))).toEqual(['Feed:1']);
      expect(await find(array(string('a')))).toEqual([]);
    });

    it('does not find what is flagged unindexed: a value, an array, one element', async () => {
      await insert(the.store, key('Feed', 1), tagged(hidden(string('a'))));
      const list = the.opened.lacks?.flaggedArrays ? array(hidden(string('a'))) : hidden(array(string('a')));
      await insert(the.store, key('Feed', 2), tagged(list));
      await insert(the.store, key('Feed', 3), tagged(array(string('b'), hidden(string('a')))));
      expect(await find(string('a'))).toEqual([]);
      expect(await find(string('b'))).toEqual(['Feed:3']);
      expect(await find(hidden(string('b')))).toEqual(['Feed:3']);
    });

    it('tells integers from doubles, and null from nothing', async () => {
      await insert(the.store, key('Feed', 1), tagged(integer(1)));
      await insert(the.store, key('Feed', 2), tagged({ type: 'double', value: 1 }));
      await insert(the.store, key('Feed', 3), tagged({ type: 'null' }));
      await insert(the.store, key('Feed', 4), contentOf({}));
      expect(await find(integer(1))).toEqual(['Feed:1']);
      expect(await find({ type: 'double', value: 1 })).toEqual(['Feed:2']);
      expect(await find({ type: 'null' })).toEqual(['Feed:3']);
    });

    it('finds values too long for an index key, and keys', async () => {
      const long = string('x'.repeat(1500));
      await insert(the.store, key('Feed', 'y'.repeat(1000)), tagged(long));
      await insert(the.store, key('Feed', 1), tagged({ type: 'key', value: key('User', 'ann') }));
      expect(await find(long)).toHaveLength(1);
      expect(await find({ type: 'key', value: key('User', 'ann') })).toEqual(['Feed:1']);
    });

    it('follows updates, deletes and overwrites', async () => {
      const at = key('Feed', 1);
      const first = await insert(the.store, at, tagged(string('a')));
      const second = await commitOne(the.store, {
        op: 'update',
        key: at,
        version: first,
        content: tagged(string('b')),
      });
      expect([await find(string('a')), await find(string('b'))]).toEqual([[], ['Feed:1']]);
      await the.store.commit([{ op: 'update', key: at, version: first, content: tagged(string('lost')) }]);
      expect(await find(string('lost'))).toEqual([]);
      await commitOne(the.store, { op: 'delete', key: at, version: second });
      expect(await find(string('b'))).toEqual([]);
      await the.store.overwrite([{ key: at, content: tagged(string('c')) }]);
      expect(await find(string('c'))).toEqual(['Feed:1']);
      await the.store.overwrite([], [at]);
      expect(await find(string('c'))).toEqual([]);
    });

    it('pages with an exact `more`', async () => {
      const all = [1, 2, 3, 4, 5].map((id) => key('Feed', id));
      await the.store.overwrite(all.map((each, i) => ({ key: each, content: tagged(string(i === 2 ? 'b' : 'a')) })));
      const first = await the.store.find(FEEDS, 'tag', string('a'), 2);
      expect([texts(first.entities), first.more]).toEqual([['Feed:1', 'Feed:2'], true]);
      const rest = await the.store.find({ ...FEEDS, after: key('Feed', 2) }, 'tag', string('a'), 2);
      expect([texts(rest.entities), rest.more]).toEqual([['Feed:4', 'Feed:5'], false]);
      const cut = await the.store.find({ ...FEEDS, until: key('Feed', 4) }, 'tag', string('a'), 3);
      expect([texts(cut.entities), cut.more]).toEqual([['Feed:1', 'Feed:2', 'Feed:4'], false]);
    });

    it('a record that does not decode is not found and does not fail the look-up of others', async ({ skip }) => {
      if (the.opened.lacks?.opaqueContent) skip();
      const broken = Content.fromBytes(Buffer.from([99]));
      const version = await insert(the.store, key('Feed', 1), broken);
      await insert(the.store, key('Feed', 2), tagged(string('a')));
      expect(await find(string('a'))).toEqual(['Feed:2']);
      await commitOne(the.store, { op: 'update', key: key('Feed', 1), version, content: tagged(string('a')) });
      expect(await find(string('a'))).toEqual(['Feed:1', 'Feed:2']);
    });
  });

  describe(`${name}: find after any history`, () => {
    it('agrees with a filter over all rows', async () => {
      const values = fc.constantFrom(A, ONE, hidden(A), array(A, ONE), array(ONE, hidden(A)), array());
      const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.option(values)), { maxLength: 30 });
      await fc.assert(
        fc.asyncProperty(steps, (history) => withStore(open, (store) => findsByModel(store, history))),
        { numRuns: slow ? 5 : 25 },
      );
    });
  });
}

async function findsByModel(store: Store, history: readonly [number, Value | null][]): Promise<void> {
  const rows = new Map<number, Value>();
  for (const [id, value] of history) {
    const at = key('Feed', id);
    const [entity] = await store.read([at]);
    if (value === null) {
      rows.delete(id);
      if (entity) await commitOne(store, { op: 'delete', key: at, version: entity.version });
    } else {
      rows.set(id, value);
      const content = tagged(value);
      if (entity) await commitOne(store, { op: 'update', key: at, version: entity.version, content });
      else await insert(store, at, content);
    }
  }
  for (const wanted of [A, ONE]) {
    const expected = [...rows].filter(([, value]) => holds(value, wanted)).map(([id]) => id);
    const { entities } = await store.find(FEEDS, 'tag', wanted, 100);
    expect(entities.map((entity) => Number(entity.key.id))).toEqual(expected.sort());
  }
}

function holds(value: Value, wanted: Value): boolean {
  if (value.unindexed) return false;
  return value.type === 'array' ? value.values.includes(wanted) : value === wanted;
}
