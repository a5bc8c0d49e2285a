import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { campaignStatus, countRecords } from '../../src/admin/inspect.ts';
import type { Clock } from '../../src/clock.ts';
import { list, load } from '../../src/engine/documents.ts';
import { homeRange, sweepKey } from '../../src/engine/sweep.ts';
import { Key } from '../../src/record/key.ts';
import { Crash, MemoryData, memoryStore } from '../../src/store/memory.ts';
import {
  handClock,
  feedsUnderUsers as migration,
  newKey,
  oldKey,
  rest,
  STRIKES,
  seed,
  verified,
  world,
} from './harness.ts';

const N = 120;

/** Each look at it takes a while: so checkpoints come due in the middle of ranges. */
function busyClock(): Clock {
  const clock = handClock();
  const ticks = () => {
    clock.advance(1);
    return clock.now();
  };
  return { ...clock, ticks };
}

/** Whether what each range has counted is what lies before its checkpoint: no page twice, and none left out. */
async function checkRanges(context: commands.CommandContext): Promise<number> {
  const { store } = context;
  const campaign = await commands.theCampaign(context, 'feeds');
  const sweep = await load(store, 'sweep', sweepKey(campaign));
  let checked = 0;
  for await (const { key, value } of list(store, 'range', 'feeds.1')) {
    const index = Number(String(key.id).split('.')[2]);
    const range = sweep?.value.ranges[index];
    // Of a sweep that is over, or of new homes, where entities come and go.
    if (!range || range.home === 'T' || !value.cursor || value.counts['switched']) continue;
    const after = range.after === undefined ? {} : { after: Key.parse(range.after) };
    const { entities } = await store.scan(
      { ...homeRange(migration, 0, 'S'), ...after, until: Key.parse(value.cursor) },
      N,
    );
    expect(value.counts['seen'], `${key}`).toBe(entities.length);
    checked++;
  }
  return checked;
}

/**
 * Every so-many-th call is struck, of whichever worker; one that dies is followed by another. Workers that all die sooner
 * than that end no sweep.
 */
async function struck(strike: keyof typeof STRIKES, every: number) {
  const data = new MemoryData();
  const clock = busyClock();
  const operator = world({ store: memoryStore({ data }), clock });
  const { context } = operator;
  await seed(operator.store, N);
  let [calls, workers, midway] = [0, 0, 0];
  const next = () => {
    const store = memoryStore({
      data,
      fault: (call) => (++calls % every === 0 ? STRIKES[strike]!(call) : undefined),
    });
    return { ...world({ store, clock, worker: `w${++workers}` }), context };
  };
  let actor = next();
  const settle = async () => {
    for (;;) {
      try {
        return await rest(actor);
      } catch (error) {
        if (error instanceof Crash) actor = next();
        else if ((error as { code?: string }).code !== 'store.unknown') throw error;
        midway += await checkRanges(context);
      }
    }
  };
  const agree = async () => {
    const campaign = await settle();
    const status = await campaignStatus(context, campaign);
    expect(status.states).toEqual(await countRecords(context, 'feeds'));
    expect(status.records).toBe(N);
    expect(await verified(operator)).toMatchObject({ started: N, counted: { records: N }, clean: true });
  };
  await commands.start(context, 'feeds');
  await agree();
  await commands.switchOver(context, 'feeds', { share: 40 });
  await agree();
  await commands.switchOver(context, 'feeds');
  await agree();
  await commands.reverse(context, 'feeds', { share: 30 });
  await agree();
  return { workers, midway };
}

describe('counts per state, which come without a look at the records, are those of a full count', () => {
  it.each(Object.keys(STRIKES).flatMap((strike) => [67, 101, 139].map((every) => [strike, every] as const)))(
    'with %s at every %ith call',
    async (strike, every) => {
      const { workers } = await struck(strike, every);
      if (strike.startsWith('a crash')) expect(workers).toBeGreaterThan(2);
    },
  );

  it('at each checkpoint of a sweep under way, too', async () => {
    const { midway } = await struck('a crash after a call', 31);
    expect(midway).toBeGreaterThan(10);
  });

  it('once a sweep has come by what clients inserted and deleted', async () => {
    const w = world();
    await seed(w.store, N);
    await commands.start(w.context, 'feeds');
    await rest(w);
    const status = async () => campaignStatus(w.context, await commands.theCampaign(w.context, 'feeds'));
    await w.router.insert({ from: oldKey(N + 1), into: newKey(N + 1, 'u1') }, { user: 'u1', title: 'new', visits: 0 });
    await w.router.delete({ from: oldKey(1), into: newKey(1) });
    await w.router.delete({ from: oldKey(2), into: newKey(2) });
    // What is told is what was swept.
    expect((await status()).records).toBe(N);
    await w.clock.sleep(120_000);
    const { sweep } = await commands.theCampaign(w.context, 'feeds');
    while ((await commands.theCampaign(w.context, 'feeds')).sweep === sweep) {
      await w.worker.step({ id: 'feeds.1' }, new AbortController().signal);
    }
    await rest(w);
    expect((await status()).records).toBe(N - 1);
    expect((await status()).states).toEqual(await countRecords(w.context, 'feeds'));
  });
});
