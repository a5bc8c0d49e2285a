import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type ErrorCode, HandoverError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { Content } from '../../src/record/content.ts';
import { memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { Outbox } from '../../src/webhooks/sender/outbox.ts';
import { made, put } from './inboxes.ts';
import { listed, testClock, until, working } from './world.ts';

/** A store that throws this of everything, or of commits alone, for as long as it is set. */
function refusing() {
  const now: { code?: ErrorCode; commits?: boolean } = {};
  const store = new Proxy(memoryStore(), {
    get: (real, name) => {
      const found = Reflect.get(real, name);
      if (typeof found !== 'function') return found;
      return (...args: unknown[]) => {
        const concerns = name === 'commit' || (!now.commits && (name === 'find' || name === 'read'));
        if (now.code && concerns) return Promise.reject(new HandoverError(now.code, 'for a while.'));
        return found.apply(real, args);
      };
    },
  }) as Store;
  return { now, store };
}

const codes = (told: readonly unknown[]) => new Set(told.map((error) => (error as HandoverError).code));

describe('an inbox at work outlives', () => {
  const CODES = ['store.denied', 'store.rejected', 'store.driver', 'store.missing', 'store.unavailable'] as const;

  test.each(CODES)('%s at its looks, and applies what came meanwhile', async (code) => {
    const told: unknown[] = [];
    const { now, store } = refusing();
    const { inbox } = made({ store, onError: (error) => told.push(error) });
    const worker = working(inbox, () => {});
    now.code = code;
    await until('it was told twice', () => told.length > 1);
    delete now.code;
    await put(inbox, 'a');
    await until('it is applied', async () => (await listed(inbox, 'applied')).length === 1);
    await worker.stop();
    expect(codes(told)).toEqual(new Set([code]));
  });

  test('a store that takes no writes when a run has ended: it is run again, under the same id', async () => {
    const told: unknown[] = [];
    const ids: string[] = [];
    const { now, store } = refusing();
    const { inbox, clock } = made({ store, onError: (error) => told.push(error) });
    await put(inbox, 'a');
    const worker = working(inbox, ({ id }) => {
      ids.push(id);
      if (ids.length === 1) Object.assign(now, { code: 'store.denied', commits: true });
    });
    await until('it could not be marked', () => told.length > 0);
    delete now.code;
    await until('it is applied', async () => {
      clock.advance(LIMITS.deliveryClaimMs);
      return (await listed(inbox, 'applied')).length === 1;
    });
    await worker.stop();
    expect(new Set(ids).size).toBe(1);
    expect(codes(told)).toEqual(new Set(['store.denied']));
  });

  describe('callbacks of the application', () => {
    const unhandled = vi.fn();
    beforeEach(() => void process.on('unhandledRejection', unhandled.mockClear()));
    afterEach(() => void process.off('unhandledRejection', unhandled));

    test.each([
      [
        'throw',
        (error: Error): void => {
          throw error;
        },
      ],
      [
        'reject',
        async (error: Error): Promise<void> => {
          throw error;
        },
      ],
    ])('that %s', async (_, fail) => {
      const told: string[] = [];
      const onError = (error: unknown) => {
        told.push((error as Error).message);
        return fail(new Error('onError'));
      };
      const onDead = () => fail(new Error('onDead'));
      const { inbox, store, clock } = made({ onError, onDead, onCorrupt: () => fail(new Error('onCorrupt')) });
      await put(inbox, 'a', 'b');
      const { entities } = await store.scan({ namespace: '', kind: '_HandoverDelivery' }, 1);
      const { key, content } = entities[0]!;
      const broken = new Map(content.properties).set('state', { type: 'string', value: '{', unindexed: true });
      await store.overwrite([{ key, content: Content.of(broken) }]);
      let failing = true;
      const worker = working(inbox, () => {
        if (failing) throw new Error('never');
      });
      await until('both were told', () => {
        clock.advance(LIMITS.deliveryPauseMostMs);
        return told.includes('onDead') && told.includes('onCorrupt');
      });
      failing = false;
      await put(inbox, 'good');
      await until('the other is applied', async () => (await listed(inbox, 'applied')).length === 1);
      await worker.stop();
      expect(unhandled).not.toHaveBeenCalled();
    });
  });
});

test('an outbox at work outlives a store that lets nobody in', async () => {
  const told: unknown[] = [];
  const { now, store } = refusing();
  const options = {
    store,
    clock: testClock(),
    endpoint: () => undefined,
    onError: (error: unknown) => told.push(error),
  };
  const outbox = new Outbox(options);
  const end = new AbortController();
  let over = false;
  const work = outbox.work(end.signal).finally(() => {
    over = true;
  });
  now.code = 'store.denied';
  await until('it was told twice', () => told.length > 1);
  expect(over).toBe(false);
  end.abort();
  await work;
});
