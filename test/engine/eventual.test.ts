import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { Worker } from '../../src/engine/worker.ts';
import { LIMITS } from '../../src/limits.ts';
import { MemoryData, memoryStore } from '../../src/store/memory.ts';
import { all, content, feedOf, oldKey, rest, seed, verified, world } from './harness.ts';

const N = 40;

/** Scans show the data as it was some writes ago, less and less so, for as many scans as are named. */
function lagging(data: MemoryData, scans: number) {
  let left = scans;
  const store = memoryStore({
    data,
    capabilities: { scans: 'eventual' },
    fault: ({ op }) => (op === 'scan' && left-- > 0 ? { kind: 'stale', writes: N } : undefined),
  });
  return world({ store });
}

describe('where scans may lag behind', () => {
  it('records that the first sweeps do not see are moved all the same, before the campaign settles', async () => {
    const data = new MemoryData();
    await seed(memoryStore({ data }), N);
    // Each of the first scans sees nothing of what was seeded.
    const w = lagging(data, 25);
    await commands.start(w.context, 'feeds', { to: 'completed' });
    expect(await rest(w)).toMatchObject({ stage: 'completed', closed: true });
    expect((await all(w.store, 'Feed')).size).toBe(0);
    expect(await verified(w)).toMatchObject({ clean: true, started: N, completed: N });
  });

  it('a campaign settles after several clean sweeps in a row, and one that finds something begins them anew', async () => {
    const data = new MemoryData();
    await seed(memoryStore({ data }), N);
    const sound = memoryStore({ data });
    const w = lagging(data, 0);
    const clean: boolean[] = [];
    let late = true;
    const swept = async ({ lastSweep }: commands.Campaign) => {
      clean.push(lastSweep!.clean);
      if (!lastSweep!.clean || !late) return;
      // As if no scan so far had shown it.
      late = false;
      await sound.commit([{ op: 'insert', key: oldKey(N + 1), content: content(feedOf(N + 1)) }]);
    };
    await commands.start(w.context, 'feeds', { to: 'completed' });
    await rest({ ...w, worker: new Worker({ ...w.context, events: { swept } }) });
    expect(clean).toEqual([false, true, false, ...Array(LIMITS.eventualSweeps).fill(true)]);
    expect((await all(w.store, 'Feed', 'User')).size).toBe(N + 1);
  });
});
