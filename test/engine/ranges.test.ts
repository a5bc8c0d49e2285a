import { expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { systemClock } from '../../src/clock.ts';
import { entity } from '../../src/define/entity.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { list } from '../../src/engine/documents.ts';
import { Worker } from '../../src/engine/worker.ts';
import { LIMITS } from '../../src/limits.ts';
import { Content } from '../../src/record/content.ts';
import { key } from '../../src/record/key.ts';
import { memoryStore } from '../../src/store/memory.ts';

const NOTHING = Content.of(new Map());

/** How many ranges the first sweep has at each old home, where each has so many records. */
async function rangesOf(rules: number, records: number): Promise<number[]> {
  const kinds = Array.from({ length: rules }, (_, i) => `Kind${i}`);
  const migration = defineMigration({
    name: 'many',
    version: 1,
    records: kinds.map((kind) =>
      entity({ from: kind, into: `Root/${kind}`, to: (_, old) => key('Root', 1, kind, old.id) }),
    ),
  });
  const store = memoryStore();
  for (const kind of kinds) {
    const keys = Array.from({ length: records }, (_, i) => key(kind, i + 1));
    await store.overwrite(keys.map((each) => ({ key: each, content: NOTHING })));
  }
  const context = { store, migrations: [migration], clock: systemClock, by: 'ann' };
  const campaign = await commands.start(context, 'many');
  // The plan is all that is wanted: it stops before the first page.
  const stop = new AbortController();
  const scan: typeof store.scan = async (range, limit) => {
    if (kinds.includes(range.kind)) stop.abort();
    return store.scan(range, limit);
  };
  await new Worker({ ...context, store: { ...store, scan } }).step(campaign, stop.signal);
  const { value } = await list(store, 'sweep', campaign.id).next();
  const { ranges } = value!.value;
  return kinds.map(
    (_, rule) => ranges.filter((range: (typeof ranges)[number]) => range.rule === rule && range.home === 'S').length,
  );
}

it.each([
  [1, 3, 3],
  [1, 200, LIMITS.rangesPerHome],
  [1, 15_000, LIMITS.rangesPerHome],
  [1, 25_000, 25],
  [1, 70_000, LIMITS.rangesPerHomeMost],
])('%i kind of %i records is cut into %i ranges', async (rules, records, ranges) => {
  expect(await rangesOf(rules, records)).toEqual([ranges]);
});

it('many homes have fewer ranges each, so that their bounds fit into one document', async () => {
  expect(await rangesOf(8, 17_000)).toEqual(Array(8).fill(LIMITS.rangesPerSweep / 16));
});
