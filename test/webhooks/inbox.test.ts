import { rmSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Clock } from '../../src/clock.ts';
import { LIMITS } from '../../src/limits.ts';
import { Content } from '../../src/record/content.ts';
import { lmdbStore } from '../../src/store/lmdb.ts';
import { type Fault, MemoryData, memoryStore, type StoreCall } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { Inbox, type InboxOptions } from '../../src/webhooks/inbox.ts';
import { tempDir } from '../store/dirs.ts';
import { applied, listed, type TestClock, testClock, textOf, until, working } from './world.ts';

const received = {
  scope: 'tenant topic',
  topic: 'topic',
  subscription: 's1',
  side: 'old',
  signed: true,
  protocol: 'github',
  contentType: 'text/plain',
  headers: {},
} as const;

const put = (inbox: Inbox, ...names: readonly string[]) =>
  inbox.put(
    received,
    names.map((name) => ({ identity: name, body: Buffer.from(name), contentType: 'text/plain' })),
  );

function made(options: Partial<InboxOptions> & { clock?: TestClock } = {}) {
  const clock = options.clock ?? testClock();
  const store = options.store ?? memoryStore();
  return { store, clock, inbox: new Inbox({ ...options, store, clock }) };
}

const onlyCommit = (at: number, fault: Fault) => {
  let commits = 0;
  return ({ op }: StoreCall) => (op === 'commit' && commits++ === at ? fault : undefined);
};

describe('storing', () => {
  const FAULTS: readonly (readonly [string, Fault])[] = [
    ['the answer is lost', { kind: 'lost' }],
    ['the request is lost', { kind: 'lost', applied: false }],
    ['the store is busy', { kind: 'busy', why: 'contention' }],
    ['one of three loses, although it is new', { kind: 'conflict', index: 1 }],
    ['one of three finds the store busy', { kind: 'busy', why: 'exhausted', indexes: [2] }],
  ];

  test.each(FAULTS)('%s: it looks, and all is stored once', async (_, fault) => {
    const { inbox } = made({ store: memoryStore({ fault: onlyCommit(0, fault) }) });
    expect(await put(inbox, 'a', 'b', 'c')).toEqual({ status: 'stored' });
    expect(await put(inbox, 'a', 'b', 'c')).toEqual({ status: 'duplicate' });
    expect((await applied(inbox)).sort()).toEqual(['a', 'b', 'c']);
  });

  test('a duplicate whose answer is lost is a duplicate', async () => {
    const { inbox } = made({ store: memoryStore({ fault: onlyCommit(1, { kind: 'lost' }) }) });
    await put(inbox, 'a');
    expect(await put(inbox, 'a')).toEqual({ status: 'duplicate' });
  });

  test('a store that says nothing for long is unsure, and the repetition stores what is missing', async () => {
    let away = true;
    const store = memoryStore({
      fault: ({ op }) =>
        away && op === 'read' ? { kind: 'lost' } : away && op === 'commit' ? { kind: 'lost' } : undefined,
    });
    const { inbox } = made({ store });
    expect(await put(inbox, 'a', 'b')).toMatchObject({ status: 'unsure' });
    away = false;
    expect(await put(inbox, 'a', 'b', 'c')).toEqual({ status: 'stored' });
    expect((await applied(inbox)).sort()).toEqual(['a', 'b', 'c']);
  });

  test('one that is too large for the store refuses all of its request, and nothing of it is stored', async () => {
    const { inbox } = made({ store: memoryStore({ capabilities: { maxEntityBytes: 2_000 } }) });
    expect(await put(inbox, 'a', 'b'.repeat(2_000))).toMatchObject({ status: 'tooLarge' });
    expect(await listed(inbox)).toEqual([]);
  });

  test('more than a commit takes go in several', async () => {
    const { inbox } = made({ store: memoryStore({ capabilities: { maxMutations: 7 } }) });
    const names = Array.from({ length: 20 }, (_, i) => `d${i}`);
    expect(await put(inbox, ...names, ...names)).toEqual({ status: 'stored' });
    expect((await applied(inbox)).sort()).toEqual([...names].sort());
  });
});

describe('working', () => {
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

  test('one that fails is tried again after a pause that grows, under the same id, and counts its attempts', async () => {
    const { inbox, clock } = made();
    await put(inbox, 'a');
    const seen: [string, number][] = [];
    working(inbox, ({ id, attempt }) => {
      seen.push([id, attempt]);
      if (attempt < 4) throw new Error(`not at ${attempt}`);
    });
    for (const [failed, pauseMs] of [1_000, 2_000, 4_000].entries()) {
      await until('it failed', async () => (await listed(inbox))[0]!.error === `not at ${failed + 1}`);
      const { notBefore = 0 } = (await listed(inbox))[0]!;
      expect(Math.abs(notBefore - clock.now() - pauseMs)).toBeLessThan(500);
      clock.advance(pauseMs);
    }
    await until('it is applied', async () => (await listed(inbox, 'applied')).length === 1);
    const { id, error } = (await listed(inbox))[0]!;
    expect(seen).toEqual([1, 2, 3, 4].map((attempt) => [id, attempt]));
    expect(error).toBeUndefined();
  });

  test('after its last attempt it is dead, told, kept, and not in the way of others; retry gives it new ones', async () => {
    const told: { id: string; error: string }[] = [];
    const { inbox, clock } = made({ onDead: (dead) => told.push(dead) });
    await put(inbox, 'bad');
    let failing = true;
    let runs = 0;
    working(inbox, (delivery) => {
      if (textOf(delivery) !== 'bad') return;
      runs++;
      if (failing) throw new Error('never');
    });
    await until('it is dead', () => {
      clock.advance(LIMITS.deliveryPauseMostMs);
      return told.length > 0;
    });
    expect(runs).toBe(LIMITS.deliveryAttempts);
    const [dead] = await listed(inbox, 'dead');
    expect(dead).toMatchObject({ status: 'dead', error: 'never', attempts: LIMITS.deliveryAttempts });
    expect(told).toEqual([{ id: dead!.id, error: 'never' }]);
    await put(inbox, 'good');
    await until('the other is applied', async () => (await listed(inbox, 'applied')).length === 1);
    expect(await put(inbox, 'bad')).toEqual({ status: 'duplicate' });
    clock.advance(400 * 86_400_000);
    expect(await inbox.sweep()).toBe(1);

    failing = false;
    await inbox.retry(dead!.id);
    await until('it is applied', async () => (await listed(inbox, 'applied')).length === 1);
    expect(runs).toBe(LIMITS.deliveryAttempts + 1);
    await expect(inbox.retry(dead!.id)).rejects.toMatchObject({ code: 'delivery.refused' });
    await expect(inbox.retry('none')).rejects.toMatchObject({ code: 'delivery.missing' });
  });

  test('one that takes its process with it each time ends up dead', async () => {
    const data = new MemoryData();
    const clock = testClock();
    const inbox = new Inbox({ store: memoryStore({ data }), clock });
    await put(inbox, 'poison');
    for (let i = 0; i < LIMITS.deliveryAttempts; i++) {
      let begun = false;
      const dying = memoryStore({ data, fault: () => (begun ? { kind: 'crash', when: 'before' } : undefined) });
      const work = new Inbox({ store: dying, clock }).work(() => {
        begun = true;
      }, new AbortController().signal);
      await expect(work).rejects.toThrow(/crash/);
      clock.advance(LIMITS.deliveryClaimMs + 1);
    }
    let runs = 0;
    working(inbox, () => {
      runs++;
    });
    await until('it is dead', async () => (await listed(inbox, 'dead')).length === 1);
    expect(runs).toBe(0);
  });

  test('a process that ends in the middle of a run puts the delivery back, and no attempt is lost', async () => {
    const { inbox } = made();
    await put(inbox, 'a');
    let begun = false;
    const worker = working(inbox, (_, signal) => {
      begun = true;
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('ended'))));
    });
    await until('it runs', () => begun);
    await worker.stop();
    expect(await listed(inbox)).toMatchObject([{ status: 'received', attempts: 0 }]);
    expect(await applied(inbox)).toEqual(['a']);
  });

  test('a store that does not answer for a while is waited for', async () => {
    let away = false;
    let unanswered = 0;
    const fault = (): Fault | undefined => {
      if (away) unanswered++;
      return away ? { kind: 'lost', applied: false } : undefined;
    };
    const { inbox } = made({ store: memoryStore({ fault }) });
    const worker = working(inbox, () => {});
    away = true;
    await until('it was asked in vain', () => unanswered > 5);
    away = false;
    await put(inbox, 'a');
    await until('it is applied', async () => (await listed(inbox, 'applied')).length === 1);
    await worker.stop();
  });

  test('one that does not decode is told, and not in the way of others', async () => {
    const told: string[] = [];
    const { inbox, store } = made({ onCorrupt: ({ code }) => told.push(code) });
    await put(inbox, 'a', 'b', 'c');
    const { entities } = await store.scan({ namespace: '', kind: '_HandoverDelivery' }, 1);
    const { key, content } = entities[0]!;
    const broken = new Map(content.properties);
    broken.set('state', { type: 'string', value: '{"v":2', unindexed: true });
    await store.overwrite([{ key, content: Content.of(broken) }]);
    expect(await applied(inbox)).toHaveLength(2);
    expect(new Set(told)).toEqual(new Set(['content.corrupt']));
  });

  test('what is applied keeps its identity and not its bytes', async () => {
    const { inbox, store } = made();
    const event = { identity: 'a', body: Buffer.alloc(10_000), contentType: 'text/plain' };
    const bytes = async () => {
      const { entities } = await store.scan({ namespace: '', kind: '_HandoverDelivery' }, 10);
      return entities.map(({ content }) => content.bytes.length);
    };
    await inbox.put(received, [event]);
    expect((await bytes())[0]).toBeGreaterThan(10_000);
    await applied(inbox);
    expect((await bytes())[0]).toBeLessThan(1_000);
    expect(await inbox.put(received, [event])).toEqual({ status: 'duplicate' });
  });
});

describe('on LMDB', () => {
  const open = (path: string): Store =>
    lmdbStore({ path, indexes: [{ kind: '_HandoverDelivery', property: 'status' }] });

  test('what was stored is there after the process is started anew, and found by its index', async () => {
    const path = tempDir();
    onTestFinished(() => rmSync(path, { recursive: true }));
    const clock = testClock();
    const first = open(path);
    await put(new Inbox({ store: first, clock }), 'a', 'b');
    await first.close();
    const store = open(path);
    onTestFinished(() => store.close());
    expect(store.capabilities.finds).toBe('indexed');
    const inbox = new Inbox({ store, clock });
    expect(await put(inbox, 'b', 'c')).toEqual({ status: 'stored' });
    expect((await applied(inbox)).sort()).toEqual(['a', 'b', 'c']);
    clock.advance(36 * 86_400_000);
    expect(await inbox.sweep()).toBe(3);
    expect(await listed(inbox)).toEqual([]);
  });
});
