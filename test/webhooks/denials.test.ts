import { expect, test } from 'vitest';
import { subscriptionView } from '../../src/admin/showSubscription.ts';
import { subscriptionText } from '../../src/cli/subscriptionText.ts';
import { load, save } from '../../src/engine/documents.ts';
import type { SubscriptionDocument } from '../../src/engine/schemas.ts';
import { hubPauseMs, subscriptionAtHome, subscriptionKey } from '../../src/engine/subscriptionDocument.ts';
import { LIMITS } from '../../src/limits.ts';
import { key } from '../../src/record/key.ts';
import { memoryStore } from '../../src/store/memory.ts';
import type { Denial } from '../../src/webhooks/callbacks.ts';
import { storedCallbacks } from '../../src/webhooks/storedCallbacks.ts';
import { checkComponent } from '../server/described.ts';
import { testClock } from './world.ts';

const SOURCE = key('Blog', 1).toString();
const KEY = subscriptionKey(SOURCE);
const TOPIC = 'http://t.example/';
const DAY_MS = 86_400_000;

/** A subscription of which something was asked a minute ago, or nothing; in time that stands still. */
async function subscribed(changed: Partial<SubscriptionDocument> = {}) {
  const now = testClock().now();
  let passed = 0;
  const clock = { ...testClock(), now: () => now + passed };
  const store = memoryStore();
  const of = { campaign: 'c.1', rule: 0, source: SOURCE, hub: 'http://hub.example/', protocol: 'feed' } as const;
  const terms = { topic: TOPIC, old: 'http://a.example/old', new: 'http://a.example/new' };
  const home = subscriptionAtHome({ ...of, topic: TOPIC }, terms);
  await save<'subscription'>(store, KEY, { ...home, ...changed }, undefined);
  const told: Denial[] = [];
  const callbacks = storedCallbacks(store, clock, { onDenied: (denial) => told.push(denial) });
  const stored = async () => (await load(store, 'subscription', KEY))!;
  return {
    ...{ store, clock, now, callbacks, told, stored },
    advance: (ms: number) => {
      passed += ms;
    },
    deny: (reason = 'no', side: 'old' | 'new' = 'new') => callbacks.denied({ subscription: SOURCE, side, reason }),
    refresh: (leaseSeconds: number) =>
      callbacks.verified({ subscription: SOURCE, side: 'old', mode: 'subscribe', topic: TOPIC, leaseSeconds }),
    value: async () => (await stored()).value,
  };
}

const asked = (attempt: number, deadlineAt = Number.MAX_SAFE_INTEGER) =>
  ({ state: 'verifying', intent: { id: 'i', mode: 'subscribe', side: 'new', attempt, deadlineAt } }) as const;

test('a flood of forged denials brings an attempt forward once, to the pause after a refusal, and is one write', async () => {
  for (const attempt of [1, 4, LIMITS.hubAttempts]) {
    const s = await subscribed(asked(attempt));
    await s.deny();
    const first = await s.stored();
    expect(first.value.intent).toMatchObject({ attempt, deadlineAt: s.now + hubPauseMs(attempt) });
    for (let n = 0; n < 8; n++) await s.deny(`no ${n}`);
    expect((await s.stored()).version).toBe(first.version);
    s.advance(LIMITS.suspicionMs);
    await s.deny('later');
    expect(await s.value()).toMatchObject({ intent: first.value.intent, denied: { reason: 'later' } });
    expect(s.told.map(({ reason }) => reason)).toEqual(['no', 'later']);
  }
});

test('the next attempt is brought forward again, and one whose answer is due sooner is left alone', async () => {
  const s = await subscribed(asked(1));
  await s.deny();
  const { value, version } = await s.stored();
  await save<'subscription'>(s.store, KEY, { ...value, ...asked(2) }, version);
  await s.deny('again');
  expect(await s.value()).toMatchObject({
    intent: { attempt: 2, deadlineAt: s.now + hubPauseMs(2) },
    denied: { reason: 'again' },
  });
  const soon = await subscribed(asked(3, s.now + 1));
  await soon.deny();
  expect((await soon.value()).intent).toMatchObject({ deadlineAt: s.now + 1 });
});

test('the reason is kept, told and shown, without what would move a terminal, or be without end', async () => {
  const s = await subscribed();
  await s.deny(`too many\n\u001b[2Jtopics ${'x'.repeat(1_000)}`, 'old');
  const { denied } = await s.value();
  expect(denied).toMatchObject({ side: 'old', at: s.now, reason: expect.stringMatching(/^too many \[2Jtopics x+$/) });
  expect(denied!.reason).toHaveLength(LIMITS.hubCauseCharacters);
  expect(s.told).toEqual([{ subscription: SOURCE, side: 'old', reason: denied!.reason }]);
  const view = await subscriptionView(s.store, 'c.1', key('Blog', 1));
  expect(view).toMatchObject({ denied: { side: 'old', at: s.now } });
  await checkComponent('SubscriptionView', view);
  expect(subscriptionText(view!)).toMatch(/denied +old URL, at .*: too many \[2Jtopics x/);
});

test('a refresh that nobody asked for makes no lease longer than the one before', async () => {
  const { old } = (await (await subscribed()).value()) as SubscriptionDocument;
  const leased = { old: { ...old, leaseMs: 10 * DAY_MS, leaseUntil: 1 } };
  const leaseOf = async (changed: Partial<SubscriptionDocument>, days: number) => {
    const s = await subscribed(changed);
    expect(await s.refresh((days * DAY_MS) / 1_000)).toBe(true);
    const { leaseMs, leaseUntil } = (await s.value()).old;
    return [leaseMs! / DAY_MS, (leaseUntil! - s.now) / DAY_MS];
  };
  expect(await leaseOf(leased, 365)).toEqual([10, 10]);
  expect(await leaseOf(leased, 7)).toEqual([7, 7]);
  expect(await leaseOf({}, 365)).toEqual([LIMITS.hubLeaseMs / DAY_MS, LIMITS.hubLeaseMs / DAY_MS]);
  const renewal = { ...asked(1).intent, side: 'old' } as const;
  expect(await leaseOf({ ...leased, renewal }, 15)).toEqual([15, 15]);
});
