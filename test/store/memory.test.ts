import { describe, expect, it } from 'vitest';
import { key } from '../../src/record/key.ts';
import { Crash, type Fault, MemoryData, memoryStore, type StoreCall } from '../../src/store/memory.ts';
import { insert, numbered, numberOf, readOne, statuses, texts } from './contract/steps.ts';
import { storeContract } from './contract.ts';

const opens = (atomic: 'group' | 'any' | 'entity') => async () => {
  const data = new MemoryData();
  let store = memoryStore({ data, capabilities: { atomic } });
  return {
    store,
    reopen: async () => {
      await store.close();
      store = memoryStore({ data, capabilities: { atomic } });
      return store;
    },
    cleanup: () => store.close(),
  };
};

storeContract('memory', opens('group'));
storeContract('memory, atomic over anything', opens('any'));

const FEED = key('Feed', 1);
const INSERT = { op: 'insert', key: FEED, content: numbered(1) } as const;

/** Lets one fault happen to the calls of one kind. */
function faulty(data: MemoryData, op: StoreCall['op'], fault: Fault) {
  return memoryStore({ data, fault: (call) => (call.op === op ? fault : undefined) });
}

describe('memory: faults', () => {
  it('several stores see one data set', async () => {
    const data = new MemoryData();
    await insert(memoryStore({ data }), FEED, numbered(4));
    expect(numberOf(await readOne(memoryStore({ data }), FEED))).toBe(4);
  });

  it('the hook is told of every call in order, with its keys and mutations', async () => {
    const calls: string[] = [];
    const store = memoryStore({
      fault: ({ op, index, keys, mutations }) => {
        calls.push(`${index} ${op} ${keys.join()} ${mutations.length}`);
        return undefined;
      },
    });
    await store.commit([INSERT]);
    await store.read([FEED]);
    await store.scan({ namespace: '', kind: 'Feed' }, 1);
    expect(calls).toEqual(['0 commit Feed:1 1', '1 read Feed:1 0', '2 scan  0']);
  });

  it('a hook that is slow to answer decides which of two calls comes first', async () => {
    const data = new MemoryData();
    let release = () => {};
    const held = new Promise<undefined>((resolve) => {
      release = () => resolve(undefined);
    });
    const slow = memoryStore({ data, fault: () => held }).commit([INSERT]);
    expect(await statuses(memoryStore({ data }).commit([INSERT]))).toEqual(['applied']);
    release();
    expect(await statuses(slow)).toEqual(['conflict']);
  });

  it.each([
    ['before', false],
    ['after', true],
  ] as const)(
    'a crash %s a commit: applied %s, and no later call of that store gets through',
    async (when, applied) => {
      const data = new MemoryData();
      const store = faulty(data, 'commit', { kind: 'crash', when });
      await expect(store.commit([INSERT])).rejects.toThrow(Crash);
      expect(data.get(FEED) !== undefined).toBe(applied);
      await expect(store.read([FEED])).rejects.toThrow(Crash);
      expect(await memoryStore({ data }).read([FEED])).toHaveLength(1);
    },
  );

  it('a lost answer is unknown for every mutation, applied or not', async () => {
    for (const applied of [true, false]) {
      const data = new MemoryData();
      const store = faulty(data, 'commit', { kind: 'lost', applied });
      const both = [INSERT, { ...INSERT, key: key('Feed', 2) }];
      expect(await statuses(store.commit(both))).toEqual(['unknown', 'unknown']);
      expect(data.size).toBe(applied ? 2 : 0);
    }
    const units = faulty(new MemoryData(), 'commitTogether', { kind: 'lost' });
    expect(await statuses(units.commitTogether([[INSERT]]))).toEqual(['unknown']);
    expect(units.data.size).toBe(1);
  });

  it('a lost answer to a read is an error, not an empty answer', async () => {
    const store = faulty(new MemoryData(), 'read', { kind: 'lost' });
    await expect(store.read([FEED])).rejects.toMatchObject({ code: 'store.unknown' });
  });

  it('a stale scan sees the data as it was some writes ago', async () => {
    const data = new MemoryData();
    const now = memoryStore({ data });
    const version = await insert(now, FEED, numbered(1));
    await insert(now, key('Feed', 2));
    await now.commit([{ op: 'update', key: FEED, version, content: numbered(2) }]);
    await now.overwrite([], [key('Feed', 2)]);
    const range = { namespace: '', kind: 'Feed' };
    const at = async (writes: number) => {
      const { entities } = await faulty(data, 'scan', { kind: 'stale', writes }).scan(range, 9);
      return [texts(entities), numberOf(entities[0])];
    };
    expect(await at(0)).toEqual([['Feed:1'], 2]);
    expect(await at(1)).toEqual([['Feed:1', 'Feed:2'], 2]);
    expect(await at(2)).toEqual([['Feed:1', 'Feed:2'], 1]);
    expect(await at(4)).toEqual([[], undefined]);
    expect(await at(99)).toEqual([[], undefined]);
  });

  it('a mutation can lose although its version was right, and the others do not', async () => {
    const store = faulty(new MemoryData(), 'commit', { kind: 'conflict', index: 1 });
    const three = [1, 2, 3].map((id) => ({ ...INSERT, key: key('Feed', id) }));
    expect(await statuses(store.commit(three))).toEqual(['applied', 'conflict', 'applied']);
    expect(store.data.get(key('Feed', 2))).toBeUndefined();
  });

  it('a key that is in one commit twice is the caller’s fault', async () => {
    await expect(memoryStore().commit([INSERT, INSERT])).rejects.toThrow(RangeError);
  });

  it('without snapshot reads there is no reading together', async () => {
    const store = memoryStore({ capabilities: { snapshotReads: false } });
    await expect(store.readTogether([FEED])).rejects.toThrow(RangeError);
  });

  it('with atomic "entity" a unit of two is refused', async () => {
    const store = memoryStore({ capabilities: { atomic: 'entity' } });
    const child = { ...INSERT, key: key('Feed', 1, 'Item', 1) };
    await expect(store.commitTogether([[INSERT, child]])).rejects.toThrow(RangeError);
    expect(await statuses(store.commitTogether([[INSERT], [child]]))).toEqual(['applied', 'applied']);
  });
});
