import { expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { systemClock } from '../../src/clock.ts';
import { entity } from '../../src/define/entity.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { list } from '../../src/engine/documents.ts';
import type { SweepDocument } from '../../src/engine/schemas.ts';
import { Worker } from '../../src/engine/worker.ts';
import { LIMITS } from '../../src/limits.ts';
import { key } from '../../src/record/key.ts';
import { pieceCount, piecesOf } from '../../src/store/bounds.ts';
import { memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { feedOf, feedsUnderUsers, seed, timedClock } from './harness.ts';

/** How many ranges a sweep has at each old home, where the store says that each home holds so many records. */
async function rangesOf(rules: number, records: number): Promise<number[]> {
  const kinds = Array.from({ length: rules }, (_, i) => `Kind${i}`);
  const rule = (kind: string) =>
    entity({ from: kind, into: `Root/${kind}`, to: (_, old) => key('Root', 1, kind, old.id) });
  const migration = defineMigration({ name: 'many', version: 1, records: kinds.map(rule) });
  const split: Store['split'] = async (range, n, finer) => {
    const cuts = Array.from({ length: pieceCount(records, n, finer) - 1 }, (_, i) => key(range.kind, i + 1));
    return piecesOf(range, cuts);
  };
  const store: Store = { ...memoryStore(), split };
  const context = { store, migrations: [migration], clock: systemClock, by: 'ann' };
  const campaign = await commands.start(context, 'many', { to: 'completed' });
  const stop = new AbortController();
  // The plan is all that is wanted.
  const worker = new Worker({ ...context, events: { paged: () => stop.abort() } });
  await worker.step(campaign, stop.signal);
  const planned: SweepDocument[] = [];
  for await (const { value } of list(store, 'sweep', campaign.id)) planned.push(value);
  const { ranges } = planned[0]!;
  return kinds.map((_, i) => ranges.filter(({ rule, home }) => rule === i && home === 'S').length);
}

it.each([
  [0, 1],
  [3, 3],
  [200, LIMITS.rangesPerHome],
  [67_000, LIMITS.rangesPerHome],
  [81_000, 20],
  [1e12, LIMITS.rangesPerHomeMost],
])('a home of %i records is cut into %i ranges', async (records, ranges) => {
  expect(await rangesOf(1, records)).toEqual([ranges]);
});

it.each([
  [2, LIMITS.rangesPerHomeMost],
  [4, 32],
  [8, 16],
  [12, 10],
  [200, 1],
])(
  'of %i large homes on either side each is cut into %i, so that their bounds fit into one document',
  async (rules, ranges) => {
    expect(await rangesOf(rules, 1e12)).toEqual(Array(rules).fill(ranges));
  },
);

it('a store whose homes take long to be cut is cut once, although a look is not acted on for that long', async () => {
  const clock = timedClock();
  const store = memoryStore({ capabilities: { guards: false } });
  await seed(store, 3, feedOf);
  const stop = new AbortController();
  let splits = 0;
  const split: Store['split'] = async (...asked) => {
    if (++splits > 2) stop.abort();
    await clock.sleep(LIMITS.actWithinMs);
    return store.split(...asked);
  };
  const context = { store: { ...store, split }, migrations: [feedsUnderUsers], clock, by: 'ann' };
  const campaign = await commands.start(context, 'feeds', { to: 'completed' });
  const worker = new Worker({ ...context, events: { paged: () => stop.abort() } });
  await clock.run(worker.step(campaign, stop.signal));
  expect(splits).toBe(2);
});
