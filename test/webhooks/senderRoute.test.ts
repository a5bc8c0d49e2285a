import { describe, expect, it } from 'vitest';
import { SUBSCRIPTION_STATES, type SubscriptionState } from '../../machines/subscription.ts';
import type { SubscriptionDocument } from '../../src/engine/schemas.ts';
import { routeOf, SHARE_RAMP, shareAt } from '../../src/webhooks/sender/route.ts';

const MINUTE_MS = 60_000;

function at(state: SubscriptionState, its: { failedAt?: number; oldVerifiedAt?: number } = {}): SubscriptionDocument {
  const { failedAt, oldVerifiedAt } = its;
  return {
    v: 1,
    campaign: 'c.1',
    rule: 0,
    source: 'Endpoint:1',
    state,
    hub: 'sender',
    topic: 't',
    protocol: 'standardwebhooks',
    scope: 't',
    old: { url: 'o', secrets: [], active: true, ...(oldVerifiedAt === undefined ? {} : { verifiedAt: oldVerifiedAt }) },
    new: { url: 'n', secrets: [], active: true, verifiedAt: 0, ...(failedAt === undefined ? {} : { failedAt }) },
    seq: 0,
    journal: [],
  };
}

const events = Array.from({ length: 1000 }, (_, i) => `evt_${i}`);
const route = (document: SubscriptionDocument, now: number, id = 'evt_1', retryAt?: 'old' | 'new') =>
  routeOf(document, { id, retryAt }, SHARE_RAMP, now);
const toNew = (document: SubscriptionDocument, now: number) =>
  new Set(events.filter((id) => route(document, now, id).to === 'new'));

describe('the share of an endpoint on trial', () => {
  it('grows from a twentieth to everything in five minutes', () => {
    const minutes = [0, 1, 2, 3, 4, 5].map((n) => shareAt(SHARE_RAMP, n * MINUTE_MS));
    expect(minutes).toEqual([5, 10, 20, 40, 80, 100]);
  });

  it('is a share of the events, and keeps those that it has', () => {
    const trial = at('overlapping');
    let before = toNew(trial, 0);
    for (let minute = 0; minute <= 5; minute++) {
      const now = toNew(trial, minute * MINUTE_MS);
      expect(Math.abs(now.size / 10 - shareAt(SHARE_RAMP, minute * MINUTE_MS))).toBeLessThan(4);
      expect([...before].filter((id) => !now.has(id))).toEqual([]);
      before = now;
    }
    expect(before.size).toBe(1000);
  });

  it('begins anew with a failure', () => {
    expect(toNew(at('overlapping', { failedAt: 10 * MINUTE_MS }), 11 * MINUTE_MS).size).toBeLessThan(150);
  });
});

describe('where an event goes', () => {
  const late = 100 * MINUTE_MS;

  it.each<[SubscriptionState, 'old' | 'new', 'old' | 'new' | undefined]>([
    ['home', 'old', undefined],
    ['subscribing', 'old', undefined],
    ['verifying', 'old', undefined],
    ['overlapping', 'new', 'old'],
    ['proven', 'new', 'old'],
    ['unsubscribing', 'new', undefined],
    ['lapsing', 'new', undefined],
    ['draining', 'new', undefined],
    ['switched', 'new', undefined],
    ['settled', 'new', undefined],
    ['resubscribing', 'new', undefined],
    ['reverifying', 'new', undefined],
    ['returning', 'old', 'new'],
    ['withdrawing', 'old', undefined],
  ])('%s, the trial being long: %s, or else %s', (state, to, orElse) => {
    const { share: _, ...its } = route(at(state), late);
    expect(its).toEqual(orElse === undefined ? { to } : { to, orElse });
  });

  it('is said for every state', () => {
    for (const state of SUBSCRIPTION_STATES) expect(route(at(state), late).to).toMatch(/^(old|new)$/);
  });

  it('once an endpoint is given up is there only for what is in retry there', () => {
    for (const state of ['unsubscribing', 'lapsing', 'draining'] as const)
      expect(route(at(state), late, 'evt_1', 'old')).toEqual({ to: 'old', orElse: 'new' });
    for (const state of ['switched', 'settled', 'resubscribing', 'reverifying'] as const)
      expect(route(at(state), late, 'evt_1', 'old')).toEqual({ to: 'new' });
  });

  it('on the way back is by the share of the old one, which is on trial then', () => {
    const back = at('proven', { oldVerifiedAt: late });
    expect(toNew(back, late).size).toBeGreaterThan(850);
    expect(route(back, late + 5 * MINUTE_MS)).toMatchObject({ to: 'old', orElse: 'new' });
  });
});
