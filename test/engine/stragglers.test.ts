import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { sweepName } from '../../src/engine/campaigns.ts';
import { Claim, Pulse } from '../../src/engine/claim.ts';
import { documentKey, load, save } from '../../src/engine/documents.ts';
import { progressOf, rangeKey } from '../../src/engine/ranges.ts';
import type { RangeDocument } from '../../src/engine/schemas.ts';
import { Worker } from '../../src/engine/worker.ts';
import { MemoryData, memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { content, feedOf, oldKey, seed, timedClock, verified, world } from './harness.ts';

const FEW = 32;
const MANY = 10_000;
const SECOND = 1_000;

/** Ranges that were cut when there were few records, and then so many come that one of them is longer than all others. */
async function skewed() {
  const clock = timedClock();
  const data = new MemoryData();
  const w = world({ clock, store: memoryStore({ data }) });
  const cuts = new Set<string>();
  const storeOf = (): Store => {
    const store = memoryStore({ data });
    const scan: Store['scan'] = async (range, limit) => {
      if (range.kind === 'Feed') await clock.sleep(SECOND);
      return store.scan(range, limit);
    };
    const commit: Store['commit'] = async (mutations, guard) => {
      for (const mutation of mutations) {
        const state = mutation.op === 'delete' ? undefined : mutation.content.properties.get('state');
        if (state?.type === 'string') for (const cut of JSON.parse(state.value).cuts ?? []) cuts.add(cut);
      }
      return store.commit(mutations, guard);
    };
    return { ...store, scan, commit };
  };
  await seed(w.store, FEW);
  await commands.start(w.context, 'feeds');
  const worker = (id: string) => new Worker({ store: storeOf(), migrations: [w.migration], clock, id });
  return { w, clock, worker, cuts };
}

describe('a range that is much longer than the others', () => {
  it('is cut when nothing else is left, and every record is counted once', async () => {
    const { w, clock, worker, cuts } = await skewed();
    const sweeps: { readonly seen?: number; readonly moved?: number; readonly doubtful?: number }[] = [];
    const abort = new AbortController();
    const first = worker('w1').run(abort.signal);
    // As soon as the sweep is planned.
    const sweep = () => load(w.store, 'sweep', documentKey('sweep', 'feeds.1', '000001.000001'));
    while (!(await sweep())) await clock.pass(10);
    await w.store.overwrite(
      Array.from({ length: MANY }, (_, i) => ({ key: oldKey(FEW + i + 1), content: content(feedOf(FEW + i + 1)) })),
    );
    const second = worker('w2').run(abort.signal);
    const look = () => commands.theCampaign(w.context, 'feeds');
    for (let s = 0; s < 120 && (await look()).settledAt === undefined; s++) {
      await clock.pass(SECOND);
      const { lastSweep } = await look();
      if (lastSweep && sweeps.length < lastSweep.sweep) sweeps.push(lastSweep.counts);
    }
    abort.abort();
    await clock.run(Promise.all([first, second]));
    expect(cuts.size).toBeGreaterThan(0);
    expect(sweeps[0]).toMatchObject({ seen: FEW + MANY, moved: FEW + MANY });
    for (const counts of sweeps) expect(counts.doubtful).toBeUndefined();
    expect(await verified(w)).toMatchObject({ clean: true, started: FEW + MANY });
  });
});

describe('who holds a range that is shortened', () => {
  const held = async () => {
    const clock = timedClock();
    const w = world({ clock });
    const campaign = await commands.start(w.context, 'feeds');
    const key = rangeKey(campaign, '000000');
    const lane = {
      name: 'w1.0',
      pulse: new Pulse(clock),
      pacer: { note: { limit: 'store' as const, perSecond: 1 }, shown: () => {} },
    };
    const value: RangeDocument = {
      v: 1,
      done: false,
      counts: {},
      claim: { by: 'w1.0', untilMs: clock.now() + SECOND },
    };
    const saved = await save<'range'>(w.store, key, value, undefined);
    if (saved.status !== 'applied') throw new Error(saved.status);
    const claim = new Claim(w.store, clock, { key, value, version: saved.version }, lane, sweepName(campaign));
    const change = async (by: (value: RangeDocument) => RangeDocument) => {
      const now = (await load(w.store, 'range', key))!;
      await save<'range'>(w.store, key, by(now.value), now.version);
    };
    const cut = (at: string) => change((now) => ({ ...now, cuts: [...(now.cuts ?? []), at] }));
    return { w, campaign, claim, change, cut, now: async () => (await load(w.store, 'range', key))!.value };
  };
  const page = (cursor: string, done = false) => ({ cursor, done, counts: { seen: 5 } });

  it('goes on with what is left, and its page counts', async () => {
    const { claim, cut, now } = await held();
    await cut('Feed:50');
    await cut('Feed:30');
    expect(await claim.checkpoint(page('Feed:10'), false)).toBe(true);
    expect(await claim.checkpoint(page('Feed:30', true), true)).toBe(true);
    expect(await claim.settled()).toBe(true);
    expect(claim.range.cuts).toEqual(['Feed:50', 'Feed:30']);
    expect(await now()).toMatchObject({ done: true, counts: { seen: 10 }, cuts: ['Feed:50', 'Feed:30'] });
  });

  it('counts nothing that lies behind the cut, and lets it go', async () => {
    const { claim, cut, now } = await held();
    await cut('Feed:30');
    await claim.checkpoint(page('Feed:40', true), true);
    expect(await claim.settled()).toBe(false);
    // Somebody takes it over, and the sweep is doubtful: what was moved there, nobody has counted.
    expect(await now()).toMatchObject({ done: false, counts: {}, claim: { by: 'w1.0' } });
  });

  it('counts no page that it had read before it saw the cut', async () => {
    const { claim, cut, now } = await held();
    await cut('Feed:30');
    await claim.checkpoint(page('Feed:10'), false);
    await claim.checkpoint(page('Feed:40', true), true);
    expect(await claim.settled()).toBe(false);
    expect(await now()).toMatchObject({ done: false, cursor: 'Feed:10', counts: { seen: 5 } });
  });

  it('has lost it when something else has happened to it, too', async () => {
    const { claim, cut, change, now } = await held();
    await change((value) => ({ ...value, claim: { by: 'w2.0', untilMs: value.claim!.untilMs } }));
    await cut('Feed:30');
    await claim.checkpoint(page('Feed:10'), false);
    expect(await claim.checkpoint(page('Feed:20'), false)).toBe(false);
    expect((await now()).counts).toEqual({});
  });

  it('has made two ranges of it, neither of which holds what the other does', async () => {
    const { w, campaign, cut } = await held();
    await cut('Feed:50');
    await cut('Feed:30');
    const plan = { rule: 0, home: 'S' as const, after: 'Feed:1', until: 'Feed:90' };
    const { ranges, done } = await progressOf(w.store, campaign, { v: 1, startedAt: 0, ranges: [plan] });
    expect(done).toBe(false);
    expect(ranges.map(({ name, plan: { after, until } }) => [name, after, until])).toEqual([
      ['000000', 'Feed:1', 'Feed:90'],
      ['000000.1', 'Feed:50', 'Feed:90'],
      ['000000.2', 'Feed:30', 'Feed:50'],
    ]);
  });
});
