import { expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { Worker } from '../../src/engine/worker.ts';
import { LIMITS } from '../../src/limits.ts';
import { piecesOf } from '../../src/store/bounds.ts';
import { MemoryData, memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { feedOf, feedsUnderUsers, oldKey, seed, timedClock } from './harness.ts';

const RANGES = LIMITS.rangesPerHomeMost;
/** Few to a range: what takes time here is calls, and a page of ten is as many of them as one of 500. */
const RECORDS = RANGES * 10;
const LATENCY_MS = 100;

/** Milliseconds from the first move to the last, by a clock on which nothing takes time but the store's calls. */
async function movingMs(workers: number): Promise<number> {
  const clock = timedClock();
  const data = new MemoryData();
  const opened = (): Store => {
    const fault = async () => {
      await clock.sleep(LATENCY_MS);
      return undefined;
    };
    const store = memoryStore({ data, fault, capabilities: { atomic: 'any' } });
    // Cut as a home of a quarter of a million records is.
    const cuts = Array.from({ length: RANGES - 1 }, (_, i) => oldKey(((i + 1) * RECORDS) / RANGES));
    return { ...store, split: async (range) => (range.rootKind === 'Feed' ? piecesOf(range, cuts) : [range]) };
  };
  await seed(memoryStore({ data }), RECORDS, feedOf);
  const context = { store: memoryStore({ data }), migrations: [feedsUnderUsers], clock, by: 'ann' };
  const campaign = await commands.start(context, 'feeds', { to: 'switched' });
  const stop = new AbortController();
  let [moved, first, last] = [0, Number.POSITIVE_INFINITY, 0];
  const onMoved = (_: string, __: string, count: number) => {
    first = Math.min(first, clock.now());
    last = clock.now();
    moved += count;
    if (moved === RECORDS) stop.abort();
  };
  const all = Array.from({ length: workers }, (_, i) =>
    new Worker({ ...context, store: opened(), id: `w${i}`, events: { moved: onMoved } }).step(campaign, stop.signal),
  );
  await clock.run(Promise.all(all));
  expect(moved).toBe(RECORDS);
  return last - first;
}

it('workers share the ranges of a large home so that eight of them are nearly eight times as fast as one', async () => {
  const one = await movingMs(1);
  for (const workers of [2, 4, 8]) expect(one / (await movingMs(workers))).toBeGreaterThan(0.9 * workers);
});
