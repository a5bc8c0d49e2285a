import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  CALLS_PER_PAGE,
  CEILINGS,
  durationOf,
  MEASURED,
  messagesOf,
  oneGo,
  operationsOf,
  PUBSUB,
  tables,
  workersFor,
} from '../../scripts/capacity.ts';
import * as commands from '../../src/admin/commands.ts';
import { strip } from '../../src/admin/strip.ts';
import { RAMP, rateAt } from '../../src/engine/ramp.ts';
import { verify } from '../../src/engine/verify.ts';
import { Worker } from '../../src/engine/worker.ts';
import { LIMITS } from '../../src/limits.ts';
import { memoryStore, type StoreCall } from '../../src/store/memory.ts';
import { PRICE_LISTS } from '../../src/store/prices.ts';
import { feedOf, feedsUnderUsers, handClock, seed } from '../engine/harness.ts';
import { REPOSITORY, sectionOf, textOf } from './pages.ts';

const PAGE = 'docs/scale.md';

describe('the capacity plan', () => {
  /** `npx vitest run test/docs -u` writes them. */
  it('has the tables that its functions make', async () => {
    let page = textOf(PAGE);
    for (const [heading, table] of tables()) {
      const section = sectionOf(PAGE, heading);
      const [before] = /^(?:\|.*\n)+/m.exec(section) ?? expect.fail(`There is no table below ${heading}.`);
      page = page.replace(section, () => section.replace(before, () => table));
    }
    await expect(page).toMatchFileSnapshot(join(REPOSITORY, PAGE));
  });

  it('reckons a million records by hand', () => {
    expect(operationsOf(oneGo(1e6))).toBe(4_000_000);
    // 500 a second for five minutes, then 750, 1,125 and so on: 4,000,000 are done in the seventh of them.
    const steps = Array.from({ length: 6 }, (_, i) => 500 * 1.5 ** i * 300);
    const left = 4_000_000 - steps.reduce((sum, n) => sum + n, 0);
    expect(durationOf(1e6, CEILINGS[0])).toBeCloseTo((6 * 300 + left / (500 * 1.5 ** 6)) * 1000, 3);
    expect(workersFor(8_001)).toBe(2);
  });

  it('says in its prose what follows, too', () => {
    const endless = { ...RAMP, ceilingPerSecond: Number.POSITIVE_INFINITY };
    const prose = textOf(PAGE).replaceAll('\n', ' ');
    const grouped = (n: number) => Math.round(n).toLocaleString('en');
    const reads = PRICE_LISTS.nam5.reads / 100_000;
    const looks = (16 * LIMITS.lanes * 1000) / LIMITS.laneIdleMostMs;
    const idle = looks * (LIMITS.rangesPerHomeMost + 2);
    const afterTwoHours = Math.floor(rateAt(endless, 2 * 3_600_000) / 1e5) * 1e5;
    expect(prose).toContain(`${grouped(afterTwoHours)} operations a second`);
    expect(prose).toContain(`${grouped(idle)} reads a second, ${Math.floor(idle * 3600 * reads)} USD an hour`);
    expect(prose).toContain(`with a million groups that is ${(1e6 * reads).toFixed(2)} USD a look`);
    expect(prose).toContain(`${grouped(MEASURED.recordsPerSecond)} records a second`);
    expect(prose).toContain(`${LIMITS.rangesPerHome} ranges, and a large one into up to ${LIMITS.rangesPerHomeMost}`);
  });

  it('counts what is free of messages, and what is not', () => {
    expect(messagesOf(1e12)).toEqual({ messages: 2 * (LIMITS.rangesPerHomeMost + 1), money: 0 });
    expect(PUBSUB.freeBytes / (2 * PUBSUB.leastBytes)).toBeGreaterThan(messagesOf(1e12).messages);
  });

  it.each(Object.entries(CALLS_PER_PAGE))('%s makes so many calls for a page', async (verb, calls) => {
    const few = await callsOf(verb, 2);
    const many = await callsOf(verb, 6);
    expect((many - few) / 4).toBe(calls);
  });
});

/** Calls of the store while it goes over so many pages of records that are completed. */
async function callsOf(verb: string, pages: number): Promise<number> {
  const all: StoreCall[] = [];
  const fault = (call: StoreCall) => {
    // A read of no keys asks a store for nothing.
    if (call.op !== 'read' || call.keys.length > 0) all.push(call);
    return undefined;
  };
  const store = memoryStore({ fault, capabilities: { atomic: 'any' } });
  const clock = handClock();
  const context = { store, migrations: [feedsUnderUsers], clock, by: 'ann' };
  await seed(store, pages * LIMITS.pageSize, feedOf);
  await commands.start(context, 'feeds', { to: 'completed' });
  // One lane: others would look whether there is something for them.
  const worker = new Worker({ ...context, lanes: 1 });
  const work = async (isDone: (campaign: commands.Campaign) => boolean): Promise<commands.Campaign> => {
    for (let steps = 0; steps < 100; steps++) {
      const campaign = await commands.theCampaign(context, 'feeds');
      if (isDone(campaign)) return campaign;
      await worker.step(campaign, new AbortController().signal);
    }
    throw new Error('It never came to its end.');
  };
  const campaign = await work(({ closed }) => closed);
  const before = all.length;
  if (verb === 'handover verify') await verify(store, feedsUnderUsers, campaign, context);
  else {
    await strip(context, 'feeds');
    await work((now) => now.strip?.doneAt !== undefined);
  }
  return all.length - before;
}
