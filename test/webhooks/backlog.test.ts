import { expect, it } from 'vitest';
import type { Hub } from '../../src/define/hub.ts';
import { load, save } from '../../src/engine/documents.ts';
import { UNFENCED } from '../../src/engine/fence.ts';
import type { SubscriptionDocument } from '../../src/engine/schemas.ts';
import { bringSubscription } from '../../src/engine/subscription.ts';
import { subscriptionAtHome, subscriptionKey } from '../../src/engine/subscriptionDocument.ts';
import { LIMITS } from '../../src/limits.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { handClock } from '../engine/harness.ts';

const hub: Hub = {
  name: 'silent',
  shape: 'overlap',
  subscribe: async () => ({ status: 'accepted' }),
  unsubscribe: async () => ({ status: 'accepted' }),
};
const QUIET_MS = 3_600_000;
const KEY = subscriptionKey('Feed:1');

/** The state of one whose new URL was verified an hour before and has delivered since, after one visit. */
async function stateOf(
  old: Partial<SubscriptionDocument['old']>,
  state: SubscriptionDocument['state'] = 'overlapping',
) {
  const [store, clock] = [memoryStore(), handClock()];
  const topic = 'https://blog.example/';
  const of = { campaign: 'c.1', rule: 0, source: 'Feed:1', hub: topic, topic, protocol: 'websub' } as const;
  const terms = {
    topic,
    old: 'https://app.example/old',
    new: 'https://app.example/new',
    oldSecret: 's',
    newSecret: 's',
  };
  const home = subscriptionAtHome(of, terms);
  const its = {
    ...home.new,
    active: true,
    verifiedAt: clock.now() - QUIET_MS + 1,
    deliveredAt: clock.now() - QUIET_MS / 2,
  };
  await save<'subscription'>(store, KEY, { ...home, state, old: { ...home.old, ...old }, new: its }, undefined);
  const stored = (await load(store, 'subscription', KEY))!;
  const rule = { hub, quietMs: QUIET_MS, keepOldMs: 0 };
  await bringSubscription(stored, () => 'copied', { store, clock, worker: 'w1', rule, fence: UNFENCED });
  return (await load(store, 'subscription', KEY))!.value.state;
}

const AGO = (ms: number) => handClock().now() - ms;

it('an old URL is not given up while what it did not take may wait at the hub to be sent again', async () => {
  expect(await stateOf({ deliveredAt: AGO(QUIET_MS * 2) })).toBe('overlapping');
  expect(await stateOf({})).toBe('overlapping');
});

it('what waited there, and follows the first that was taken again, is waited for', async () => {
  expect(await stateOf({ deliveredAt: AGO(LIMITS.hubBacklogMs - 1) })).toBe('overlapping');
  expect(await stateOf({ deliveredAt: AGO(LIMITS.hubBacklogMs) })).toBe('proven');
});

it('an old URL that the hub does not post to any more, or that nobody could tell of, is not waited for', async () => {
  expect(await stateOf({ active: false })).toBe('proven');
  expect(await stateOf({ leaseUntil: AGO(0) })).toBe('proven');
  expect(await stateOf({ leaseUntil: AGO(-1) })).toBe('overlapping');
  expect(await stateOf({ secrets: [] })).toBe('proven');
});
