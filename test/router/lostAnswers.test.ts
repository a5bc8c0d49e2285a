import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/limits.ts';
import { Router } from '../../src/router/router.ts';
import { type Fault, MemoryData, memoryStore, type StoreCall } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { changingRule, handClock } from '../engine/harness.ts';
import { addressOf, lay, named } from './sides.ts';

type Interference = Fault | undefined | Promise<Fault | undefined>;

interface Interferences {
  readonly onCommit?: (nth: number, call: StoreCall) => Interference;
  /** Before each look of the client. */
  readonly onLook?: (nth: number) => Promise<unknown> | unknown;
}

/** A client that can be interfered with at each of its looks and commits, and another one that nothing happens to. */
function clients({ onCommit, onLook }: Interferences) {
  const data = new MemoryData();
  const clock = handClock();
  let commits = 0;
  let looks = 0;
  const fault = async (call: StoreCall): Promise<Fault | undefined> => {
    if (call.op === 'commit') commits++;
    else looks++;
    if (call.op === 'commit') return onCommit?.(commits, call);
    await onLook?.(looks);
    return undefined;
  };
  const router = new Router({ store: memoryStore({ data, fault }), rule: changingRule, clock });
  const store = memoryStore({ data });
  return { router, store, clock, other: new Router({ store, rule: changingRule, clock }), commits: () => commits };
}

const LOST: Fault = { kind: 'lost' };
const CRASH: Fault = { kind: 'crash', when: 'before' };
const NEVER_SENT: Fault = { kind: 'lost', applied: false };
const at = addressOf(1);
type AnyRouter = Router<{ name: string; visits: number; user: string }>;
const reads = (router: AnyRouter) => router.get(at).then((it) => it?.name);
const cannotTell = { code: 'store.unknown' };

describe('an insert', () => {
  it('whose announcement got no answer finds its own birth, and settles it', async () => {
    const { router, other, commits } = clients({ onCommit: (nth) => (nth === 1 ? LOST : undefined) });
    expect(await router.insert(at, named(1, 'A'))).toBe(true);
    expect(await reads(other)).toBe('A');
    expect(commits()).toBe(2);
  });

  it('whose settling got no answer was made: its nonce says so', async () => {
    const { router, other, commits } = clients({ onCommit: (nth) => (nth === 2 ? LOST : undefined) });
    expect(await router.insert(at, named(1, 'A'))).toBe(true);
    expect(await reads(other)).toBe('A');
    expect(commits()).toBe(2);
  });

  it('whose settling never reached the store is settled once more: the birth still stands', async () => {
    const { router, other, commits } = clients({ onCommit: (nth) => (nth === 2 ? NEVER_SENT : undefined) });
    expect(await router.insert(at, named(1, 'A'))).toBe(true);
    expect(await reads(other)).toBe('A');
    expect(commits()).toBe(3);
  });

  it('that was made and written over before its process could look cannot be told any more', async () => {
    const { router, other } = clients({
      onCommit: (nth) => (nth === 2 ? LOST : undefined),
      onLook: (nth) => nth === 3 && other.put(at, named(1, 'B')),
    });
    await expect(router.insert(at, named(1, 'A'))).rejects.toMatchObject({ ...cannotTell, facts: { exists: true } });
    expect(await reads(other)).toBe('B');
  });

  it('that was made and deleted before its process could look is not made again', async () => {
    const { router, other } = clients({
      onCommit: (nth) => (nth === 2 ? LOST : undefined),
      onLook: (nth) => nth === 3 && other.delete(at),
    });
    await expect(router.insert(at, named(1, 'A'))).rejects.toMatchObject({ ...cannotTell, facts: { exists: false } });
    expect(await reads(other)).toBeUndefined();
  });

  it('that stalls before its announcement loses to a record that was born and moved on meanwhile', async () => {
    const { router, store, other } = clients({
      onCommit: async (nth) => {
        if (nth === 1) await lay(store, '-O', 1);
        return undefined;
      },
    });
    expect(await router.insert(at, named(1, 'A'))).toBe(false);
    expect(await reads(other)).toBe('GOOD');
    expect((await store.read([at.from]))[0]).toBeUndefined();
  });

  it('that was withdrawn by an impatient one begins again, and only one of the two is made', async () => {
    const { router, other, clock } = clients({
      onLook: async (nth) => {
        if (nth !== 2) return;
        clock.advance(LIMITS.birthMs);
        expect(await other.insert(at, named(1, 'B'))).toBe(true);
      },
    });
    expect(await router.insert(at, named(1, 'A'))).toBe(false);
    expect(await reads(other)).toBe('B');
  });

  it('waits for another one that is under way, and withdraws one whose process died', async () => {
    const { router, store, other, clock } = clients({});
    const dying = memoryStore({ data: store.data, fault: ({ index }) => (index === 3 ? CRASH : undefined) });
    const dead = new Router({ store: dying, rule: changingRule, clock });
    await expect(dead.insert(at, named(1, 'DEAD'))).rejects.toThrow('crashes');
    expect(await reads(other)).toBeUndefined();
    const before = clock.now();
    expect(await router.insert(at, named(1, 'A'))).toBe(true);
    expect(clock.now() - before).toBeGreaterThanOrEqual(LIMITS.birthMs);
    expect(await reads(other)).toBe('A');
  });
});

describe('a delete', () => {
  it('that never reached the store is sent once more: the version it names still stands', async () => {
    const { router, store, other, commits } = clients({ onCommit: (nth) => (nth === 1 ? NEVER_SENT : undefined) });
    await lay(store, 'O-', 1);
    expect(await router.delete(at)).toBe(true);
    expect(await reads(other)).toBeUndefined();
    expect(commits()).toBe(2);
  });

  it('that left a tombstone is told by its nonce', async () => {
    const { router, store, commits } = clients({ onCommit: (nth) => (nth === 1 ? LOST : undefined) });
    await lay(store, 'CO', 1);
    expect(await router.delete(at)).toBe(true);
    expect(commits()).toBe(1);
  });

  it('that left nothing cannot be told from somebody else’s; but that the record is gone can', async () => {
    const { router, store } = clients({ onCommit: (nth) => (nth === 1 ? LOST : undefined) });
    await lay(store, 'O-', 1);
    await expect(router.delete(at)).rejects.toMatchObject({ ...cannotTell, facts: { exists: false } });
  });

  it('is not tried on a record that was inserted since', async () => {
    const { router, store, other } = clients({
      onCommit: (nth) => (nth === 1 ? LOST : undefined),
      onLook: (nth) => nth === 2 && other.insert(at, named(1, 'ANOTHER')),
    });
    await lay(store, 'O-', 1);
    await expect(router.delete(at)).rejects.toMatchObject({ ...cannotTell, facts: { exists: true } });
    expect(await reads(other)).toBe('ANOTHER');
  });

  it('leaves a tombstone at the old home where the new one is frozen, however late it comes', async () => {
    const { router, store, other } = clients({
      onCommit: async (nth) => {
        if (nth === 1) await lay(store, 'OC', 1);
        return undefined;
      },
    });
    await lay(store, 'O-', 1);
    expect(await router.delete(at)).toBe(true);
    expect(await reads(other)).toBeUndefined();
  });
});

describe('an update', () => {
  it('is not made twice: its commit lands late, another follows, and nobody can tell', async () => {
    let landLate = async () => {};
    const { router, store, other } = clients({
      onCommit: (nth, { mutations }) => {
        if (nth !== 1) return undefined;
        landLate = async () => void (await store.commit(mutations));
        return NEVER_SENT;
      },
      onLook: async (nth) => {
        if (nth !== 2) return;
        await landLate();
        await other.update(at, (it) => ({ ...it, name: 'B' }));
      },
    });
    await lay(store, 'O-', 1);
    await expect(router.update(at, (it) => ({ ...it, visits: it.visits + 1 }))).rejects.toMatchObject(cannotTell);
    expect(await other.get(at)).toEqual({ ...named(1, 'B'), visits: 1 });
  });

  it('of which both the first sending and the second arrive is made once', async () => {
    const { router, store, other } = clients({ onCommit: (nth) => (nth <= 3 ? NEVER_SENT : undefined) });
    await lay(store, 'CO', 1);
    const changes: number[] = [];
    const written = await router.update(at, (it) => {
      changes.push(it.visits);
      return { ...it, visits: it.visits + 1 };
    });
    expect(written?.visits).toBe(1);
    expect(changes).toEqual([0]);
    expect((await other.get(at))?.visits).toBe(1);
  });

  it('of which no sending is ever answered says that nobody can tell', async () => {
    const { router, store } = clients({ onCommit: () => NEVER_SENT });
    await lay(store, 'O-', 1);
    await expect(router.update(at, (it) => it)).rejects.toMatchObject(cannotTell);
  });

  it('that meets another writer each time gives up, and has done nothing', async () => {
    const { router, store, other } = clients({ onCommit: () => ({ kind: 'conflict', index: 0 }) });
    await lay(store, 'O-', 1);
    await expect(router.update(at, (it) => ({ ...it, name: 'B' }))).rejects.toMatchObject({ code: 'record.contended' });
    expect(await reads(other)).toBe('GOOD');
  });
});

describe('nothing lands late', () => {
  const STALLED = LIMITS.actWithinMs + 1;

  it.each([
    ['a missing copy is not given back', 'C-', (router: AnyRouter) => router.update(at, (it) => it), 2],
    ['a tombstone is not left', 'CO', (router: AnyRouter) => router.delete(at), 1],
    ['an insert is not announced', '--', (router: AnyRouter) => router.insert(at, named(1, 'A')), 2],
  ])('%s on a look that is older than the limit: it is looked at again', async (_, pair, call, commits) => {
    let looks = 0;
    const client = clients({
      // Its answer comes late.
      onLook: (nth) => {
        looks = nth;
        if (nth === 1) client.clock.advance(STALLED);
        if (nth === 2) expect(client.commits()).toBe(0);
      },
    });
    await lay(client.store, pair, 1);
    await call(client.router);
    expect(looks).toBeGreaterThan(1);
    expect(client.commits()).toBe(commits);
  });

  it('a delete that is sent again leaves no tombstone where the frozen side has gone meanwhile', async () => {
    const { router, store, other } = clients({
      onCommit: (nth) => (nth === 1 ? NEVER_SENT : undefined),
      onLook: async (nth) => {
        if (nth !== 2) return;
        const [S] = await store.read([at.from]);
        await store.commit([{ op: 'delete', key: at.from, version: S!.version }]);
      },
    });
    await lay(store, 'CO', 1);
    expect(await router.delete(at)).toBe(true);
    expect(await reads(other)).toBeUndefined();
    expect(await store.read([at.from, at.into])).toEqual([undefined, undefined]);
  });
});

describe('without snapshots two reads are of two moments', () => {
  /**
   * The record becomes another pair during the first look: at a glance, when the new home has been read and before the
   * old home is; else when the old home has been read.
   */
  function tornOnce(before: string, after: string) {
    const store = memoryStore({ capabilities: { atomic: 'entity', snapshotReads: false } });
    let torn = false;
    const read: Store['read'] = async (keys) => {
      if (torn) return store.read(keys);
      torn = true;
      await lay(store, before, 1);
      if (keys.length === 1) {
        const found = await store.read(keys);
        await lay(store, after, 1);
        return found;
      }
      const [T] = await store.read([at.into]);
      await lay(store, after, 1);
      const [S] = await store.read([at.from]);
      return [S, T];
    };
    return new Router({ store: { ...store, read }, rule: changingRule, clock: handClock() });
  }

  it('a delete that saw the new home before it froze leaves a tombstone all the same', async () => {
    const router = tornOnce('OH', 'OC');
    expect(await router.delete(at)).toBe(true);
    expect(await reads(router)).toBeUndefined();
  });

  it('a read that saw neither owner looks closer', async () => {
    expect(await reads(tornOnce('OH', 'CO'))).toBe('GOOD');
    expect(await reads(tornOnce('O-', '-O'))).toBe('GOOD');
  });

  it('a read that saw two owners looks closer', async () => {
    expect(await reads(tornOnce('CO', 'OC'))).toBe('GOOD');
  });

  it('an insert that saw nothing looks closer', async () => {
    expect(await tornOnce('O-', '-O').insert(at, named(1, 'A'))).toBe(false);
  });

  it('a put that saw nothing looks closer, and writes over what is there', async () => {
    const router = tornOnce('O-', '-O');
    await router.put(at, named(1, 'A'));
    expect(await reads(router)).toBe('A');
    expect(await router.delete(at)).toBe(true);
    expect(await reads(router)).toBeUndefined();
  });
});
