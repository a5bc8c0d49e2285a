import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { strip } from '../../src/admin/strip.ts';
import { Worker } from '../../src/engine/worker.ts';
import { decodeSlot } from '../../src/record/slot.ts';
import { Router } from '../../src/router/router.ts';
import { Crash, MemoryData, memoryStore } from '../../src/store/memory.ts';
import {
  all,
  content,
  feedOf,
  newKey,
  oldKey,
  rest,
  STRIKES,
  seed,
  timedClock,
  verified,
  type World,
  world,
} from './harness.ts';

const N = 30;

const slotsOf = async ({ store }: World, rootKind: string) =>
  (await store.scan({ namespace: '', kind: 'Feed', rootKind }, 500)).entities.flatMap(({ slot }) => slot ?? []);

/** Until nothing is left to strip; a worker that dies is followed by the next. */
async function stripped(w: World, worker = () => w.worker): Promise<commands.Campaign> {
  let current = worker();
  for (let i = 0; i < 1_000; i++) {
    const campaign = await commands.theCampaign(w.context, 'feeds');
    if (campaign.strip?.doneAt !== undefined) return campaign;
    try {
      if (!(await current.step(campaign, new AbortController().signal))) await w.clock.sleep(100);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      current = worker();
    }
  }
  throw new Error('it was never stripped');
}

async function completed(options: { strip?: boolean } = {}): Promise<World> {
  const w = world();
  await seed(w.store, N);
  await commands.start(w.context, 'feeds', { to: 'switched' });
  await rest(w);
  await commands.complete(w.context, 'feeds', options);
  expect((await rest(w)).closed).toBe(true);
  return w;
}

describe('what a campaign has left on its entities', () => {
  it('is taken off when it has completed, if so asked, and nothing else of them', async () => {
    const w = await completed({ strip: true });
    expect((await stripped(w)).strip).toMatchObject({ stripped: N, left: 0 });
    expect(await slotsOf(w, 'User')).toEqual([]);
    const moved = await all(w.store, 'Feed', 'User');
    for (let n = 1; n <= N; n++) expect(moved.get(newKey(n).toString())).toEqual(feedOf(n));
    expect(moved.size).toBe(N);
    expect((await w.router.get({ from: oldKey(7), into: newKey(7) }))?.title).toBe('feed 7');
    // Nothing tells any more what it has moved: to say that all is well would be a guess.
    await expect(verified(w)).rejects.toMatchObject({ code: 'campaign.stripped' });
  });

  it('is taken off by one of several workers, which does not read for nothing what another reads', async () => {
    const clock = timedClock();
    const data = new MemoryData();
    const w = world({ store: memoryStore({ data }), clock });
    await seed(w.store, N);
    await commands.start(w.context, 'feeds', { to: 'completed' });
    await clock.run(rest(w));
    await strip(w.context, 'feeds');
    let scans = 0;
    const opened = () => {
      const store = memoryStore({ data, fault: () => clock.sleep(20).then(() => undefined) });
      const scan: typeof store.scan = (range, limit) => {
        if (range.kind === 'Feed') scans++;
        return store.scan(range, limit);
      };
      return { ...store, scan };
    };
    const stop = new AbortController();
    const working = ['w1', 'w2', 'w3'].map((id) => new Worker({ ...w.context, store: opened(), id }).run(stop.signal));
    await clock.pass(10_000);
    stop.abort();
    await clock.run(Promise.all(working));
    expect((await commands.theCampaign(w.context, 'feeds')).strip).toMatchObject({ stripped: N, left: 0 });
    expect(scans).toBe(2);
  });

  it('stays while nobody asks, and is not asked for while the campaign is open', async () => {
    const w = world();
    await seed(w.store, N);
    await commands.start(w.context, 'feeds');
    await expect(strip(w.context, 'feeds')).rejects.toMatchObject({ code: 'campaign.refused' });
    const closed = await completed();
    expect(await slotsOf(closed, 'User')).toHaveLength(N);
    expect(await closed.worker.step({ id: 'feeds.1' }, new AbortController().signal)).toBe(false);
  });

  it('is forgotten to be asked for when the operator changes his mind before the end', async () => {
    const w = world();
    await seed(w.store, N);
    await commands.start(w.context, 'feeds', { to: 'switched' });
    await rest(w);
    await commands.complete(w.context, 'feeds', { strip: true, share: 50 });
    await rest(w);
    await commands.complete(w.context, 'feeds');
    expect((await rest(w)).closed).toBe(true);
    expect(await slotsOf(w, 'User')).toHaveLength(N);
  });

  it('is taken off at home, after a campaign that was called off', async () => {
    const w = world();
    await seed(w.store, N);
    await commands.start(w.context, 'feeds', { to: 'switched' });
    await rest(w);
    await commands.cancel(w.context, 'feeds');
    await rest(w);
    expect(await slotsOf(w, 'Feed')).toHaveLength(N);
    await strip(w.context, 'feeds');
    expect((await stripped(w)).strip).toMatchObject({ stripped: N, left: 0 });
    expect(await slotsOf(w, 'Feed')).toEqual([]);
  });

  it('is taken off again, where the application has gone on writing through a router', async () => {
    const w = await completed({ strip: true });
    await stripped(w);
    await w.router.update({ from: oldKey(7), into: newKey(7) }, (feed) => ({ ...feed, visits: 1 }));
    expect(await slotsOf(w, 'User')).toHaveLength(1);
    await strip(w.context, 'feeds');
    expect((await stripped(w)).strip).toMatchObject({ stripped: 1, left: 0 });
    expect((await all(w.store, 'Feed', 'User')).get(newKey(7).toString())).toEqual({ ...feedOf(7), visits: 1 });
  });

  it('is not taken where it is of another campaign, or of a later version', async () => {
    const w = await completed();
    const { store } = w;
    await store.overwrite([{ key: newKey(101), content: content(feedOf(101)), slot: 'a form that nobody knows' }]);
    await seed(store, 1, () => feedOf(102));
    await commands.start(w.context, 'feeds');
    await rest(w);
    const before = [await slotsOf(w, 'User'), await slotsOf(w, 'Feed')];
    // The run before is stripped while the next one is on its way.
    await strip(w.context, 'feeds.1');
    const worker = w.worker;
    for (let i = 0; i < 20; i++) await worker.step({ id: 'feeds.1' }, new AbortController().signal);
    const [atNew, atOld] = [await slotsOf(w, 'User'), await slotsOf(w, 'Feed')];
    expect(before[0]).toHaveLength(N + 2);
    expect(atNew).toHaveLength(2);
    expect(atNew.map((slot) => (slot.startsWith('a form') ? 'unknown' : decodeSlot(slot).role)).sort()).toEqual([
      'shadow',
      'unknown',
    ]);
    expect(atOld).toEqual(before[1]);
    await commands.switchOver(w.context, 'feeds');
    expect((await rest(w)).stage).toBe('switched');
  });
});

describe('stripping', () => {
  it.each(Object.entries(STRIKES))(
    'goes on after %s, at any call, beside a writer, and loses nothing',
    async (_, fault) => {
      for (let at = 0, calls = 0; at <= calls; at++) {
        const w = await completed({ strip: true });
        const { data } = w.store as ReturnType<typeof memoryStore>;
        calls = 0;
        const faulty = () =>
          world({
            clock: w.clock,
            store: memoryStore({ data, fault: (call) => (calls++ === at ? fault(call) : undefined) }),
          });
        const router = new Router({ store: w.store, rule: w.migration.records[0]!, clock: w.clock });
        const writing = router.update({ from: oldKey(7), into: newKey(7) }, (feed) => ({ ...feed, visits: 5 }));
        const { strip: done } = await stripped(w, () => faulty().worker);
        await writing;
        expect(done!.left).toBe(0);
        expect((await slotsOf(w, 'User')).length).toBeLessThanOrEqual(1);
        const moved = await all(w.store, 'Feed', 'User');
        expect(moved.get(newKey(7).toString())).toEqual({ ...feedOf(7), visits: 5 });
        expect(moved.size).toBe(N);
      }
    },
  );
});
