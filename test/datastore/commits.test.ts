import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Key, key } from '../../src/record/key.ts';
import { datastoreStore } from '../../src/store/datastore/datastore.ts';
import type { Mutation, Store } from '../../src/store/store.ts';
import { connectionTo, describeEachMode } from '../emulators/each.ts';
import { contentOf, insert, numbered, numberOf, statuses, string } from '../store/contract/steps.ts';

describeEachMode('datastore: commits', (mode) => {
  let store: Store;
  let rival: Store;
  beforeAll(async () => {
    const connection = connectionTo(mode);
    [store, rival] = [await datastoreStore(connection), await datastoreStore(connection)];
  });
  afterAll(async () => {
    await store.close();
    await rival.close();
  });
  const keysOf = (kind: string, count: number): Key[] => Array.from({ length: count }, (_, i) => key(kind, i + 1));
  const versionsOf = async (keys: readonly Key[]) => (await store.read(keys)).map((entity) => entity!.version);
  const seed = async (kind: string, count: number) => {
    const keys = keysOf(kind, count);
    await store.overwrite(keys.map((each) => ({ key: each, content: numbered(0) })));
    return { keys, versions: await versionsOf(keys) };
  };

  it('of 500 mutations exactly those lose whose condition does not hold', async () => {
    const { keys, versions } = await seed('Mixed', 500);
    const stale = new Set([0, 1, 77, 250, 251, 499]);
    await rival.overwrite([...stale].map((i) => ({ key: keys[i]!, content: numbered(7) })));
    const outcomes = await store.commit(
      keys.map((each, i): Mutation => ({ op: 'update', key: each, version: versions[i]!, content: numbered(1) })),
    );
    expect(outcomes.flatMap(({ status }, i) => (status === 'conflict' ? [i] : []))).toEqual([...stale]);
    const now = await store.read(keys);
    expect(now.map(numberOf)).toEqual(keys.map((_, i) => (stale.has(i) ? 7 : 1)));
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status === 'applied') expect(outcome.version).toBe(now[i]!.version);
      else expect(stale.has(i)).toBe(true);
    }
  });

  it('of 100 units over two groups each exactly those lose, and as a whole', async () => {
    const { keys, versions } = await seed('Source', 100);
    const taken = new Set([3, 4, 50, 99]);
    const target = (i: number) => key('User', `u${i}`, 'Target', i + 1);
    await rival.overwrite([...taken].map((i) => ({ key: target(i), content: numbered(7) })));
    const units = keys.map((each, i): Mutation[] => [
      { op: 'insert', key: target(i), content: numbered(1) },
      { op: 'delete', key: each, version: versions[i]! },
    ]);
    const outcomes = await store.commitTogether(units);
    expect(outcomes.flatMap(({ status }, i) => (status === 'conflict' ? [i] : []))).toEqual([...taken]);
    const left = await store.read(keys);
    const arrived = await store.read(keys.map((_, i) => target(i)));
    keys.forEach((_, i) => {
      expect([left[i] !== undefined, numberOf(arrived[i])]).toEqual([taken.has(i), taken.has(i) ? 7 : 1]);
    });
  });

  it('when nothing can win, everything loses', async () => {
    const { keys, versions } = await seed('Lost', 60);
    await rival.overwrite(keys.map((each) => ({ key: each, content: numbered(7) })));
    const updates = keys.map(
      (each, i): Mutation => ({ op: 'update', key: each, version: versions[i]!, content: numbered(1) }),
    );
    expect(new Set(await statuses(store.commit(updates)))).toEqual(new Set(['conflict']));
    expect(new Set(await statuses(store.commitTogether(updates.map((each) => [each]))))).toEqual(new Set(['conflict']));
  });

  it('two who commit the same records at once share the wins between them, and no record is won twice', async () => {
    const { keys, versions } = await seed('Raced', 120);
    const updates = (n: number) =>
      keys.map((each, i): Mutation => ({ op: 'update', key: each, version: versions[i]!, content: numbered(n) }));
    const [a, b] = await Promise.all([store.commit(updates(1)), rival.commit([...updates(2)].reverse())]);
    b.slice()
      .reverse()
      .forEach((theirs, i) => {
        const won = [a[i]!, theirs].filter(({ status }) => status === 'applied');
        expect(won.length).toBeLessThanOrEqual(1);
      });
    const now = await store.read(keys);
    now.forEach((entity, i) => {
      const mine = a[i]!.status === 'applied';
      const theirs = b[keys.length - 1 - i]!.status === 'applied';
      if (mine || theirs) expect(numberOf(entity)).toBe(mine ? 1 : 2);
    });
  });

  it('a commit that is larger than a request may be is sent in parts', async () => {
    const large = contentOf({ text: { ...string('x'.repeat(900_000)), unindexed: true } });
    const inserts = keysOf('Large', 9).map((each): Mutation => ({ op: 'insert', key: each, content: large }));
    expect(new Set(await statuses(store.commit(inserts)))).toEqual(new Set(['applied']));
    const moves = await Promise.all(
      keysOf('Large', 9).map(async (each): Promise<Mutation[]> => {
        const [{ version }] = [(await store.read([each]))[0]!];
        return [
          { op: 'insert', key: key('User', 'x', 'Large', each.id as bigint), content: large },
          { op: 'delete', key: each, version },
        ];
      }),
    );
    expect(new Set(await statuses(store.commitTogether(moves)))).toEqual(new Set(['applied']));
  });

  it('two units of one call that write the same entity: one wins', async () => {
    const version = await insert(store, key('Twice', 1), numbered(0));
    const unit = (n: number): Mutation[] => [{ op: 'update', key: key('Twice', 1), version, content: numbered(n) }];
    expect((await statuses(store.commitTogether([unit(1), unit(2)]))).sort()).toEqual(['applied', 'conflict']);
  });
});
