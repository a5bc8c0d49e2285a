import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Key, key } from '../../../src/record/key.ts';
import type { Mutation, Store, Version } from '../../../src/store/store.ts';
import type { Open } from '../contract.ts';
import { commitOne, eachStore, insert, numbered, numberOf, readOne, statuses, withStore } from './steps.ts';

const FEED = key('Feed', 1);

export function mutationContract(name: string, open: Open, slow: boolean): void {
  describe(`${name}: compare-and-set of one entity`, () => {
    const the = eachStore(open);

    it('a second insert of a key loses and changes nothing', async () => {
      const version = await insert(the.store, FEED, numbered(1));
      expect(await statuses(the.store.commit([{ op: 'insert', key: FEED, content: numbered(2) }]))).toEqual([
        'conflict',
      ]);
      const entity = await readOne(the.store, FEED);
      expect([numberOf(entity), entity?.version]).toEqual([1, version]);
    });

    it('an update or a delete at an old version loses and changes nothing', async () => {
      const old = await insert(the.store, FEED, numbered(1));
      const now = await commitOne(the.store, { op: 'update', key: FEED, version: old, content: numbered(2) });
      expect(now).not.toBe(old);
      const update: Mutation = { op: 'update', key: FEED, version: old, content: numbered(3) };
      expect(await statuses(the.store.commit([update]))).toEqual(['conflict']);
      expect(await statuses(the.store.commit([{ op: 'delete', key: FEED, version: old }]))).toEqual(['conflict']);
      const entity = await readOne(the.store, FEED);
      expect([numberOf(entity), entity?.version]).toEqual([2, now]);
    });

    it('an update or a delete of what is not there loses', async () => {
      const version = await insert(the.store, FEED);
      await commitOne(the.store, { op: 'delete', key: FEED, version });
      const update: Mutation = { op: 'update', key: FEED, version, content: numbered(3) };
      expect(await statuses(the.store.commit([update]))).toEqual(['conflict']);
      expect(await statuses(the.store.commit([{ op: 'delete', key: FEED, version }]))).toEqual(['conflict']);
      expect(await readOne(the.store, FEED)).toBeUndefined();
    });

    it('a version of an earlier life of a key fits neither an update nor a delete', async () => {
      const first = await insert(the.store, FEED);
      await commitOne(the.store, { op: 'delete', key: FEED, version: first });
      const again = await insert(the.store, FEED, numbered(5));
      expect(again).not.toBe(first);
      expect(await statuses(the.store.commit([{ op: 'delete', key: FEED, version: first }]))).toEqual(['conflict']);
      expect(numberOf(await readOne(the.store, FEED))).toBe(5);
    });

    it('a version of the wrong type is a conflict, never an unconditional write', async () => {
      const right = await insert(the.store, FEED, numbered(1));
      const wrong = [undefined, null, '', 'x', {}, Number.NaN, -1, typeof right === 'number' ? String(right) : 0];
      for (const version of wrong as Version[]) {
        expect(await statuses(the.store.commit([{ op: 'delete', key: FEED, version }]))).toEqual(['conflict']);
        const update: Mutation = { op: 'update', key: FEED, version, content: numbered(2) };
        expect(await statuses(the.store.commit([update]))).toEqual(['conflict']);
      }
      expect((await readOne(the.store, FEED))?.version).toBe(right);
    });

    it('in a batch each mutation has its own outcome, in order', async () => {
      const keys = [1, 2, 3, 4].map((id) => key('Feed', id));
      const versions = await Promise.all(keys.slice(0, 3).map((each) => insert(the.store, each)));
      await commitOne(the.store, { op: 'update', key: keys[1]!, version: versions[1]!, content: numbered(7) });
      const outcomes = await the.store.commit([
        { op: 'update', key: keys[0]!, version: versions[0]!, content: numbered(1) },
        { op: 'update', key: keys[1]!, version: versions[1]!, content: numbered(1) },
        { op: 'delete', key: keys[2]!, version: versions[2]! },
        { op: 'insert', key: keys[3]!, content: numbered(1) },
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual(['applied', 'conflict', 'applied', 'applied']);
      const entities = await the.store.read(keys);
      expect(entities.map(numberOf)).toEqual([1, 7, undefined, 1]);
      for (const i of [0, 3]) expect(outcomes[i]).toEqual({ status: 'applied', version: entities[i]!.version });
    });

    it('an empty commit answers nothing', async () => {
      expect(await the.store.commit([])).toEqual([]);
    });

    it('overwrite writes and removes without looking, and gives new versions', async () => {
      const old = await insert(the.store, FEED, numbered(1));
      await the.store.overwrite([{ key: FEED, content: numbered(2), slot: 's' }], [key('Feed', 2)]);
      const entity = await readOne(the.store, FEED);
      expect([numberOf(entity), entity?.slot]).toEqual([2, 's']);
      expect(entity?.version).not.toBe(old);
      await the.store.overwrite([], [FEED]);
      expect(await readOne(the.store, FEED)).toBeUndefined();
    });

    it('a closed store refuses every call', async () => {
      await the.store.close();
      const range = { namespace: '', kind: 'Feed' };
      const calls = [
        () => the.store.scan(range, 1),
        () => the.store.split(range, 2),
        () => the.store.read([FEED]),
        () => the.store.readTogether([FEED]),
        () => the.store.find(range, 'n', { type: 'null' }, 1),
        () => the.store.commit([{ op: 'insert', key: FEED, content: numbered(1) }]),
        () => the.store.commitTogether([[{ op: 'insert', key: FEED, content: numbered(1) }]]),
        () => the.store.overwrite([{ key: FEED, content: numbered(1) }]),
      ];
      for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'store.closed' });
      await the.store.close();
    });
  });

  describe(`${name}: any history`, () => {
    it('agrees with a model of versioned rows, and no version is ever given twice', async () => {
      const steps = fc.array(fc.tuple(fc.nat(3), fc.nat(2), fc.constantFrom('now', 'old', 'first')), { maxLength: 60 });
      await fc.assert(
        fc.asyncProperty(steps, (history) => withStore(open, (store) => followModel(store, history))),
        { numRuns: slow ? 5 : 25 },
      );
    });
  });
}

type Step = [row: number, op: number, which: string];

async function followModel(store: Store, history: readonly Step[]): Promise<void> {
  const rows = [1, 2, 3, 4].map((id) => key('Feed', id));
  const lives = rows.map((): Version[] => []);
  const current = new Map<number, { version: Version; n: number }>();
  const given = new Set<Version>();
  for (const [n, [row, op, which]] of history.entries()) {
    const seen = lives[row]!;
    const version = { now: current.get(row)?.version, old: seen.at(-2), first: seen[0] }[which] ?? 0;
    const holds = op === 0 ? !current.has(row) : current.get(row)?.version === version;
    const [outcome] = await store.commit([mutationOf(op, rows[row]!, version, n)]);
    expect(outcome!.status).toBe(holds ? 'applied' : 'conflict');
    if (!holds || outcome!.status !== 'applied') continue;
    if (op === 2) {
      current.delete(row);
      continue;
    }
    expect(given).not.toContain(outcome!.version);
    given.add(outcome!.version);
    seen.push(outcome!.version);
    current.set(row, { version: outcome!.version, n });
  }
  const stored = (await store.read(rows)).map((entity) => entity && { version: entity.version, n: numberOf(entity) });
  expect(stored).toEqual(rows.map((_, row) => current.get(row)));
}

function mutationOf(op: number, at: Key, version: Version, n: number): Mutation {
  if (op === 0) return { op: 'insert', key: at, content: numbered(n) };
  return op === 1 ? { op: 'update', key: at, version, content: numbered(n) } : { op: 'delete', key: at, version };
}
