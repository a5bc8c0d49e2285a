import { describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../src/clock.ts';
import { load, save } from '../../src/engine/documents.ts';
import {
  callbackKey,
  subscriptionAtHome,
  subscriptionKey,
  suspicionKey,
} from '../../src/engine/subscriptionDocument.ts';
import { type Fault, MemoryData, memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { storedCallbacks } from '../../src/webhooks/storedCallbacks.ts';
import type { Suspicion } from '../../src/webhooks/suspicions.ts';
import { SECRET, until } from './world.ts';

/** Long sleeps end when they are told to; a pause between attempts is none. */
function heldClock(): Clock & { wake(): void; asleep(): number } {
  const sleepers = new Set<() => void>();
  return {
    ...systemClock,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const done = () => {
          sleepers.delete(done);
          resolve();
        };
        if (ms < 5_000 || signal?.aborted) return resolve();
        sleepers.add(done);
        signal?.addEventListener('abort', done, { once: true });
      }),
    wake: () => {
      for (const done of [...sleepers]) done();
    },
    asleep: () => sleepers.size,
  };
}

const forged = { subscription: 'Blog:1', side: 'new', why: 'mismatch' } as const;

function counting(data: MemoryData, fault?: (commit: number) => Fault | undefined) {
  const commits = { made: 0 };
  const store = memoryStore({ data, fault: ({ op }) => (op === 'commit' ? fault?.(commits.made++) : undefined) });
  return { store, commits };
}

const countIn = async (store: Store) => (await load(store, 'suspicion', suspicionKey('Blog:1')))?.value.new?.count;

describe('forged deliveries', () => {
  test('a flood of them is two writes, none is missing from the count, and a log hears of it twice', async () => {
    const { store, commits } = counting(new MemoryData(), () => undefined);
    const clock = heldClock();
    const heard: Suspicion[] = [];
    const callbacks = storedCallbacks(store, clock, { onSuspicious: (each) => heard.push(each) });
    for (let n = 0; n < 500; n++) await callbacks.suspicious(forged);
    await until('the first is written', async () => (await countIn(store)) !== undefined);
    for (let n = 0; n < 500; n++) await callbacks.suspicious({ ...forged, why: 'missing' });
    expect(commits.made).toBe(1);
    clock.wake();
    await until('the rest is written', async () => (await countIn(store)) === 1000);
    expect(commits.made).toBe(2);
    expect(heard.reduce((sum, { count }) => sum + count, 0)).toBe(1000);
    expect(heard.at(-1)).toMatchObject({ subscription: 'Blog:1', side: 'new', why: 'missing' });
    expect(heard).toHaveLength(2);
    // It is over: nothing is kept, and the next one is written at once.
    await until('it sleeps', () => clock.asleep() === 1);
    clock.wake();
    await until('it is forgotten', () => clock.asleep() === 0);
    await callbacks.suspicious(forged);
    await until('the next is written', async () => (await countIn(store)) === 1001);
    await callbacks.settled!();
  });

  test('what was kept back is written when the process ends', async () => {
    const { store } = counting(new MemoryData());
    const callbacks = storedCallbacks(store, heldClock());
    for (let n = 0; n < 7; n++) await callbacks.suspicious(forged);
    await callbacks.settled!();
    expect(await countIn(store)).toBe(7);
  });

  test.each([
    ['lost', { kind: 'lost' }],
    ['lost and not applied', { kind: 'lost', applied: false }],
    ['busy', { kind: 'busy', why: 'exhausted' }],
    ['a conflict', { kind: 'conflict', index: 0 }],
  ] as const)('when the answer to a write is %s, each is counted once', async (_, fault) => {
    const { store } = counting(new MemoryData(), (commit) => (commit % 2 === 0 ? fault : undefined));
    const callbacks = storedCallbacks(store, heldClock());
    for (let n = 0; n < 3; n++) await callbacks.suspicious(forged);
    await callbacks.settled!();
    expect(await countIn(store)).toBe(3);
  });

  test('two processes add to one count, and each URL has its own', async () => {
    const data = new MemoryData();
    const all = [1, 2].map(() => storedCallbacks(memoryStore({ data }), heldClock()));
    for (const callbacks of all) {
      for (let n = 0; n < 5; n++) await callbacks.suspicious(forged);
      await callbacks.suspicious({ ...forged, side: 'old' });
    }
    await Promise.all(all.map((callbacks) => callbacks.settled!()));
    const store = memoryStore({ data });
    const found = await load(store, 'suspicion', suspicionKey('Blog:1'));
    expect(found!.value).toMatchObject({ subscription: 'Blog:1', new: { count: 10 }, old: { count: 2 } });
  });

  test('a store that is away is told of, and what it missed is written when it is back', async () => {
    let away = true;
    const { store } = counting(new MemoryData(), () => (away ? { kind: 'lost', applied: false } : undefined));
    const clock = heldClock();
    const errors: unknown[] = [];
    const callbacks = storedCallbacks(store, clock, { onError: (error) => errors.push(error) });
    await callbacks.suspicious(forged);
    await until('it failed', () => errors.length === 1);
    away = false;
    await until('it sleeps', () => clock.asleep() === 1);
    clock.wake();
    await until('it is written', async () => (await countIn(store)) === 1);
    await callbacks.settled!();
  });
});

describe('what a path stands for', () => {
  async function stored() {
    const store = memoryStore();
    const of = { campaign: 'c.1', rule: 0, source: 'Blog:1', hub: 'http://hub.example/', protocol: 'github' } as const;
    const urls = { topic: 'http://t.example/', old: 'http://a.example/old', new: 'http://a.example/new' };
    const document = subscriptionAtHome({ ...of, topic: urls.topic }, { ...urls, oldSecret: SECRET });
    const key = subscriptionKey('Blog:1');
    await save<'callback'>(store, callbackKey('/old'), { v: 1, subscription: 'Blog:1', side: 'old' }, undefined);
    await save<'subscription'>(store, key, document, undefined);
    const change = async (by: Partial<typeof document>) => {
      const { value, version } = (await load(store, 'subscription', key))!;
      await save<'subscription'>(store, key, { ...value, ...by }, version);
    };
    return { store, document, change, callbacks: storedCallbacks(store, systemClock) };
  }

  test('a change by another process is seen by the next request', async () => {
    const { callbacks, change, document } = await stored();
    expect(await callbacks.find('/old')).toMatchObject({ secrets: [SECRET], gone: false, proven: false });
    await change({ old: { ...document.old, secrets: [SECRET, 'another'], deliveredAt: 5 } });
    expect(await callbacks.find('/old')).toMatchObject({ secrets: [SECRET, 'another'], proven: true });
    await change({ state: 'settled' });
    expect(await callbacks.find('/old')).toMatchObject({ gone: true });
  });

  test('a subscription that is gone is known no more', async () => {
    const { callbacks, store } = await stored();
    await callbacks.find('/old');
    await store.overwrite([], [subscriptionKey('Blog:1')]);
    expect(await callbacks.find('/old')).toBeUndefined();
  });

  test('only the first delivery since it was subscribed is written down', async () => {
    const { callbacks, store } = await stored();
    await callbacks.delivered({ subscription: 'Blog:1', side: 'old' });
    const first = await load(store, 'subscription', subscriptionKey('Blog:1'));
    await callbacks.delivered({ subscription: 'Blog:1', side: 'old' });
    expect((await load(store, 'subscription', subscriptionKey('Blog:1')))!.version).toBe(first!.version);
    expect(await callbacks.find('/old')).toMatchObject({ proven: true });
  });
});
