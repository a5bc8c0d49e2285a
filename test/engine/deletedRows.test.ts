import { expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { Worker } from '../../src/engine/worker.ts';
import { LIMITS } from '../../src/limits.ts';
import type { Key } from '../../src/record/key.ts';
import { boundsOf } from '../../src/store/bounds.ts';
import { Crash, type Fault, memoryStore } from '../../src/store/memory.ts';
import type { KeyRange, Mutation, Store } from '../../src/store/store.ts';
import { rest, seed, timedClock, world } from './harness.ts';

const N = 640;
const PAGE = 10;
/** At this pace a page has ten records, and a range four pages. */
const CEILING = (PAGE * LIMITS.lanes * 1000) / LIMITS.pacePageMs;

/**
 * A store that keeps a mark where a row was deleted, as some do for an hour, and counts the marks that scans pass over
 * on their way from where they begin to their last row.
 */
function marking(inner: Store, { begin = (range: KeyRange) => range, marks = [] as Key[] } = {}) {
  const passed = { first: 0, later: 0 };
  let sweep: 'first' | 'later' = 'first';
  const pass = (asked: KeyRange, last?: Key) => {
    const { start, exclusiveStart, end, inclusiveEnd } = boundsOf(begin(asked))!;
    const to = last?.bytes ?? end;
    for (const { bytes } of marks) {
      const low = bytes.compare(start);
      const high = bytes.compare(to);
      if ((exclusiveStart ? low > 0 : low >= 0) && (last || inclusiveEnd ? high <= 0 : high < 0)) passed[sweep]++;
    }
  };
  const note = (mutations: readonly Mutation[]) => {
    for (const { op, key } of mutations) if (op === 'delete' && key.kind === 'Feed') marks.push(key);
  };
  const store: Store = {
    ...inner,
    scan: async (range, limit) => {
      const page = await inner.scan(range, limit);
      pass(range, page.more ? page.entities.at(-1)!.key : undefined);
      return page;
    },
    split: async (range, n) => {
      if (marks.length > 0) sweep = 'later';
      pass(range);
      return inner.split(range, n);
    },
    commit: async (mutations, guard) => {
      note(mutations);
      return inner.commit(mutations, guard);
    },
    commitTogether: async (units, guard) => {
      note(units.flat());
      return inner.commitTogether(units, guard);
    },
  };
  return { store, passed };
}

const settle = async (store: Store) => {
  const clock = timedClock();
  const w = world({ store, clock });
  await seed(store, N);
  await commands.start(w.context, 'feeds', { to: 'completed', ceiling: CEILING });
  expect(await clock.run(rest(w))).toMatchObject({ stage: 'completed', closed: true });
};

for (const atomic of ['any', 'group'] as const) {
  it(`a sweep that empties a home passes over none of what it deleted, and the next ones once each, atomic: ${atomic}`, async () => {
    const { store, passed } = marking(memoryStore({ capabilities: { atomic } }));
    await settle(store);
    expect(passed.first).toBe(0);
    // To plan a sweep, and to make it.
    expect(passed.later).toBeGreaterThan(0);
    expect(passed.later).toBeLessThanOrEqual(2 * 2 * N);
  });
}

it('one that begins each page at the start of its home would pass over the more, the emptier the home is', async () => {
  const fromTheStart = ({ after: _, ...range }: KeyRange): KeyRange => range;
  const { store, passed } = marking(memoryStore(), { begin: fromTheStart });
  await settle(store);
  expect(passed.first).toBeGreaterThan(10 * N);
});

it('a worker that takes over from one that died begins behind what that one had deleted', async () => {
  const clock = timedClock();
  const { data } = memoryStore();
  const w = world({ store: memoryStore({ data }), clock });
  await seed(w.store, N);
  const campaign = await commands.start(w.context, 'feeds', { to: 'completed', ceiling: CEILING });
  const marks: Key[] = [];
  const crash: Fault = { kind: 'crash', when: 'after' };
  const dying = marking(memoryStore({ data, fault: () => (marks.length > N / 2 ? crash : undefined) }), { marks });
  const worker = new Worker({ store: dying.store, migrations: [w.migration], clock, id: 'w2' });
  await expect(clock.run(worker.step(campaign, new AbortController().signal))).rejects.toThrow(Crash);
  const heir = marking(memoryStore({ data }), { marks });
  await clock.pass(LIMITS.longestClaimMs);
  const { context, migration } = w;
  expect(await clock.run(rest(world({ store: heir.store, migration, clock })))).toMatchObject({ closed: true });
  expect((await commands.theCampaign(context, 'feeds')).closed).toBe(true);
  // A checkpoint is a page behind at most, and travels with the next one.
  expect(heir.passed.first).toBeGreaterThan(0);
  expect(heir.passed.first).toBeLessThanOrEqual(LIMITS.lanes * 2 * PAGE);
});
