import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { status } from '../../src/admin/status.ts';
import { endSweep, sweepAgain } from '../../src/engine/campaign.ts';
import { campaignAt } from '../../src/engine/campaigns.ts';
import { LIMITS } from '../../src/limits.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { content, newKey, rest, seed, world } from '../engine/harness.ts';

/** A campaign that rests at `copied`, one record of which cannot be moved. */
async function rested(scans: 'strong' | 'eventual' = 'strong') {
  const w = world({ store: memoryStore({ capabilities: { scans } }) });
  await seed(w.store, 12);
  await w.store.overwrite([{ key: newKey(3), content: content({ somebody: 'else' }) }]);
  await commands.start(w.context, 'feeds', { ceiling: 400, ramp: false });
  await rest(w);
  const look = async () => (await status(w.context)).campaigns[0]!;
  const again = async () => sweepAgain(w.store, w.clock, (await campaignAt(w.store, 'feeds.1'))!);
  return { ...w, look, again };
}

describe('a campaign at rest', () => {
  it.each(['strong', 'eventual'] as const)('stays settled while it is looked over again, scans %s', async (scans) => {
    const { look, again } = await rested(scans);
    expect(await look()).toMatchObject({ settled: true, sweep: { running: false } });
    await again();
    const now = await look();
    expect(now).toMatchObject({ stage: 'copied', settled: true, sweep: { running: true } });
    expect(now.settledAt).toBeUndefined();
  });

  it('is settled no more when something is to be done: a retry, or a command', async () => {
    const { context, look, ...w } = await rested();
    await commands.retry(context, 'feeds');
    expect((await look()).settled).toBe(false);
    await rest({ context, ...w });
    expect((await look()).settled).toBe(true);
    await commands.switchOver(context, 'feeds');
    expect((await look()).settled).toBe(false);
  });

  it('tells what was set for its pace, though nothing moves that it could hold', async () => {
    const { context, look } = await rested();
    expect((await look()).pace).toBeUndefined();
    expect((await look()).paceSettings).toEqual({ ceilingPerSecond: 400, ramp: false });
    await commands.setPace(context, 'feeds', { ceiling: 'none', ramp: true });
    expect((await look()).paceSettings).toEqual({ ramp: true });
  });
});

it('a campaign whose scans lag is not settled by the first clean sweep', async () => {
  const w = world({ store: memoryStore({ capabilities: { scans: 'eventual' } }) });
  await seed(w.store, 12);
  await commands.start(w.context, 'feeds');
  const told: boolean[] = [];
  for (let sweep = 1; sweep <= LIMITS.eventualSweeps; sweep++) {
    await endSweep(w.store, w.clock, (await campaignAt(w.store, 'feeds.1'))!, w.migration, {
      counts: { seen: 12 },
      whole: true,
      by: 'w1',
    });
    told.push((await status(w.context)).campaigns[0]!.settled);
  }
  expect(told).toEqual([false, false, true]);
});
