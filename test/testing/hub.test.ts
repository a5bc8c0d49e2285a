import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { numbersIn } from '../../src/testing/hub/topic.ts';
import { ALL_ATTEMPTS_MS, closeAll, scene } from './callbacks.ts';

afterEach(closeAll);

describe('the pages of topics', () => {
  test('name their hub and themselves in Link headers and in the feed, to GET and to HEAD', async () => {
    const { hub, topic } = await scene({ kind: 'atom' });
    hub.publish(topic);
    const got = await fetch(topic);
    const link = `<${hub.url}>; rel="hub", <${topic}>; rel="self"`;
    expect(got.headers.get('link')).toBe(link);
    expect(got.headers.get('content-type')).toBe('application/atom+xml');
    const feed = await got.text();
    expect(feed).toContain(`<link rel="hub" href="${hub.url}"/>`);
    expect(feed).toContain(`<link rel="self" href="${topic}"/>`);
    const asked = await fetch(topic, { method: 'HEAD' });
    expect(asked.headers.get('link')).toBe(link);
    expect((await fetch(`${topic}2`)).status).toBe(404);
  });

  test('say what was published, by number', async () => {
    const { hub, topic } = await scene({ kind: 'atom' });
    const state = hub.addTopic('state', 'json');
    expect(numbersIn(await (await fetch(state)).text())).toEqual([]);
    expect([1, 2, 3].map(() => hub.publish(topic))).toEqual([1, 2, 3]);
    expect([1, 2].map(() => hub.publish(state))).toEqual([1, 2]);
    expect(numbersIn(await (await fetch(topic)).text())).toEqual([3, 2, 1]);
    expect(numbersIn(await (await fetch(state)).text())).toEqual([2]);
    for (let i = 4; i <= 12; i++) hub.publish(topic);
    expect(numbersIn(hub.content(topic).body)).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
    expect(hub.content(state).body).toBe(await (await fetch(state)).text());
  });
});

describe('a delivery', () => {
  test('has the whole page, its content type, its links and a signature', async () => {
    const { hub, web, topic, subscribe, publish } = await scene({ kind: 'atom' });
    await subscribe('/a', { 'hub.secret': 'open sesame' });
    await publish(2);
    const [, got] = web.deliveries('/a');
    const page = await fetch(topic);
    expect(got!.body).toBe(await page.text());
    expect(got!.headers).toMatchObject({
      'content-type': page.headers.get('content-type'),
      link: `<${hub.url}>; rel="hub", <${topic}>; rel="self"`,
      'x-hub-signature': `sha256=${createHmac('sha256', 'open sesame').update(got!.body).digest('hex')}`,
      connection: 'close',
    });
  });

  test('without a secret is not signed', async () => {
    const { web, subscribe, publish } = await scene();
    await subscribe('/a');
    await publish();
    expect(web.deliveries('/a')[0]!.headers).not.toHaveProperty('x-hub-signature');
  });

  test.each(['nothing', { status: 500 }, { status: 404 }] as const)(
    'that is answered with %o is tried again with back-off, and those behind it wait',
    async (reply) => {
      const { hub, web, clock, subscribe, publish, pass } = await scene();
      const begin = clock.now();
      await subscribe('/a');
      web.answerDeliveries('/a', reply);
      await publish(2);
      await pass(3_000);
      web.answerDeliveries('/a', undefined);
      await pass(ALL_ATTEMPTS_MS);
      const status = reply === 'nothing' ? 'no answer' : reply.status;
      expect(hub.log.deliveries.map((each) => [each.at - begin, each.number, each.attempt, each.status])).toEqual([
        [0, 1, 1, status],
        [1_000, 1, 2, status],
        [3_000, 1, 3, status],
        [7_000, 1, 4, 200],
        [7_000, 2, 1, 200],
      ]);
    },
  );

  test('whose answer does not come is a failure after a while', async () => {
    const { hub, web, subscribe, publish } = await scene({ patience: { answerMs: 1_000 } });
    await subscribe('/a');
    web.answerDeliveries('/a', 'silence');
    await publish();
    expect(hub.log.deliveries).toMatchObject([{ number: 1, status: 'no answer' }]);
    expect(web.numbers('/a')).toEqual([1]);
  });

  test('that nobody takes is given up after five attempts, and the subscription lives on', async () => {
    const { hub, web, subscribe, publish, pass } = await scene();
    await subscribe('/a');
    web.answerDeliveries('/a', { status: 500 });
    await publish();
    await pass(ALL_ATTEMPTS_MS);
    expect(web.numbers('/a')).toEqual([1, 1, 1, 1, 1]);
    web.answerDeliveries('/a', undefined);
    await publish();
    expect(web.numbers('/a')).toEqual([1, 1, 1, 1, 1, 2]);
    expect(hub.log.subscriptions).toMatchObject([{ state: 'active' }]);
  });

  test('goes to all subscribers in the order in which they came; one in trouble holds up no other', async () => {
    const { hub, web, subscribe, publish, topic } = await scene();
    for (const path of ['/c', '/a', '/b']) await subscribe(path);
    web.answerDeliveries('/a', { status: 500 });
    await publish(2);
    expect(web.numbers('/b')).toEqual([1, 2]);
    expect(web.numbers('/a')).toEqual([1]);
    const first = hub.log.deliveries.slice(0, 3);
    expect(first.map(({ url }) => url)).toEqual(['/c', '/a', '/b'].map(web.url));
    expect(first.every((each) => each.topic === topic)).toBe(true);
  });
});

describe('a publisher', () => {
  test('that pings the hub makes it deliver what the topic says', async () => {
    const { hub, web, topic, subscribe, publish } = await scene();
    await subscribe('/a');
    await publish();
    const ping = (url: string) => {
      const form = { 'hub.mode': 'publish', 'hub.url': url, 'hub.topic': url };
      return fetch(hub.url, { method: 'POST', body: new URLSearchParams(form) });
    };
    expect((await ping(topic)).status).toBe(204);
    await hub.idle();
    expect(web.numbers('/a')).toEqual([1, 1]);
    expect((await ping(`${topic}2`)).status).toBe(404);
  });
});

test.each([
  ['a form that is endless', 'application/x-www-form-urlencoded', `hub.mode=${'x'.repeat(2 ** 20)}`, 413],
  ['what is no form', 'application/json', '{}', 415],
])('%s is not read', async (_, type, body, status) => {
  const { hub } = await scene();
  const sent = { method: 'POST', headers: { 'content-type': type }, body };
  expect((await fetch(hub.url, sent)).status).toBe(status);
  expect(hub.log.asked).toEqual([]);
});

test('the same course gives the same log, in the same order', async () => {
  const course = async () => {
    const { hub, web, topic, subscribe, unsubscribe, publish, pass } = await scene({ quirks: { overtakes: true } });
    for (const path of ['/a', '/b', '/c']) await subscribe(path, { 'hub.lease_seconds': '10' });
    for (const path of ['/a', '/c']) web.answerDeliveries(path, { status: 500 });
    await publish(3);
    await pass(1_000);
    await publish(2);
    await unsubscribe('/b');
    await pass(ALL_ATTEMPTS_MS);
    const { origin } = new URL(web.url('/'));
    return JSON.stringify(hub.log).replaceAll(origin, '').replaceAll(new URL(topic).origin, '');
  };
  const first = await course();
  expect(JSON.parse(first).deliveries.length).toBeGreaterThan(20);
  expect(await course()).toBe(first);
});

test('by the clock of the system, a delivery is tried again until it is taken', async () => {
  const { hub, web, subscribe, publish } = await scene({ clock: systemClock, patience: { attempts: 10, retryMs: 20 } });
  await subscribe('/a');
  web.answerDeliveries('/a', { status: 500 });
  await publish();
  web.answerDeliveries('/a', undefined);
  await vi.waitFor(() => expect(hub.log.deliveries.at(-1)).toMatchObject({ number: 1, status: 200 }), {
    timeout: 15_000,
    interval: 5,
  });
  expect(hub.log.deliveries[0]).toMatchObject({ number: 1, attempt: 1, status: 500 });
});

test('close ends what is under way, what waits for the clock, and the server', async () => {
  const { hub, web, clock, topic, ask, subscribe, publish, stateOf } = await scene({
    quirks: { refreshesBeforeMs: 1_000 },
    patience: { answerMs: 600_000 },
  });
  await subscribe('/a');
  web.answerDeliveries('/a', { status: 500 });
  await publish();
  hub.set({ verifiesAfterMs: 1_000 });
  await ask('subscribe', '/b');
  await hub.idle();
  expect(clock.sleepers).toBe(3);
  hub.set({ verifiesAfterMs: 0 });
  web.answerVerifications('/c', 'silence');
  await ask('subscribe', '/c');
  await vi.waitFor(() => expect(web.received.at(-1)).toMatchObject({ path: '/c' }));
  await hub.close();
  expect(clock.sleepers).toBe(0);
  expect(stateOf('/b')).toBe('pending');
  expect(hub.log.verifications.at(-1)).toMatchObject({ url: web.url('/c'), status: 'no answer' });
  const received = web.received.length;
  hub.publish(topic);
  await hub.idle();
  expect(web.received).toHaveLength(received);
  await expect(fetch(topic)).rejects.toThrow('fetch failed');
});
