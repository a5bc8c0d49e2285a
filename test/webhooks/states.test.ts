import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../src/limits.ts';
import { type Fault, MemoryData, memoryStore, type StoreCall } from '../../src/store/memory.ts';
import type { Side } from '../../src/webhooks/callbacks.ts';
import { Inbox, type InboxOptions } from '../../src/webhooks/inbox.ts';
import type { Delivery } from '../../src/webhooks/work.ts';
import { applied, listed, signed, testClock, textOf, until, type World, working, world } from './world.ts';

/** What the topic says just now, and how often it was asked. */
function topic(now: string) {
  const at = { now, asked: 0, failing: false };
  const fetch: InboxOptions['fetch'] = async () => {
    at.asked++;
    if (at.failing) throw new Error('the topic is away');
    return { body: Buffer.from(at.now), contentType: 'text/x-fetched' };
  };
  return { at, fetch };
}

async function send(w: World, body: string, side: Side = 'old'): Promise<'stored' | 'duplicate'> {
  const before = w.receiver.counts.stored;
  expect((await w.post(side, body, signed(body))).status).toBe(202);
  return w.receiver.counts.stored > before ? 'stored' : 'duplicate';
}

describe('a body is what its topic says', () => {
  test('only what equals the last one is dropped, on either URL', async () => {
    const w = await world();
    const sides = ['old', 'new'] as const;
    for (const body of ['v1', 'v2', 'v3']) {
      expect(await send(w, body, sides[0])).toBe('stored');
      expect(await send(w, body, sides[1])).toBe('duplicate');
    }
    expect(await applied(w.inbox)).toEqual(['v1', 'v2', 'v3']);
    expect(await send(w, 'v3', 'new')).toBe('duplicate');
  });

  test('v1, v2, v1 of a topic that went back is applied, and the topic is asked before', async () => {
    const { at, fetch } = topic('v1');
    const w = await world({ fetch });
    for (const body of ['v1', 'v2']) await send(w, body);
    expect(await applied(w.inbox)).toEqual(['v1', 'v2']);
    expect(at.asked).toBe(0);
    expect(await send(w, 'v1')).toBe('stored');
    expect(await send(w, 'v1', 'new')).toBe('stored');
    expect(await applied(w.inbox)).toEqual(['v1']);
    expect(at.asked).toBe(2);
  });

  test('v1, v2, and a late v1 from the other URL is not applied, and v2 stays', async () => {
    const { at, fetch } = topic('v2');
    const w = await world({ fetch });
    await send(w, 'v1', 'old');
    await send(w, 'v2', 'old');
    await send(w, 'v1', 'new');
    await send(w, 'v2', 'new');
    expect(await applied(w.inbox)).toEqual(['v1', 'v2']);
    expect(at.asked).toBe(2);
  });

  test('when the topic is further on than what came, that is applied, once', async () => {
    const { fetch } = topic('v3');
    const w = await world({ fetch });
    for (const body of ['v1', 'v2', 'v1', 'v3', 'v3']) await send(w, body);
    expect(await applied(w.inbox)).toEqual(['v1', 'v2', 'v3']);
  });

  test('what goes back after a late one was found out is not taken for its duplicate', async () => {
    const { at, fetch } = topic('v2');
    const w = await world({ fetch });
    for (const body of ['v1', 'v2', 'v1']) await send(w, body);
    expect(await applied(w.inbox)).toEqual(['v1', 'v2']);
    at.now = 'v1';
    expect(await send(w, 'v1')).toBe('stored');
    expect(await applied(w.inbox)).toEqual(['v1']);
  });

  test('while the topic cannot be asked it waits, and is not lost', async () => {
    const { at, fetch } = topic('v1');
    at.failing = true;
    const w = await world({ fetch });
    const bodies: string[] = [];
    working(w.inbox, (delivery) => {
      bodies.push(textOf(delivery));
    });
    for (const body of ['v1', 'v2', 'v1']) await send(w, body);
    await until('it is asked', () => at.asked > 0);
    expect(bodies).toEqual(['v1', 'v2']);
    at.failing = false;
    w.clock.advance(2_000);
    await until('it is applied', () => bodies.length === 3);
    expect(bodies).toEqual(['v1', 'v2', 'v1']);
  });

  test('where nobody can be asked, a late old state does not overwrite the newer one: it is dead, and told', async () => {
    const dead: string[] = [];
    const w = await world({ onDead: ({ error }) => dead.push(error) });
    for (const [body, side] of [
      ['v1', 'old'],
      ['v2', 'old'],
      ['v1', 'new'],
      ['v2', 'new'],
      ['v3', 'new'],
    ] as const)
      await send(w, body, side);
    expect(await applied(w.inbox)).toEqual(['v1', 'v2', 'v3']);
    expect(dead).toEqual([expect.stringMatching(/^no fetch: /)]);
    expect(await listed(w.inbox, 'dead')).toMatchObject([{ side: 'new', attempts: 0, error: dead[0] }]);
  });

  test('one that nobody could be asked of is applied when a person retries it, unless another came after it', async () => {
    const w = await world();
    for (const body of ['v1', 'v2', 'v1']) await send(w, body);
    expect(await applied(w.inbox)).toEqual(['v1', 'v2']);
    const [dead] = await listed(w.inbox, 'dead');
    await w.inbox.retry(dead!.id);
    expect(await applied(w.inbox)).toEqual(['v1']);
    for (const body of ['v2', 'v3']) await send(w, body);
    expect(await applied(w.inbox)).toEqual(['v3']);
    const [passed] = await listed(w.inbox, 'dead');
    await w.inbox.retry(passed!.id);
    expect(await applied(w.inbox)).toEqual([]);
    expect(await listed(w.inbox, 'dead')).toMatchObject([{ id: passed!.id }]);
  });

  test('they are applied in their order, and one that fails holds up those after it', async () => {
    const w = await world();
    const bodies: string[] = [];
    let failing = true;
    working(w.inbox, (delivery) => {
      bodies.push(textOf(delivery));
      if (failing && textOf(delivery) === 'v1') throw new Error('not now');
    });
    const all = Array.from({ length: 20 }, (_, i) => `v${i + 1}`);
    for (const body of all) await send(w, body);
    await until('the first was tried', () => bodies.length > 0);
    failing = false;
    w.clock.advance(60_000);
    await until('all are applied', async () => (await listed(w.inbox, 'received')).length === 0);
    expect(bodies.filter((body, i) => body !== 'v1' || i > 0 || bodies.indexOf('v2') < 0)).toEqual(
      expect.arrayContaining(all),
    );
    expect([...new Set(bodies)]).toEqual(all);
  });

  test('many at once on both URLs, by two receivers on one store, lose nothing', async () => {
    const data = new MemoryData();
    const one = await world({ store: memoryStore({ data }) });
    const two = await world({ store: memoryStore({ data }) });
    const bodies = Array.from({ length: 24 }, (_, i) => `v${i}`);
    await Promise.all(bodies.flatMap((body) => [send(one, body, 'old'), send(two, body, 'new')]));
    const seen = await applied(one.inbox);
    expect([...new Set(seen)].sort()).toEqual([...bodies].sort());
  });
});

describe('the states of a topic, when the store fails', () => {
  const received = {
    scope: 'a',
    topic: 't',
    subscription: 's',
    side: 'old',
    signed: true,
    protocol: 'websub',
    contentType: 'text/plain',
    headers: {},
  } as const;
  const put = (inbox: Inbox, body: string) => inbox.putState(received, `hash of ${body}`, Buffer.from(body));

  const FAULTS: readonly Fault[] = [
    { kind: 'lost' },
    { kind: 'lost', applied: false },
    { kind: 'crash', when: 'before' },
    { kind: 'crash', when: 'after' },
    { kind: 'busy', why: 'contention' },
    { kind: 'conflict', index: 0 },
  ];

  // Every call of the store that three deliveries make, and some that they do not.
  test.each(FAULTS)('at any call of the receiver: %j', async (fault) => {
    for (let at = 0; at < 14; at++) {
      const data = new MemoryData();
      const failing = memoryStore({ data, fault: ({ index }: StoreCall) => (index === at ? fault : undefined) });
      const clock = testClock();
      let inbox = new Inbox({ store: failing, clock });
      for (const body of ['v1', 'v2', 'v3']) {
        // The sender repeats what was not answered 2xx; the process that died is started anew.
        for (let tries = 0; ; tries++) {
          expect(tries).toBeLessThan(3);
          const stored = await put(inbox, body).catch(() => undefined);
          if (stored && stored.status !== 'unsure') break;
          if (!stored) inbox = new Inbox({ store: memoryStore({ data }), clock });
        }
      }
      expect([at, await applied(new Inbox({ store: memoryStore({ data }), clock }))]).toEqual([at, ['v1', 'v2', 'v3']]);
    }
  });

  test.each(FAULTS)('at any call of the worker: %j', async (fault) => {
    let hit = 0;
    for (let at = 0; at < 16; at++) {
      const data = new MemoryData();
      const clock = testClock();
      const inbox = new Inbox({ store: memoryStore({ data }), clock });
      for (const body of ['v1', 'v2', 'v3']) await put(inbox, body);
      const failing = memoryStore({
        data,
        fault: ({ index }: StoreCall) => {
          if (index !== at) return undefined;
          hit++;
          return fault;
        },
      });
      const bodies: string[] = [];
      const note = (delivery: Delivery) => {
        bodies.push(textOf(delivery));
      };
      let died = false;
      const end = new AbortController();
      const first = new Inbox({ store: failing, clock }).work(note, end.signal).catch((error: Error) => {
        died = true;
        expect(error.name).toBe('Crash');
      });
      await until('it died or is done', async () => died || (await listed(inbox, 'received')).length === 0);
      end.abort();
      await first;
      expect(died && fault.kind !== 'crash').toBe(false);
      clock.advance(LIMITS.deliveryClaimMs + 1);
      const worker = working(inbox, note);
      await until('all are applied', async () => (await listed(inbox, 'received')).length === 0);
      await worker.stop();
      // In their order, each again at most as often as its worker died.
      expect(bodies.filter((body, i) => body !== bodies[i - 1])).toEqual(['v1', 'v2', 'v3']);
      expect(bodies.length).toBeLessThanOrEqual(died ? 4 : 3);
    }
    expect(hit).toBeGreaterThan(10);
  });

  test('when what the topic is at was never written, nothing is numbered twice, and the last is not swept', async () => {
    const data = new MemoryData();
    const isHead = ({ mutations }: StoreCall) => mutations[0]?.key.kind === '_HandoverTopic';
    let headsFail = true;
    const store = memoryStore({
      data,
      fault: (call) => (headsFail && isHead(call) ? { kind: 'busy', why: 'exhausted' } : undefined),
    });
    const clock = testClock();
    const inbox = new Inbox({ store, clock });
    for (const body of ['v1', 'v2', 'v3']) expect((await put(inbox, body)).status).toBe('stored');
    expect(await applied(inbox)).toEqual(['v1', 'v2', 'v3']);
    clock.advance(400 * 86_400_000);
    expect(await inbox.sweep()).toBe(0);
    expect((await put(inbox, 'v3')).status).toBe('duplicate');
    headsFail = false;
    expect((await put(inbox, 'v4')).status).toBe('stored');
    expect(await applied(inbox)).toEqual(['v4']);
    clock.advance(400 * 86_400_000);
    expect(await inbox.sweep()).toBe(3);
    expect((await put(inbox, 'v4')).status).toBe('duplicate');
    expect(await listed(inbox)).toHaveLength(1);
  });

  test('a dead state is retried with what the topic says by then', async () => {
    const { at, fetch } = topic('v1');
    const clock = testClock();
    const dead: string[] = [];
    const inbox = new Inbox({ store: memoryStore(), clock, fetch, onDead: ({ id }) => dead.push(id) });
    await put(inbox, 'v1');
    const worker = working(inbox, () => {
      throw new Error('never');
    });
    await until('it is dead', () => {
      clock.advance(LIMITS.deliveryPauseMostMs);
      return dead.length === 1;
    });
    await worker.stop();
    await put(inbox, 'v2');
    expect(await applied(inbox)).toEqual(['v2']);
    at.now = 'v9';
    await inbox.retry(dead[0]!);
    expect(await applied(inbox)).toEqual(['v9']);
  });
});
