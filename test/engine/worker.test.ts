import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { entity } from '../../src/define/entity.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { Worker, type WorkerEvents } from '../../src/engine/worker.ts';
import type { HandoverError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { key } from '../../src/record/key.ts';
import { type Fault, MemoryData, memoryStore, type StoreCall } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { content, type Feed, feedOf, feedsUnderUsers, handClock, rest, seed, timedClock, world } from './harness.ts';

const N = 40;

/** A worker whose store has faults, and the world around it, whose has none. */
function faulty(fault: (call: StoreCall) => Promise<Fault | undefined> | Fault | undefined) {
  const data = new MemoryData();
  const w = world({ store: memoryStore({ data }) });
  const faltered: HandoverError[] = [];
  const events: WorkerEvents = { faltered: (error) => faltered.push(error) };
  const store = memoryStore({ data, fault });
  const { clock, migration } = w;
  return { w, faltered, worker: new Worker({ store, migrations: [migration], clock, events, id: 'w2' }) };
}

describe('a worker to which the store does not always answer', () => {
  it('goes on with all its lanes', async () => {
    const lanes = new Set<string>();
    const { w, faltered, worker } = faulty(async ({ op, index, mutations }) => {
      await w.clock.sleep(1);
      for (const mutation of mutations) {
        const state = mutation.op === 'delete' ? undefined : mutation.content.properties.get('state');
        const by = state?.type === 'string' && JSON.parse(state.value).claim?.by;
        if (by) lanes.add(by);
      }
      // The first look of each lane but one.
      return op === 'read' && index > 0 && index < LIMITS.lanes ? { kind: 'lost' } : undefined;
    });
    await seed(w.store, N);
    const campaign = await commands.start(w.context, 'feeds');
    expect(await worker.step(campaign, new AbortController().signal)).toBe(true);
    expect(faltered.length).toBe(LIMITS.lanes - 1);
    expect([...lanes].sort()).toEqual(Array.from({ length: LIMITS.lanes }, (_, lane) => `w2.${lane}`));
  });

  it('does not ask again and again, without a pause, when it cannot plan a sweep', async () => {
    let calls = 0;
    const { w, faltered, worker } = faulty(({ op }) => {
      calls++;
      return op === 'commit' ? { kind: 'busy', why: 'exhausted' } : undefined;
    });
    await seed(w.store, N);
    const campaign = await commands.start(w.context, 'feeds');
    const began = w.clock.now();
    expect(await worker.step(campaign, new AbortController().signal)).toBe(false);
    expect(faltered.map(({ code }) => code)).toEqual(Array(LIMITS.lanes).fill('store.unknown'));
    // A look, a split of each home and a commit for each attempt.
    expect(calls).toBeLessThan(LIMITS.lanes * (LIMITS.controlAttempts * 4 + 5));
    expect(w.clock.now() - began).toBeGreaterThan(10_000);
  });

  it('plans a sweep once for all its lanes', async () => {
    let splits = 0;
    const { w, worker } = faulty(async ({ op }) => {
      await w.clock.sleep(1);
      if (op === 'split') splits++;
      return undefined;
    });
    await seed(w.store, N);
    const campaign = await commands.start(w.context, 'feeds');
    await worker.step(campaign, new AbortController().signal);
    const { lastSweep } = await commands.theCampaign(w.context, 'feeds');
    // Each sweep cuts both homes.
    expect(splits).toBe(2 * lastSweep!.sweep);
  });

  it('ends with all its lanes on what is no store’s doing', async () => {
    const { w } = faulty(() => undefined);
    await seed(w.store, N);
    const campaign = await commands.start(w.context, 'feeds');
    const broken = (): Store => {
      let scans = 0;
      return {
        ...w.store,
        scan: async (range, limit) => {
          if (range.kind === 'Feed' && ++scans === 1) throw new TypeError('a defect');
          return w.store.scan(range, limit);
        },
      };
    };
    const worker = () => new Worker({ store: broken(), migrations: [w.migration], clock: w.clock });
    const never = new AbortController().signal;
    await expect(worker().step(campaign, never)).rejects.toThrow('a defect');
    w.clock.sleep(LIMITS.claimMs);
    await expect(worker().run(never)).rejects.toThrow('a defect');
  });
});

describe('several campaigns', () => {
  it('one that is slow holds up no other', async () => {
    const rule = (from: string) =>
      entity<Feed>({
        from,
        into: `User/${from}`,
        to: (feed, old) => key('User', feed.user, from, old.id),
      });
    const migrations = ['Slow', 'Feed'].map((from) =>
      defineMigration({ name: from.toLowerCase(), version: 1, records: [rule(from)] }),
    );
    const clock = timedClock();
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const data = new MemoryData();
    const store = memoryStore({ data });
    const slow: Store = {
      ...store,
      scan: async (range, limit) => {
        if (range.kind === 'Slow') await gate;
        return store.scan(range, limit);
      },
    };
    const context = { store, migrations, clock, by: 'ann' };
    await seed(store, N);
    await store.overwrite([{ key: key('Slow', 1), content: content(feedOf(1)) }]);
    for (const { name } of migrations) await commands.start(context, name);
    const stop = new AbortController();
    const worker = new Worker({ store: slow, migrations, clock });
    const working = worker.run(stop.signal);
    const settled = async (name: string) => {
      for (let i = 0; i < 100; i++) {
        if ((await commands.theCampaign(context, name)).settledAt !== undefined) return true;
        await clock.sleep(100);
      }
      return false;
    };
    expect(await clock.run(settled('feed'))).toBe(true);
    expect((await commands.theCampaign(context, 'slow')).settledAt).toBeUndefined();
    open();
    expect(await clock.run(settled('slow'))).toBe(true);
    stop.abort();
    await clock.run(working);
  });

  it('a worker that runs leaves alone what is over, and looks at what rests only when it is due', async () => {
    const clock = handClock();
    const w = world({ clock });
    await seed(w.store, 3);
    await commands.start(w.context, 'feeds');
    await rest(w);
    let calls = 0;
    const counting = memoryStore({ data: (w.store as ReturnType<typeof memoryStore>).data, fault: () => void calls++ });
    const worker = new Worker({ store: counting, migrations: [w.migration], clock });
    const stop = new AbortController();
    let looks = 0;
    const watched = { ...clock, sleep: async (ms: number) => (++looks === 20 ? stop.abort() : clock.sleep(ms)) };
    await new Worker({ store: counting, migrations: [w.migration], clock: watched }).run(stop.signal);
    expect([looks, calls]).toEqual([20, 20]);
    clock.advance(LIMITS.restSweepMs);
    expect(await worker.step({ id: 'feeds.1' }, new AbortController().signal)).toBe(true);
  });
});

describe('two workers whose clocks differ by more than a claim lasts', () => {
  it.each([90_000, -90_000, 2_000])('do not take each other’s ranges away for ever: %d ms', async (skewMs) => {
    const clock = timedClock();
    const data = new MemoryData();
    const context = { store: memoryStore({ data }), migrations: [feedsUnderUsers], clock, by: 'ann' };
    await seed(context.store, N);
    await commands.start(context, 'feeds', { to: 'completed' });
    const stop = new AbortController();
    const workers = [0, skewMs].map((ms, i) => {
      // Each call takes a while, so that both are at it in every sweep.
      const store = memoryStore({ data, fault: () => clock.sleep(20).then(() => undefined) });
      const own = { ...clock, now: () => clock.now() + ms };
      return new Worker({ store, migrations: [feedsUnderUsers], clock: own, id: `w${i + 1}` }).run(stop.signal);
    });
    const closed = async () => {
      for (let i = 0; i < 300; i++) {
        if ((await commands.theCampaign(context, 'feeds')).closed) return true;
        await clock.sleep(100);
      }
      return false;
    };
    expect(await clock.run(closed())).toBe(true);
    stop.abort();
    await clock.run(Promise.all(workers));
  });
});
