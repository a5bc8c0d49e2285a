import { Crash, type Fault, type StoreCall } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';

/** mulberry32: a small generator whose whole state is its seed. */
export function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Delays each call by chance, and now and then loses its answer or ends its process. */
export function mortal(random: () => number, share: number, isOver: () => boolean, told = (_: StoreCall) => {}) {
  return async (call: StoreCall): Promise<Fault | undefined> => {
    told(call);
    for (let n = Math.floor(random() * 6); n > 0; n--) await tick();
    if (isOver() || random() >= share) return undefined;
    return random() < 0.3
      ? { kind: 'crash', when: random() < 0.5 ? 'before' : 'after' }
      : { kind: 'lost', applied: random() < 0.5 };
  };
}

/** A store some of whose commits are answered `unknown` at once and land later, in the middle of whatever comes then. */
export function late(inner: Store, random: () => number, share: number) {
  const landing = new Set<Promise<void>>();
  const land = async (run: () => Promise<unknown>, ticks: number) => {
    for (let n = ticks; n > 0; n--) await tick();
    await run().catch((error: unknown) => {
      if (!(error instanceof Crash)) throw error;
    });
  };
  const sendOff = (run: () => Promise<unknown>, count: number) => {
    landing.add(land(run, Math.floor(random() ** 2 * 60)));
    return Array.from({ length: count }, () => ({ status: 'unknown', cause: 'on its way still' }) as const);
  };
  const store: Store = {
    ...inner,
    commit: async (...call) => {
      if (random() >= share) return inner.commit(...call);
      return sendOff(() => inner.commit(...call), call[0].length);
    },
    commitTogether: async (...call) => {
      if (random() >= share) return inner.commitTogether(...call);
      return sendOff(() => inner.commitTogether(...call), call[0].length);
    },
  };
  return { store, landed: () => Promise.all(landing) };
}

/** A store that reads several keys at moments of their own, in any order, as one without snapshots may. */
export function torn(inner: Store, random: () => number): Store {
  if (inner.capabilities.snapshotReads) return inner;
  return {
    ...inner,
    read: (keys) =>
      Promise.all(
        keys.map(async (key) => {
          for (let n = Math.floor(random() * 4); n > 0; n--) await tick();
          return (await inner.read([key]))[0];
        }),
      ),
  };
}
