import { describe, expect, test } from 'vitest';
import type { Clock } from '../../src/clock.ts';
import { LIMITS } from '../../src/limits.ts';
import { MemoryData, memoryStore } from '../../src/store/memory.ts';
import { Inbox } from '../../src/webhooks/inbox.ts';
import { made, onlyCommit, put } from './inboxes.ts';
import { applied, listed, testClock, textOf, until, working } from './world.ts';

describe('several workers, and some that die', () => {
  test.each(['before', 'after'] as const)(
    'a process that dies %s any call of the store loses nothing, and applies again under the same id only what was not marked',
    async (when) => {
      let deaths = 0;
      for (let at = 0; at < 30; at++) {
        const data = new MemoryData();
        const clock = testClock();
        const inbox = new Inbox({ store: memoryStore({ data }), clock });
        const left = async () => (await listed(inbox, 'received')).length;
        const ids: string[] = [];
        const note = (delivery: { id: string }) => {
          ids.push(delivery.id);
        };
        await put(inbox, 'a', 'b', 'c');
        const dying = memoryStore({ data, fault: ({ index }) => (index === at ? { kind: 'crash', when } : undefined) });
        const end = new AbortController();
        let died = false;
        const first = new Inbox({ store: dying, clock }).work(note, end.signal).catch((error: Error) => {
          died = true;
          expect(error.name).toBe('Crash');
        });
        await until('it died or is done', async () => died || (await left()) === 0);
        end.abort();
        await first;
        if (died) deaths++;
        const unmarked = await left();
        clock.advance(LIMITS.deliveryClaimMs + 1);
        const before = ids.length;
        const worker = working(inbox, note);
        await until('all are applied', async () => (await left()) === 0);
        await worker.stop();
        expect(ids.length - before).toBe(unmarked);
        expect(new Set(ids).size).toBe(3);
      }
      expect(deaths).toBeGreaterThan(5);
    },
  );

  test.each([
    ['lost', { kind: 'lost' }],
    ['lost and not applied', { kind: 'lost', applied: false }],
    ['busy', { kind: 'busy', why: 'contention' }],
    ['a conflict', { kind: 'conflict', index: 0 }],
  ] as const)('when the answer to the claim or to the mark is %s, the handler runs once', async (_, fault) => {
    for (let at = 0; at < 4; at++) {
      const data = new MemoryData();
      const { inbox, clock } = made({ store: memoryStore({ data, fault: onlyCommit(at + 1, fault) }) });
      await put(inbox, 'a');
      let runs = 0;
      const worker = working(inbox, () => {
        runs++;
      });
      await until('it is applied', async () => (await listed(inbox, 'applied')).length === 1);
      await worker.stop();
      expect([at, runs]).toEqual([at, 1]);
      expect(clock.now()).toBeGreaterThan(0);
    }
  });

  test('several workers do not run one delivery at once, and share the work', async () => {
    const data = new MemoryData();
    const clock = testClock();
    const inboxes = Array.from({ length: 4 }, () => new Inbox({ store: memoryStore({ data }), clock }));
    const names = Array.from({ length: 60 }, (_, i) => `d${i}`);
    await put(inboxes[0]!, ...names);
    const runs = inboxes.map(() => [] as string[]);
    const workers = inboxes.map((inbox, i) =>
      working(inbox, async (delivery) => {
        await clock.sleep(2);
        runs[i]!.push(textOf(delivery));
      }),
    );
    await until('all are applied', async () => (await listed(inboxes[0]!, 'received')).length === 0);
    await Promise.all(workers.map((worker) => worker.stop()));
    expect(runs.flat().sort()).toEqual([...names].sort());
    expect(runs.filter((own) => own.length > 0).length).toBeGreaterThan(1);
  });

  test('a handler that runs for longer than a claim keeps it', async () => {
    const data = new MemoryData();
    const clock = testClock();
    const [one, two] = [1, 2].map(() => new Inbox({ store: memoryStore({ data }), clock })) as [Inbox, Inbox];
    await put(one, 'a');
    let runs = 0;
    const handler = async () => {
      runs++;
      for (let i = 0; i < 20; i++) {
        clock.advance(LIMITS.deliveryClaimMs / 4);
        await clock.sleep(4);
        await clock.sleep(4);
        await clock.sleep(4);
      }
    };
    const workers = [working(one, handler), working(two, handler)];
    await until('it is applied', async () => (await listed(one, 'applied')).length === 1);
    await Promise.all(workers.map((worker) => worker.stop()));
    expect(runs).toBe(1);
  });

  test('a claim that a dead process left, or a clock gone wrong made, does not hold a delivery for ever', async () => {
    const data = new MemoryData();
    const clock = testClock();
    const ahead: Clock = { ...clock, now: () => clock.now() + 1e12 };
    const inbox = new Inbox({ store: memoryStore({ data }), clock });
    await put(inbox, 'a');
    let begun = false;
    const dying = memoryStore({ data, fault: () => (begun ? { kind: 'crash', when: 'before' } : undefined) });
    const work = new Inbox({ store: dying, clock: ahead }).work(() => {
      begun = true;
    }, new AbortController().signal);
    await expect(work).rejects.toThrow(/crash/);
    expect(await applied(inbox)).toEqual(['a']);
  });
});
