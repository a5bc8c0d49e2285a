import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { systemClock } from '../../src/clock.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { KINDS } from '../../src/engine/documents.ts';
import { quarantine, quarantineKey } from '../../src/engine/quarantine.ts';
import type { QuarantineDocument } from '../../src/engine/schemas.ts';
import { Worker } from '../../src/engine/worker.ts';
import { memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { content, feedsUnderUsers, newKey, oldKey, seed, world } from './harness.ts';

/** Reads of whether something is listed all end before the first of them is told. */
function together(store: Store, readers: number): Store {
  let arrived = 0;
  let open = () => {};
  const all = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    ...store,
    read: async (keys) => {
      const found = await store.read(keys);
      if (keys[0]?.path.at(-1)?.kind === KINDS.quarantine && ++arrived <= readers) {
        if (arrived === readers) open();
        await all;
      }
      return found;
    },
  };
}

describe('what a worker tells', () => {
  it('of a record that two lanes list at once is told by the one that listed it', async () => {
    const store = memoryStore();
    const at = quarantineKey('feeds.1', undefined, oldKey(1));
    const value: QuarantineDocument = {
      v: 1,
      campaign: 'feeds.1',
      rule: 0,
      key: 'Feed:1',
      code: 'target.occupied',
      message: '',
      at: 0,
      sweep: '1.1',
    };
    const campaign = { id: 'feeds.1', quarantines: true };
    const both = { store: together(store, 2), clock: systemClock };
    const lane = () => quarantine(both, campaign, [{ key: at, value }]);
    const told = await Promise.all([lane(), lane()]);
    expect(told.map(({ fresh }) => fresh.length).sort()).toEqual([0, 1]);
  });

  it('of a pause is told once, though all its lanes find the budget exceeded', async () => {
    const store = memoryStore();
    await seed(store, 2_000);
    const { records } = feedsUnderUsers;
    const migration = defineMigration({ name: 'feeds', version: 1, records: [...records], errorBudget: 2 });
    for (let n = 5; n < 2_000; n += 6) await store.overwrite([{ key: newKey(n), content: content({ alien: true }) }]);
    const w = world({ store, migration, clock: systemClock });
    await commands.start(w.context, 'feeds');
    const told: unknown[] = [];
    const paused = (...args: readonly unknown[]) => told.push(args);
    const stop = new AbortController();
    const worker = new Worker({ store, migrations: [migration], clock: systemClock, events: { paused } });
    const working = worker.run(stop.signal);
    while ((await commands.theCampaign(w.context, 'feeds')).run !== 'paused') await systemClock.sleep(5);
    stop.abort();
    await working;
    expect(told).toEqual([['feeds.1', 'more than 2 records are quarantined', { migration: 'feeds', command: 1 }]]);
  });
});
