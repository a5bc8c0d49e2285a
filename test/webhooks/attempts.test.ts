import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../src/limits.ts';
import { Content } from '../../src/record/content.ts';
import { type Fault, MemoryData, memoryStore } from '../../src/store/memory.ts';
import { Inbox } from '../../src/webhooks/inbox.ts';
import { made, put, received } from './inboxes.ts';
import { applied, listed, testClock, textOf, until, working } from './world.ts';

describe('a handler that fails, and what is in its way', () => {
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
