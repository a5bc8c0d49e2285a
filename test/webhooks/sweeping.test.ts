import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../src/limits.ts';
import { MemoryData, memoryStore } from '../../src/store/memory.ts';
import { Inbox } from '../../src/webhooks/inbox.ts';
import { sweepInTurn } from '../../src/webhooks/sweeping.ts';
import { put } from './inboxes.ts';
import { applied, listed, type TestClock, testClock, until } from './world.ts';

const DAY_MS = 86_400_000;
const PAST_MS = 36 * DAY_MS;

/** An inbox of `count` deliveries that were applied long ago. */
async function old(count: number) {
  const data = new MemoryData();
  const clock = testClock();
  const inbox = new Inbox({ store: memoryStore({ data }), clock });
  await put(inbox, ...Array.from({ length: count }, (_, n) => `d${n}`));
  await applied(inbox);
  clock.advance(PAST_MS);
  return { data, clock, inbox };
}

const sweeper = (data: MemoryData, clock: TestClock, fault?: Parameters<typeof memoryStore>[0]) => {
  const context = { store: memoryStore({ data, ...fault }), clock, keepDays: {}, onCorrupt: () => {} };
  return (signal = new AbortController().signal) => sweepInTurn(context, signal);
};

describe('the daily sweep', () => {
  test('is made by one of several workers, and again after a day', async () => {
    const { data, clock, inbox } = await old(20);
    const all = Array.from({ length: 4 }, () => sweeper(data, clock));
    const swept = await Promise.all(all.map((sweep) => sweep()));
    expect(swept.reduce((sum: number, n) => sum + (n ?? 0), 0)).toBe(20);
    expect(swept.filter((n) => n !== undefined)).toHaveLength(1);
    expect(await listed(inbox)).toEqual([]);
    await put(inbox, 'more');
    clock.advance(DAY_MS / 2);
    expect(await all[0]!()).toBeUndefined();
    clock.advance(DAY_MS / 2);
    expect(await all[0]!()).toBe(0);
  });

  test.each(['before', 'after'] as const)(
    'a worker that dies %s any call of the store is followed by another, which ends what it began',
    async (when) => {
      let deaths = 0;
      for (let at = 0; at < 12; at++) {
        const { data, clock, inbox } = await old(5);
        const dying = sweeper(data, clock, {
          fault: ({ index }) => (index === at ? { kind: 'crash', when } : undefined),
        });
        await dying().catch((error: Error) => {
          deaths++;
          expect(error.name).toBe('Crash');
        });
        const next = sweeper(data, clock);
        await next();
        clock.advance(LIMITS.deliverySweepClaimMs + 1);
        await next();
        expect([at, await listed(inbox)]).toEqual([at, []]);
      }
      expect(deaths).toBeGreaterThan(5);
    },
  );

  test('one that is told to end says where it was, and the next goes on there at once', async () => {
    const { data, clock, inbox } = await old(LIMITS.pageSize + 3);
    const end = new AbortController();
    end.abort();
    expect(await sweeper(data, clock)(end.signal)).toBe(LIMITS.pageSize);
    expect(await listed(inbox)).toHaveLength(3);
    expect(await sweeper(data, clock)()).toBe(3);
  });

  test('a claim of a clock that had gone wrong holds nobody up', async () => {
    const { data, clock } = await old(3);
    const ahead = testClock();
    ahead.advance(PAST_MS + 100 * DAY_MS);
    const dying = sweeper(data, ahead, {
      fault: ({ op, index }) => (op === 'find' && index > 0 ? { kind: 'crash', when: 'before' } : undefined),
    });
    await expect(dying()).rejects.toThrow();
    expect(await sweeper(data, clock)()).toBe(3);
  });

  test('what came again while it was swept stays', async () => {
    const { data, clock, inbox } = await old(1);
    const store = memoryStore({ data });
    let again = false;
    const raced = {
      ...store,
      async commit(...call: Parameters<typeof store.commit>) {
        if (call[0][0]!.op === 'delete' && !again) {
          again = true;
          expect(await put(inbox, 'd0')).toEqual({ status: 'duplicate' });
        }
        return store.commit(...call);
      },
    };
    expect(await new Inbox({ store: raced, clock }).sweep()).toBe(0);
    expect(again).toBe(true);
    expect(await listed(inbox)).toHaveLength(1);
  });

  test('a store that has no inbox is not written to', async () => {
    const data = new MemoryData();
    const commits: string[] = [];
    const sweep = sweeper(data, testClock(), { fault: ({ op }) => void (op === 'commit' && commits.push(op)) });
    expect(await sweep()).toBeUndefined();
    expect(commits).toEqual([]);
  });

  test('a window that an inbox was given holds for whoever sweeps', async () => {
    const { store, clock } = { store: memoryStore(), clock: testClock() };
    const longer = new Inbox({ store, clock, keepDays: { github: 60 } });
    await put(longer, 'kept');
    await applied(longer);
    clock.advance(PAST_MS);
    expect(await new Inbox({ store, clock }).sweep()).toBe(0);
    clock.advance(25 * DAY_MS);
    expect(await new Inbox({ store, clock }).sweep()).toBe(1);
  });

  test('goes on by itself beside an application, until it is told to end', async () => {
    const { clock, inbox } = await old(2);
    const end = new AbortController();
    const told: (number | Error)[] = [];
    const keeping = inbox.keepSwept(end.signal, (each) => told.push(each));
    await until('it has swept', () => told.length === 1);
    await put(inbox, 'another');
    await applied(inbox);
    clock.advance(PAST_MS);
    await until('it has swept again', () => told.length === 2);
    end.abort();
    await keeping;
    expect(told).toEqual([2, 1]);
  });
});
