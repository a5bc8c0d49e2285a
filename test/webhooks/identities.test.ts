import { createHmac } from 'node:crypto';
import { rmSync } from 'node:fs';
import { Webhook } from 'standardwebhooks';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Protocol } from '../../src/define/hub.ts';
import { lmdbStore } from '../../src/store/lmdb.ts';
import { PROTOCOLS } from '../../src/webhooks/identities.ts';
import { tempDir } from '../store/dirs.ts';
import { applied, hmac, SECRET, signed, world } from './world.ts';

interface Sent {
  readonly body: string;
  readonly headers: Record<string, string>;
}

/** One request, made anew for each attempt and each URL: what may differ between two of the same does. */
type Make = (event: {
  readonly id: string;
  readonly text: string;
  readonly attempt: number;
  readonly now: number;
}) => Sent;

const URL_OF_CALLBACK = 'https://app.example/hooks/sms?of=me';
const WHSEC = `whsec_${Buffer.from(SECRET).toString('base64')}`;
const JSON_TYPE = { 'content-type': 'application/json' };

const atom = (entries: string, attempt: number) =>
  attempt % 2 === 0
    ? `<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:feed</id><title>T</title>${entries}</feed>`
    : `<?xml version="1.0"?>\n<a:feed xmlns:a='http://www.w3.org/2005/Atom'>\n <a:title>T</a:title> <a:id>urn:feed</a:id>
       ${entries.replaceAll(/<(\/?)/g, '\n<$1a:').replaceAll('"', "'")}</a:feed>`;

const MAKE: Readonly<Record<Protocol, Make>> = {
  feed: ({ id, text, attempt }) => {
    const entry = `<entry><id>urn:${id}</id><updated>2026-01-01T00:00:00Z</updated><title type="text">${text}</title></entry>`;
    const body = atom(entry, attempt);
    return { body, headers: { ...signed(body), 'content-type': 'application/atom+xml' } };
  },
  websub: ({ id, text }) => {
    const body = `${id}: ${text}`;
    return { body, headers: { ...signed(body), 'content-type': 'text/plain' } };
  },
  standardwebhooks: ({ id, text, attempt, now }) => {
    const body = JSON.stringify({ text });
    const at = new Date(now - attempt * 1000);
    const name = attempt % 2 === 0 ? 'webhook' : 'svix';
    const signature = new Webhook(WHSEC).sign(id, at, body);
    return {
      body,
      headers: {
        ...JSON_TYPE,
        [`${name}-id`]: id,
        [`${name}-timestamp`]: String(Math.floor(at.getTime() / 1000)),
        [`${name}-signature`]: `v1,${hmac('of another secret')} ${signature}`,
      },
    };
  },
  cloudevents: ({ id, text, attempt }) => {
    const authorization = `Bearer ${SECRET.replaceAll(' ', '-')}`;
    const source = '/sensors/7';
    if (attempt % 2 === 0) {
      return { body: text, headers: { authorization, 'ce-specversion': '1.0', 'ce-source': source, 'ce-id': id } };
    }
    const body = JSON.stringify({ specversion: '1.0', source, id, data: text });
    return { body, headers: { authorization, 'content-type': 'application/cloudevents+json; charset=utf-8' } };
  },
  stripe: ({ id, text, attempt, now }) => {
    const body = JSON.stringify({ id: `evt_${id}`, object: 'event', data: text });
    const t = Math.floor(now / 1000) - attempt;
    const v1 = createHmac('sha256', SECRET).update(`${t}.${body}`).digest('hex');
    return { body, headers: { ...JSON_TYPE, 'stripe-signature': `t=${t},v1=${hmac('rolled')},v1=${v1},v0=00` } };
  },
  github: ({ id, text, attempt }) => {
    const body = JSON.stringify({ text, hook_id: attempt });
    const headers = { 'x-github-delivery': id, 'x-github-hook-id': String(attempt), 'x-github-event': 'push' };
    return { body, headers: { ...JSON_TYPE, ...headers, 'x-hub-signature-256': `sha256=${hmac(body)}` } };
  },
  shopify: ({ id, text, attempt }) => {
    const body = JSON.stringify({ text });
    return {
      body,
      headers: {
        ...JSON_TYPE,
        'x-shopify-shop-domain': 'a.example.org',
        'x-shopify-topic': 'orders/create',
        'x-shopify-event-id': id,
        'x-shopify-webhook-id': `of attempt ${attempt}`,
        'x-shopify-hmac-sha256': createHmac('sha256', SECRET).update(body).digest('base64'),
      },
    };
  },
  slack: ({ id, text, attempt, now }) => {
    const body = JSON.stringify({ type: 'event_callback', event_id: `Ev${id}`, event: { text } });
    const at = String(Math.floor(now / 1000) - attempt);
    return {
      body,
      headers: {
        ...JSON_TYPE,
        'x-slack-request-timestamp': at,
        'x-slack-signature': `v0=${hmac(`v0:${at}:${body}`)}`,
        'x-slack-retry-num': String(attempt),
      },
    };
  },
  solid: ({ id, text, attempt }) => {
    const body = JSON.stringify({
      '@context': ['https://www.w3.org/ns/activitystreams', 'https://www.w3.org/ns/solid/notification/v1'],
      id: `urn:uuid:${attempt}`,
      type: 'Update',
      object: attempt % 2 === 0 ? `https://pod.example.org/${id}` : { id: `https://pod.example.org/${id}` },
      state: `"${text}"`,
      published: `2026-01-01T00:00:0${attempt}Z`,
    });
    return {
      body,
      headers: { authorization: `Bearer ${SECRET.replaceAll(' ', '-')}`, 'content-type': 'application/ld+json' },
    };
  },
  twilio: ({ id, text, attempt }) => {
    const body = new URLSearchParams({ MessageSid: `SM${id}`, Body: text, SmsStatus: 'received' }).toString();
    // As Twilio has it: the URL, and then each name with its value.
    const signed = `${URL_OF_CALLBACK}Body${text}MessageSidSM${id}SmsStatusreceived`;
    return {
      body,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-twilio-signature': createHmac('sha1', SECRET).update(signed).digest('base64'),
        'i-twilio-idempotency-token': String(attempt),
      },
    };
  },
};

const secretOf = (protocol: Protocol): string => {
  if (protocol === 'standardwebhooks') return WHSEC;
  return PROTOCOLS[protocol].signature.name === 'bearer' ? SECRET.replaceAll(' ', '-') : SECRET;
};

const EACH = Object.keys(PROTOCOLS) as Protocol[];
const receiptOf = (protocol: Protocol) => PROTOCOLS[protocol].receipt ?? 202;

describe.each(EACH)('%s', (protocol) => {
  const opened = () => world({ callback: { protocol, secrets: ['wrong', secretOf(protocol)], url: URL_OF_CALLBACK } });

  test('the same delivery on both URLs, and again, is applied once', async () => {
    const w = await opened();
    for (const [attempt, side] of (['old', 'new', 'new', 'old'] as const).entries()) {
      const { body, headers } = MAKE[protocol]({ id: '1', text: 'one', attempt, now: w.clock.now() });
      expect((await w.post(side, body, headers)).status).toBe(receiptOf(protocol));
    }
    expect(w.receiver.counts).toMatchObject({ stored: 1, duplicate: 3, suspicious: 0 });
    expect(await applied(w.inbox)).toHaveLength(1);
    // And after it was applied.
    const { body, headers } = MAKE[protocol]({ id: '1', text: 'one', attempt: 4, now: w.clock.now() });
    expect((await w.post('new', body, headers)).status).toBe(receiptOf(protocol));
    expect(await applied(w.inbox)).toEqual([]);
    await w.receiver.settled();
    expect(w.callbacks.proofs).toHaveLength(5);
  });

  test('a different one is not dropped', async () => {
    const w = await opened();
    const events = [
      { id: '1', text: 'one' },
      { id: '2', text: 'one' },
      { id: '2', text: 'two' },
    ];
    for (const event of events) {
      const { body, headers } = MAKE[protocol]({ ...event, attempt: 0, now: w.clock.now() });
      expect((await w.post('old', body, headers)).status).toBe(receiptOf(protocol));
    }
    // Where the provider names its events, another text under one name is the same event.
    const named = !['feed', 'websub', 'solid'].includes(protocol);
    expect(await applied(w.inbox)).toHaveLength(named ? 2 : 3);
  });

  test('the same of another tenant is another', async () => {
    const w = await opened();
    w.callbacks.set('new', { scope: 'other tenant' });
    for (const side of ['old', 'new'] as const) {
      const { body, headers } = MAKE[protocol]({ id: '1', text: 'one', attempt: 0, now: w.clock.now() });
      expect((await w.post(side, body, headers)).status).toBe(receiptOf(protocol));
    }
    expect(await applied(w.inbox)).toHaveLength(2);
  });

  test('what another secret signed is not stored', async () => {
    const w = await opened();
    w.callbacks.set('new', { secrets: [`whsec_${Buffer.from('another').toString('base64')}`] });
    const { body, headers } = MAKE[protocol]({ id: '1', text: 'one', attempt: 0, now: w.clock.now() });
    const { status } = await w.post('new', body, headers);
    expect(status).toBe(PROTOCOLS[protocol].mismatch);
    expect((await w.post('new', body)).status).toBe(401);
    expect(w.receiver.counts).toMatchObject({ suspicious: 2, stored: 0 });
  });

  test('it is remembered for its window after it came last, and forgotten then', async () => {
    const w = await opened();
    const send = async (attempt: number) => {
      const { body, headers } = MAKE[protocol]({ id: '1', text: 'one', attempt, now: w.clock.now() });
      await w.post('new', body, headers);
      return applied(w.inbox);
    };
    const windowMs = PROTOCOLS[protocol].keepDays * 86_400_000;
    expect(await send(0)).toHaveLength(1);
    w.clock.advance(windowMs - 60_000);
    expect(await w.inbox.sweep()).toBe(0);
    expect(await send(1)).toEqual([]);
    // It came again: the window begins anew.
    w.clock.advance(windowMs - 60_000);
    expect(await w.inbox.sweep()).toBe(0);
    expect(await send(2)).toEqual([]);
    w.clock.advance(windowMs + 60_000);
    // But the last state of a topic is kept for ever.
    expect(await w.inbox.sweep()).toBe(protocol === 'websub' ? 0 : 1);
    expect(await send(3)).toHaveLength(protocol === 'websub' ? 0 : 1);
  });
});

test('on LMDB, the same of every protocol on both URLs is applied once, and a different one is not dropped', async () => {
  const path = tempDir();
  const store = lmdbStore({ path, indexes: [{ kind: '_HandoverDelivery', property: 'status' }] });
  onTestFinished(async () => {
    await store.close();
    rmSync(path, { recursive: true });
  });
  for (const protocol of EACH) {
    const callback = { protocol, scope: protocol, secrets: [secretOf(protocol)], url: URL_OF_CALLBACK };
    const w = await world({ store, callback });
    for (const [attempt, side] of (['old', 'new'] as const).entries()) {
      const { body, headers } = MAKE[protocol]({ id: '1', text: 'one', attempt, now: w.clock.now() });
      expect((await w.post(side, body, headers)).status).toBe(receiptOf(protocol));
    }
    const { body, headers } = MAKE[protocol]({ id: '2', text: 'two', attempt: 0, now: w.clock.now() });
    expect((await w.post('new', body, headers)).status).toBe(receiptOf(protocol));
    expect([protocol, await applied(w.inbox)]).toEqual([protocol, [expect.any(String), expect.any(String)]]);
  }
});

test('a window can be set', async () => {
  const w = await world({ callback: { protocol: 'github' }, keepDays: { github: 2 } });
  const { body, headers } = MAKE.github({ id: '1', text: 'one', attempt: 0, now: w.clock.now() });
  await w.post('new', body, headers);
  await applied(w.inbox);
  w.clock.advance(2 * 86_400_000 + 1);
  expect(await w.inbox.sweep()).toBe(1);
});

test.each(['standardwebhooks', 'stripe', 'slack'] as const)(
  '%s: a signature of long ago, or of tomorrow, is refused',
  async (protocol) => {
    const w = await world({ callback: { protocol, secrets: [secretOf(protocol)] } });
    for (const off of [-310_000, 310_000]) {
      const { body, headers } = MAKE[protocol]({ id: '1', text: 'one', attempt: 0, now: w.clock.now() + off });
      expect((await w.post('new', body, headers)).status).toBe(401);
    }
    await w.receiver.settled();
    expect(w.callbacks.suspicions).toMatchObject([{ why: 'stale' }, { why: 'stale' }]);
    const { body, headers } = MAKE[protocol]({ id: '1', text: 'one', attempt: 0, now: w.clock.now() - 290_000 });
    expect((await w.post('new', body, headers)).status).toBe(202);
  },
);

test.each<[Protocol, string, Record<string, string>]>([
  ['standardwebhooks', '{}', {}],
  ['cloudevents', 'x', { 'ce-id': '1' }],
  ['cloudevents', '{"id":"1"}', { 'content-type': 'application/cloudevents+json' }],
  ['cloudevents', '[{"id":"1","source":"a"},{"id":"2"}]', { 'content-type': 'application/cloudevents-batch+json' }],
  ['stripe', '{"id":7}', {}],
  ['stripe', 'not json', {}],
  ['github', '{}', {}],
  ['shopify', '{}', { 'x-shopify-event-id': '1', 'x-shopify-topic': 'a' }],
  ['slack', '{"type":"event_callback"}', {}],
  ['solid', '{"state":"a"}', {}],
])('%s: %s lacks what it is known by, and is refused', async (protocol, body, headers) => {
  const w = await world({ callback: { protocol, secrets: [] } });
  expect((await w.post('new', body, headers)).status).toBe(400);
  expect(w.receiver.counts).toMatchObject({ unreadable: 1, stored: 0 });
});

test('cloudevents: a batch is as many deliveries as it has events', async () => {
  const w = await world({ callback: { protocol: 'cloudevents', secrets: [] } });
  const event = (id: string) => ({ specversion: '1.0', source: '/a', id, data: id });
  const send = (...ids: string[]) =>
    w.post('new', JSON.stringify(ids.map(event)), { 'content-type': 'application/cloudevents-batch+json' });
  expect((await send('1', '2', '2')).status).toBe(202);
  expect((await send('2', '3')).status).toBe(202);
  expect((await send()).status).toBe(202);
  const bodies = (await applied(w.inbox)).map((body) => JSON.parse(body).data);
  expect(bodies.sort()).toEqual(['1', '2', '3']);
});

test('slack: the URL is tried out before events come, and answers if that is intended', async () => {
  const w = await world({ callback: { protocol: 'slack' } });
  const body = JSON.stringify({ type: 'url_verification', challenge: 'c+/=' });
  const at = String(Math.floor(w.clock.now() / 1000));
  const headers = { 'x-slack-request-timestamp': at, 'x-slack-signature': `v0=${hmac(`v0:${at}:${body}`)}` };
  expect((await w.post('new', body, headers)).status).toBe(404);
  w.callbacks.intents = [{ side: 'new', mode: 'subscribe' }];
  const response = await w.post('new', body, headers);
  expect([response.status, await response.text()]).toEqual([200, 'c+/=']);
  expect(w.callbacks.confirmed).toHaveLength(1);
});

test('Twilio: its own example of a signature, with the port said or not', () => {
  const form = { CallSid: 'CA1234567890ABCDE', Caller: '+14158675309', Digits: '1234', From: '+14158675309' };
  const body = Buffer.from(new URLSearchParams({ To: '+18005551212', ...form }).toString());
  const headers = { 'x-twilio-signature': 'RSOYDt4T1cUTdK1PDd93/VVr8B8=' };
  const url = 'https://mycompany.com/myapp.php?foo=1&bar=2';
  const check = (message: object) => PROTOCOLS.twilio.signature({ headers, body, ...message }, ['12345'], 0);
  expect(check({ url })).toBe('valid');
  expect(check({ url: `${url}#rc=3` })).toBe('valid');
  expect(check({ url: url.replace('.com', '.com:443') })).toBe('mismatch');
  expect(check({ url: 'https://mycompany.com/myapp.php' })).toBe('mismatch');
  expect(check({ url, body: Buffer.from('CallSid=CA1') })).toBe('mismatch');
  expect(check({ url, headers: {} })).toBe('missing');
});
