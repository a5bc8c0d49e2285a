import { createHmac } from 'node:crypto';
import { expect } from 'vitest';
import type { HubQuirks } from '../../src/testing/hub/quirks.ts';
import { ALL_ATTEMPTS_MS, obliging, type Scene } from './callbacks.ts';
import type { Case } from './cases.ts';

type Of<Quirk extends keyof HubQuirks> = { readonly [Each in Quirk]: readonly Case<Scene, HubQuirks>[] };

const FAILS = { status: 500 };

/** Verifications of a callback that is in trouble at first, and what comes of it. */
const troubledVerification = async ({ web, hub, subscribe, pass, stateOf }: Scene) => {
  web.answerVerifications('/a', FAILS);
  const status = await subscribe('/a');
  web.answerVerifications('/a', undefined);
  await pass(ALL_ATTEMPTS_MS);
  return [status, hub.log.verifications.map((each) => each.confirmed), stateOf('/a')];
};

/** What the subscriber has been answered by the time its callback is asked. */
const answeredByThen = async ({ hub, web, subscribe, stateOf }: Scene) => {
  const answered: unknown[] = [];
  web.answer('/a', (received) => {
    answered.push(hub.log.asked[0]?.status);
    return obliging(received);
  });
  return [await subscribe('/a', { 'hub.verify': 'sync' }), answered, stateOf('/a')];
};

const unknownUnsubscribe = async ({ web, unsubscribe }: Scene) => {
  const status = await unsubscribe('/stranger');
  return [status, web.received.map(({ query }) => query.get('hub.mode'))];
};

/** How subscriptions come and go. */
export const OF_SUBSCRIPTIONS: Of<
  | 'verification'
  | 'verifiesAfterMs'
  | 'unknownUnsubscribe'
  | 'sendsOldContent'
  | 'missesWhileVerifying'
  | 'signsWithRefusedSecret'
  | 'clampsLease'
  | 'refusesNew'
  | 'wantsVerify'
  | 'refreshesBeforeMs'
> = {
  verification: [
    {
      hazard: 'a callback in trouble is asked once only',
      quirks: { verification: 'once' },
      course: troubledVerification,
      without: [202, [false, true], 'active'],
      with: [202, [false], 'refused'],
    },
    {
      hazard: 'the callback is asked before the 202',
      quirks: { verification: 'synchronous' },
      course: answeredByThen,
      without: [202, [202], 'active'],
      with: [202, ['under way'], 'active'],
    },
    {
      hazard: 'a request that the callback does not confirm before the answer fails',
      quirks: { verification: 'synchronous' },
      course: troubledVerification,
      without: [202, [false, true], 'active'],
      with: [409, [false], 'refused'],
    },
  ],
  verifiesAfterMs: [
    {
      hazard: 'the callback is asked long after the 202',
      quirks: { verifiesAfterMs: 30_000 },
      course: async ({ subscribe, stateOf, pass }) => {
        await subscribe('/a');
        const states = [stateOf('/a')];
        await pass(29_999);
        states.push(stateOf('/a'));
        await pass(1);
        return [...states, stateOf('/a')];
      },
      without: ['active', 'active', 'active'],
      with: ['pending', 'pending', 'active'],
    },
  ],
  unknownUnsubscribe: [
    {
      hazard: 'an unknown unsubscribe is answered 202, and nothing follows',
      quirks: { unknownUnsubscribe: 'silent' },
      course: unknownUnsubscribe,
      without: [202, ['unsubscribe']],
      with: [202, []],
    },
    {
      hazard: 'an unknown unsubscribe is answered 400',
      quirks: { unknownUnsubscribe: 'refused' },
      course: unknownUnsubscribe,
      without: [202, ['unsubscribe']],
      with: [400, []],
    },
    {
      hazard: 'one that is known is ended all the same',
      quirks: { unknownUnsubscribe: 'refused' },
      course: async ({ subscribe, unsubscribe, stateOf }) => {
        await subscribe('/a');
        return [await unsubscribe('/a'), stateOf('/a')];
      },
      without: [202, 'unsubscribed'],
      with: [202, 'unsubscribed'],
    },
  ],
  sendsOldContent: [
    {
      hazard: 'a fresh subscription gets what is old, a renewed one does not',
      quirks: { sendsOldContent: true },
      course: async ({ web, subscribe, publish }) => {
        await publish(2);
        await subscribe('/a');
        await subscribe('/a');
        return web.numbers('/a');
      },
      without: [],
      with: [2],
    },
    {
      hazard: 'what was published since the request is sent anyway, and not twice',
      quirks: { sendsOldContent: true },
      course: async ({ web, hub, subscribe, publish, pass }) => {
        await publish();
        hub.set({ verifiesAfterMs: 1_000 });
        await subscribe('/a');
        await publish();
        await pass(1_000);
        return web.numbers('/a');
      },
      without: [2],
      with: [2],
    },
  ],
  missesWhileVerifying: [
    {
      hazard: 'what is published between the 202 and the verification reaches only the old URL',
      quirks: { missesWhileVerifying: true },
      course: async ({ web, hub, subscribe, publish, pass }) => {
        await subscribe('/old');
        hub.set({ verifiesAfterMs: 1_000 });
        await publish();
        await subscribe('/new');
        await publish();
        await pass(1_000);
        await publish();
        return [web.numbers('/old'), web.numbers('/new')];
      },
      without: [
        [1, 2, 3],
        [2, 3],
      ],
      with: [[1, 2, 3], [3]],
    },
  ],
  signsWithRefusedSecret: [
    {
      hazard: 'the secret of a refused renewal signs',
      quirks: { signsWithRefusedSecret: true },
      course: async ({ web, subscribe, publish }) => {
        await subscribe('/a', { 'hub.secret': 'old' });
        web.answerVerifications('/a', { status: 404 });
        await subscribe('/a', { 'hub.secret': 'new' });
        web.answerVerifications('/a', undefined);
        await publish();
        const [got] = web.deliveries('/a');
        const signed = (secret: string) => `sha256=${createHmac('sha256', secret).update(got!.body).digest('hex')}`;
        return ['old', 'new'].filter((secret) => signed(secret) === got!.headers['x-hub-signature']);
      },
      without: ['old'],
      with: ['new'],
    },
  ],
  clampsLease: [
    {
      hazard: 'the lease is another than was asked for',
      quirks: { clampsLease: { leastSeconds: 300, mostSeconds: 3_600 } },
      course: async ({ hub, subscribe }) => {
        await subscribe('/a', { 'hub.lease_seconds': '1' });
        await subscribe('/b', { 'hub.lease_seconds': '99999' });
        await subscribe('/c', { 'hub.lease_seconds': '600' });
        await subscribe('/d');
        const { verifications, subscriptions } = hub.log;
        const granted = subscriptions.map((each) => each.leaseSeconds);
        expect(verifications.map((each) => each.leaseSeconds)).toEqual(granted);
        return granted;
      },
      without: [1, 99_999, 600, 864_000],
      with: [300, 3_600, 600, 3_600],
    },
  ],
  refusesNew: [
    {
      hazard: 'new subscriptions are refused, while old ones are served, renewed and ended',
      quirks: { refusesNew: true },
      course: async ({ hub, web, subscribe, unsubscribe, publish }) => {
        const { refusesNew } = hub.quirks;
        hub.set({ refusesNew: false });
        await subscribe('/old');
        hub.set({ refusesNew });
        const fresh = await subscribe('/new');
        const renewed = await subscribe('/old');
        await publish();
        return [fresh, renewed, web.numbers('/old'), await unsubscribe('/old'), await subscribe('/old')];
      },
      without: [202, 202, [1], 202, 202],
      with: [503, 202, [1], 202, 503],
    },
  ],
  wantsVerify: [
    {
      hazard: 'a hub of version 0.3 verifies before its answer, and that is 204',
      quirks: { wantsVerify: true },
      course: answeredByThen,
      without: [202, [202], 'active'],
      with: [204, ['under way'], 'active'],
    },
    {
      hazard: 'a hub of version 0.3 asks once, when its answer is waited for',
      quirks: { wantsVerify: true },
      course: async ({ web, hub, subscribe, stateOf }) => {
        web.answerVerifications('/a', FAILS);
        const status = await subscribe('/a', { 'hub.verify': 'sync' });
        return [status, hub.log.verifications.length, stateOf('/a')];
      },
      without: [202, 1, 'pending'],
      with: [409, 1, 'refused'],
    },
    {
      hazard: 'a hub of version 0.3 refuses who does not say how to verify',
      quirks: { wantsVerify: true },
      course: async ({ subscribe }) => [await subscribe('/a'), await subscribe('/a', { 'hub.verify': 'async' })],
      without: [202, 202],
      with: [400, 202],
    },
  ],
  refreshesBeforeMs: [
    {
      hazard: 'a lease that the callback renewed is refreshed before its new end, and a short one at its half',
      quirks: { refreshesBeforeMs: 10_000 },
      course: async ({ hub, clock, subscribe, pass }) => {
        const begin = clock.now();
        await subscribe('/a', { 'hub.lease_seconds': '60' });
        await pass(30_000);
        await subscribe('/a', { 'hub.lease_seconds': '60' });
        await pass(60_000);
        await subscribe('/b', { 'hub.lease_seconds': '4' });
        await pass(4_000);
        return hub.log.verifications.map(({ at, url }) => [new URL(url).pathname, at - begin]);
      },
      without: [
        ['/a', 0],
        ['/a', 30_000],
        ['/b', 90_000],
      ],
      with: [
        ['/a', 0],
        ['/a', 30_000],
        ['/a', 80_000],
        ['/b', 90_000],
        ['/b', 92_000],
        ['/b', 94_000],
      ],
    },
    {
      hazard: 'a hub of version 0.3 renews by itself, as long as the callback says yes',
      quirks: { refreshesBeforeMs: 10_000 },
      course: async ({ web, hub, clock, subscribe, publish, pass, stateOf }) => {
        const begin = clock.now();
        await subscribe('/a', { 'hub.lease_seconds': '60', 'hub.secret': 'open sesame' });
        await pass(120_000);
        await publish();
        const isSigned = web.deliveries('/a').map(({ headers }) => 'x-hub-signature' in headers);
        web.answerVerifications('/a', { status: 404 });
        await pass(60_000);
        const asked = hub.log.verifications.map(({ mode, at, confirmed }) => [mode, at - begin, confirmed]);
        return [asked, isSigned, stateOf('/a')];
      },
      without: [[['subscribe', 0, true]], [], 'expired'],
      with: [
        [
          ['subscribe', 0, true],
          ['subscribe', 50_000, true],
          ['subscribe', 100_000, true],
          ['subscribe', 150_000, false],
        ],
        [true],
        'expired',
      ],
    },
  ],
};
