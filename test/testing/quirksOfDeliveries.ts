import { createHmac } from 'node:crypto';
import type { HubQuirks } from '../../src/testing/hub/quirks.ts';
import { numbersIn } from '../../src/testing/hub/topic.ts';
import { ALL_ATTEMPTS_MS, type Scene } from './callbacks.ts';
import type { Case } from './cases.ts';

type Of<Quirk extends keyof HubQuirks> = { readonly [Each in Quirk]: readonly Case<Scene, HubQuirks>[] };

const FAILS = { status: 500 };

/** Three are published while the callback is in trouble; it recovers when the first has been tried once. */
const troubledDeliveries = async ({ web, subscribe, publish, pass }: Scene) => {
  await subscribe('/a');
  web.answerDeliveries('/a', FAILS);
  await publish(3);
  web.answerDeliveries('/a', undefined);
  await pass(ALL_ATTEMPTS_MS);
  return web.numbers('/a');
};

const redirected = async ({ web, hub, subscribe, publish }: Scene) => {
  await subscribe('/a');
  web.answerDeliveries('/a', { status: 302, headers: { location: '/b' } });
  await publish();
  const there = web.received
    .filter(({ path }) => path === '/b')
    .map(({ method, body }) => [method, numbersIn(body || '{"number":0}')]);
  return [hub.log.deliveries.map(({ url, status }) => [new URL(url).pathname, status]), there];
};

const signature = (method: 'sha1' | 'sha384' | 'sha512'): Case<Scene, HubQuirks> => ({
  hazard: `signatures are made with ${method}`,
  quirks: { signature: method },
  course: async ({ web, subscribe, publish }) => {
    await subscribe('/a', { 'hub.secret': 'open sesame' });
    await publish();
    const [got] = web.deliveries('/a');
    const [named = '', digits] = String(got!.headers['x-hub-signature']).split('=');
    return [named, digits === createHmac(named, 'open sesame').update(got!.body).digest('hex')];
  },
  without: ['sha256', true],
  with: [method, true],
});

/** What is delivered, how, and how often. */
export const OF_DELIVERIES: Of<
  | 'retries'
  | 'overtakes'
  | 'redirects'
  | 'ignoresGone'
  | 'dropsAfterFailures'
  | 'suppressesUnchanged'
  | 'sendsOnlyNewEntries'
  | 'signature'
> = {
  retries: [
    {
      hazard: 'a failed delivery is never tried again',
      quirks: { retries: 'never' },
      course: troubledDeliveries,
      without: [1, 1, 2, 3],
      with: [1, 2, 3],
    },
    {
      hazard: 'a failed delivery is replaced by the latest content',
      quirks: { retries: 'latest' },
      course: troubledDeliveries,
      without: [1, 1, 2, 3],
      with: [1, 3],
    },
  ],
  overtakes: [
    {
      hazard: 'what is tried again arrives after what is newer',
      quirks: { overtakes: true },
      course: async ({ web, subscribe, publish, pass }) => {
        await subscribe('/a');
        web.answerDeliveries('/a', FAILS);
        await publish();
        web.answerDeliveries('/a', undefined);
        await publish();
        await pass(ALL_ATTEMPTS_MS);
        return web.numbers('/a');
      },
      without: [1, 1, 2],
      with: [1, 2, 1],
    },
  ],
  redirects: [
    {
      hazard: 'a delivery follows a redirect',
      quirks: { redirects: 'post' },
      course: redirected,
      without: [[['/a', 302]], []],
      with: [
        [
          ['/a', 302],
          ['/b', 200],
        ],
        [['POST', [1]]],
      ],
    },
    {
      hazard: 'a redirect that leads in a circle is a failure in the end',
      quirks: { redirects: 'post' },
      course: async ({ web, hub, subscribe, publish }) => {
        await subscribe('/a');
        web.answerDeliveries('/a', { status: 307, headers: { location: '/a' } });
        await publish();
        return hub.log.deliveries.map(({ attempt }) => attempt);
      },
      without: [1],
      with: [1, 1, 1, 1, 1, 1],
    },
    {
      hazard: 'a redirect loses the body, and counts as delivered',
      quirks: { redirects: 'get' },
      course: redirected,
      without: [[['/a', 302]], []],
      with: [
        [
          ['/a', 302],
          ['/b', 200],
        ],
        [['GET', []]],
      ],
    },
  ],
  ignoresGone: [
    {
      hazard: '410 does not end the subscription',
      quirks: { ignoresGone: true },
      course: async ({ web, subscribe, publish, pass, stateOf }) => {
        await subscribe('/a');
        web.answerDeliveries('/a', { status: 410 });
        await publish(2);
        await pass(1_000);
        return [web.numbers('/a'), stateOf('/a')];
      },
      without: [[1], 'gone'],
      with: [[1, 1], 'active'],
    },
  ],
  dropsAfterFailures: [
    {
      hazard: 'after three failures the subscription is gone, and nobody is told',
      quirks: { dropsAfterFailures: 3 },
      course: async ({ web, hub, subscribe, publish, pass, stateOf }) => {
        await subscribe('/a');
        web.answerDeliveries('/a', FAILS);
        await publish();
        await pass(3_000);
        web.answerDeliveries('/a', undefined);
        await publish();
        await pass(ALL_ATTEMPTS_MS);
        return [web.numbers('/a'), stateOf('/a'), hub.log.verifications.length];
      },
      without: [[1, 1, 1, 1, 2], 'active', 1],
      with: [[1, 1, 1], 'dropped', 1],
    },
    {
      hazard: 'who was dropped and subscribes again has as many failures again',
      quirks: { dropsAfterFailures: 2 },
      course: async ({ web, subscribe, publish, pass, stateOf }) => {
        const states: unknown[] = [];
        for (let i = 0; i < 2; i++) {
          await subscribe('/a');
          web.answerDeliveries('/a', FAILS);
          await publish();
          states.push(stateOf('/a'));
          await pass(1_000);
          states.push(stateOf('/a'));
          web.answerDeliveries('/a', undefined);
        }
        return states;
      },
      without: ['active', 'active', 'active', 'active'],
      with: ['active', 'dropped', 'active', 'dropped'],
    },
    {
      hazard: 'failures count in a row only',
      quirks: { dropsAfterFailures: 2 },
      course: async ({ web, subscribe, publish, pass, stateOf }) => {
        await subscribe('/a');
        for (let i = 0; i < 3; i++) {
          web.answerDeliveries('/a', FAILS);
          await publish();
          web.answerDeliveries('/a', undefined);
          await pass(1_000);
        }
        return stateOf('/a');
      },
      without: 'active',
      with: 'active',
    },
  ],
  suppressesUnchanged: [
    {
      hazard: 'unchanged content is not delivered; content that comes back is',
      quirks: { suppressesUnchanged: true },
      course: async ({ web, hub, topic, subscribe, publish }) => {
        await subscribe('/a');
        await publish();
        hub.publishAgain(topic);
        await publish();
        hub.revert(topic, 1);
        hub.revert(topic, 1);
        await publish();
        const [first, ...others] = web.deliveries('/a').map(({ body }) => body);
        return [web.numbers('/a'), others.filter((body) => body === first).length];
      },
      without: [[1, 1, 2, 1, 1, 3], 3],
      with: [[1, 2, 1, 3], 1],
    },
  ],
  sendsOnlyNewEntries: [
    {
      hazard: 'a feed is delivered without its old entries',
      quirks: { sendsOnlyNewEntries: true },
      kind: 'atom',
      course: async ({ web, topic, subscribe, publish }) => {
        await subscribe('/a');
        await publish(2);
        const page = await (await fetch(topic)).text();
        return [web.deliveries('/a').map(({ body }) => numbersIn(body)), numbersIn(page)];
      },
      without: [
        [[1], [2, 1]],
        [2, 1],
      ],
      with: [
        [[1], [2]],
        [2, 1],
      ],
    },
  ],
  signature: [signature('sha1'), signature('sha384'), signature('sha512')],
};
