import { describe, expect, it } from 'vitest';
import { type Key, key } from '../../../src/record/key.ts';
import type { Mutation, Store } from '../../../src/store/store.ts';
import type { Open } from '../contract.ts';
import { eachStore, insert, numbered, numberOf, readOne, statuses } from './steps.ts';

const group = (name: string): Key => key('User', 'ann', 'Feed', name);

export function unitContract(name: string, open: Open): void {
  describe(`${name}: units that are committed together`, () => {
    const the = eachStore(open);
    const spans = () => the.store.capabilities.atomic !== 'entity';

    it('a unit moves a record in one step and gives a version for each mutation', async ({ skip }) => {
      if (!spans()) skip();
      const version = await insert(the.store, group('old'), numbered(1));
      const [outcome] = await the.store.commitTogether([
        [
          { op: 'insert', key: group('new'), content: numbered(1) },
          { op: 'delete', key: group('old'), version },
        ],
      ]);
      const [old, now] = await the.store.read([group('old'), group('new')]);
      expect(old).toBeUndefined();
      expect(outcome).toMatchObject({ status: 'applied', versions: [now!.version, expect.anything()] });
    });

    it.each([0, 1, 2])('nothing of a unit is applied when only mutation %i is stale', async (stale) => {
      if (!spans()) return;
      const names = ['a', 'b', 'c'];
      const versions = await Promise.all(names.map((each) => insert(the.store, group(each), numbered(1))));
      await the.store.overwrite([{ key: group(names[stale]!), content: numbered(2) }]);
      const before = await the.store.read(names.map(group));
      const unit: Mutation[] = [
        { op: 'update', key: group('a'), version: versions[0]!, content: numbered(9) },
        { op: 'delete', key: group('b'), version: versions[1]! },
        { op: 'update', key: group('c'), version: versions[2]!, content: numbered(9) },
        { op: 'insert', key: group('d'), content: numbered(9) },
      ];
      expect(await statuses(the.store.commitTogether([unit]))).toEqual(['conflict']);
      expect(await the.store.read(names.map(group))).toEqual(before);
      expect(await readOne(the.store, group('d'))).toBeUndefined();
    });

    it('nothing of a unit is applied when its insert finds something there', async ({ skip }) => {
      if (!spans()) skip();
      const version = await insert(the.store, group('a'), numbered(1));
      await insert(the.store, group('b'), numbered(2));
      const unit: Mutation[] = [
        { op: 'delete', key: group('a'), version },
        { op: 'insert', key: group('b'), content: numbered(9) },
      ];
      expect(await statuses(the.store.commitTogether([unit]))).toEqual(['conflict']);
      expect((await the.store.read([group('a'), group('b')])).map(numberOf)).toEqual([1, 2]);
    });

    it('a unit that loses does not take the one beside it along', async ({ skip }) => {
      if (!spans()) skip();
      await insert(the.store, group('taken'));
      const unit = (name: string): Mutation[] => [{ op: 'insert', key: group(name), content: numbered(1) }];
      const answers = the.store.commitTogether([unit('x'), unit('taken'), unit('y')]);
      expect(await statuses(answers)).toEqual(['applied', 'conflict', 'applied']);
    });

    it('of two units over the same entity one wins, in one call and in two', async ({ skip }) => {
      if (!spans()) skip();
      const version = await insert(the.store, group('a'));
      const unit = (n: number): Mutation[] => [
        { op: 'update', key: group('a'), version, content: numbered(n) },
        { op: 'insert', key: group(`made by ${n}`), content: numbered(n) },
      ];
      const calls = await Promise.all([
        the.store.commitTogether([unit(1)]),
        the.store.commitTogether([unit(2)]),
        the.store.commitTogether([unit(3)]),
      ]);
      const all = calls.flat().map(({ status }) => status);
      expect(all.filter((status) => status === 'applied')).toHaveLength(1);
      const winner = numberOf(await readOne(the.store, group('a')))!;
      for (const n of [1, 2, 3]) {
        expect((await readOne(the.store, group(`made by ${n}`))) !== undefined).toBe(n === winner);
      }
    });

    it('a unit that spans more than the store declares is refused before anything is applied', async () => {
      const { atomic } = the.store.capabilities;
      if (atomic === 'any') return;
      const far = atomic === 'group' ? [key('User', 'ann'), key('User', 'bob')] : [group('a'), group('b')];
      const near = far.slice(0, 1);
      await expect(the.store.commitTogether([inserts(near), inserts(far)])).rejects.toThrow(RangeError);
      expect(await the.store.read(far)).toEqual([undefined, undefined]);
    });

    it('a unit over two entity groups is one step where the store can', async ({ skip }) => {
      if (the.store.capabilities.atomic !== 'any') skip();
      await insert(the.store, key('User', 'bob'));
      const keys = [key('User', 'ann'), key('User', 'bob')];
      expect(await statuses(the.store.commitTogether([inserts(keys)]))).toEqual(['conflict']);
      expect(await readOne(the.store, keys[0]!)).toBeUndefined();
    });

    it('a unit that names a key twice is refused', async () => {
      await expect(the.store.commitTogether([inserts([group('a'), group('a')])])).rejects.toThrow(RangeError);
      expect(await readOne(the.store, group('a'))).toBeUndefined();
    });

    it('keys that are read together are never seen with half of a unit', async ({ skip }) => {
      if (!spans() || !the.store.capabilities.snapshotReads) skip();
      await neverTorn(the.store);
    });
  });
}

const inserts = (keys: readonly Key[]): Mutation[] =>
  keys.map((each) => ({ op: 'insert', key: each, content: numbered(1) }));

async function neverTorn(store: Store): Promise<void> {
  const keys = ['a', 'b', 'c'].map(group);
  let versions = await Promise.all(keys.map((each) => insert(store, each)));
  for (let n = 1; n <= 40; n++) {
    const unit = keys.map((each, i): Mutation => {
      return { op: 'update', key: each, version: versions[i]!, content: numbered(n) };
    });
    const [before, [outcome], after] = await Promise.all([
      store.readTogether(keys),
      store.commitTogether([unit]),
      store.readTogether(keys),
    ]);
    for (const read of [before, after]) expect(new Set(read.map(numberOf)).size).toBe(1);
    if (outcome?.status !== 'applied') throw new Error(`round ${n}: ${outcome?.status}`);
    versions = [...outcome.versions];
  }
}
