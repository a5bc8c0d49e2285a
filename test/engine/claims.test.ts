import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { systemClock } from '../../src/clock.ts';
import { KINDS } from '../../src/engine/documents.ts';
import { Worker } from '../../src/engine/worker.ts';
import { pieceCount, piecesOf } from '../../src/store/bounds.ts';
import { MemoryData, memoryStore } from '../../src/store/memory.ts';
import type { Mutation, Outcome, Store } from '../../src/store/store.ts';
import { feedOf, feedsUnderUsers, oldKey, seed } from './harness.ts';

const RANGES = 64;
const WORKERS = 8;

it('workers that begin a sweep at one moment take ranges of their own, and do not chase each other through all of them', async () => {
  const data = new MemoryData();
  const count = { applied: 0, conflict: 0 };
  /** All calls of one moment are answered at the next one; homes are cut as large ones are. */
  const opened = (): Store => {
    const store = memoryStore({ data, fault: () => turn(undefined) });
    const noted = (mutations: readonly Mutation[], outcomes: readonly Outcome[]) => {
      const isFirst = mutations[0]!.key.kind === KINDS.range && mutations[0]!.op === 'insert';
      if (isFirst) count[outcomes[0]!.status === 'applied' ? 'applied' : 'conflict']++;
      return outcomes;
    };
    return {
      ...store,
      split: async (range) => {
        if (range.rootKind !== 'Feed') return [range];
        return piecesOf(
          range,
          Array.from({ length: pieceCount(RANGES, RANGES) - 1 }, (_, i) => oldKey((i + 1) * 10)),
        );
      },
      commit: async (mutations, guard) => noted(mutations, await store.commit(mutations, guard)),
    };
  };
  await seed(opened(), RANGES * 10, feedOf);
  const context = { store: opened(), migrations: [feedsUnderUsers], clock: systemClock, by: 'ann' };
  const campaign = await commands.start(context, 'feeds');
  const workers = Array.from({ length: WORKERS }, (_, i) => new Worker({ ...context, store: opened(), id: `w${i}` }));
  const stop = new AbortController();
  // The first sweep is enough.
  const all = workers.map((worker) => worker.step(campaign, stop.signal));
  while (count.applied < RANGES) await turn();
  stop.abort();
  await Promise.all(all);
  expect(count.conflict).toBeLessThan(RANGES);
});
