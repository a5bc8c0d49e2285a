import { describe, expect, test } from 'vitest';
import type { HubRequest } from '../../src/define/hub.ts';
import { LIMITS } from '../../src/limits.ts';
import { type WebSubOptions, websub } from '../../src/webhooks/websub.ts';
import { type Answer, formOf, identity, serve } from './server.ts';

const LOCAL = { allow: ['127.0.0.1'] };
const hubOf = (options: WebSubOptions = {}) => websub({ ...LOCAL, ...options });

const CALLBACK = 'https://app.test/in/5f0c9a?tenant=7';
const requestTo = (hub: string, more: Partial<HubRequest> = {}): HubRequest => ({
  hub,
  topic: 'https://blog.test/feed',
  callback: CALLBACK,
  intent: 'i1',
  ...more,
});

const refusal = (cause: string, again = false) => ({
  status: 'refused',
  again,
  cause: expect.stringContaining(cause),
});

const accepts: Answer = (response) => response.writeHead(202).end();

describe('request 5: a form with mode, topic, callback, lease and secret', () => {
  test('subscribe', async () => {
    const server = await serve(accepts);
    const topic = 'https://blog.test/é?a=1&b=+';
    const request = requestTo(server.url, { topic, leaseSeconds: 86_400, secret: 'schlüssel' });
    expect(await hubOf({ plainHttp: true }).subscribe(request)).toEqual({ status: 'accepted' });
    expect(server.seen).toMatchObject([
      { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    ]);
    expect(server.seen[0]!.body).toContain('%C3%A9');
    expect(formOf(server.seen[0]!)).toEqual({
      'hub.mode': ['subscribe'],
      'hub.topic': [topic],
      'hub.callback': [CALLBACK],
      'hub.lease_seconds': ['86400'],
      'hub.secret': ['schlüssel'],
    });
  });

  test('unsubscribe tells no secret', async () => {
    const server = await serve(accepts);
    const request = requestTo(server.url, { leaseSeconds: 86_400, secret: 'secret' });
    expect(await hubOf().unsubscribe(request)).toEqual({ status: 'accepted' });
    expect(formOf(server.seen[0]!)).toEqual({
      'hub.mode': ['unsubscribe'],
      'hub.topic': [request.topic],
      'hub.callback': [CALLBACK],
    });
  });

  test.each([0, -1, 1.5, Number.NaN, 1e21])('a lease of %d seconds is not asked for', async (leaseSeconds) => {
    const server = await serve(accepts);
    expect(await hubOf().subscribe(requestTo(server.url, { leaseSeconds }))).toMatchObject(refusal('lease'));
    expect(server.seen).toEqual([]);
  });

  test('a secret has less than 200 bytes, however many characters', async () => {
    const server = await serve(accepts);
    const subscribe = (secret: string) => hubOf({ plainHttp: true }).subscribe(requestTo(server.url, { secret }));
    expect(await subscribe('x'.repeat(199))).toEqual({ status: 'accepted' });
    expect(await subscribe('x'.repeat(200))).toMatchObject(refusal('the secret'));
    expect(await subscribe('é'.repeat(100))).toMatchObject(refusal('the secret'));
    expect(await subscribe('')).toMatchObject(refusal('the secret'));
    expect(server.seen).toHaveLength(1);
  });

  test('a secret is sent through TLS only, unless that is allowed', async () => {
    const server = await serve(accepts);
    const request = requestTo(server.url, { secret: 'secret' });
    expect(await hubOf().subscribe(request)).toMatchObject(refusal('no TLS'));
    expect(server.seen).toEqual([]);
    const own = await identity();
    const secured = await serve(accepts, own);
    const hub = hubOf({ ca: own.cert });
    expect(await hub.subscribe({ ...request, hub: secured.url })).toEqual({ status: 'accepted' });
    expect(formOf(secured.seen[0]!)['hub.secret']).toEqual(['secret']);
    const strays = await serve((response) => response.writeHead(307, { location: server.url }).end(), own);
    expect(await hub.subscribe({ ...request, hub: strays.url })).toMatchObject(refusal('without TLS'));
    expect(server.seen).toEqual([]);
    expect(await hub.unsubscribe({ ...request, hub: strays.url })).toEqual({ status: 'accepted' });
  });
});

describe('request 6: the callback is told as it is, and has nothing that hubs overwrite', () => {
  test.each(['https://app.test/in?hub.topic=1', 'https://app.test/in#part', 'ftp://app.test/', '/in'])(
    '%s',
    async (callback) => {
      const server = await serve(accepts);
      expect(await hubOf().subscribe(requestTo(server.url, { callback }))).toMatchObject(refusal('the callback'));
      expect(server.seen).toEqual([]);
    },
  );

  test('what some other program subscribed with can be unsubscribed', async () => {
    const server = await serve(accepts);
    const callback = 'https://APP.test/in?hub.topic=1';
    expect(await hubOf().unsubscribe(requestTo(server.url, { callback }))).toEqual({ status: 'accepted' });
    expect(formOf(server.seen[0]!)['hub.callback']).toEqual([callback]);
  });
});

describe('request 7: a hub that has moved is asked again where it is, by POST', () => {
  test.each([307, 308])('%i', async (code) => {
    const server = await serve((response, { path }) =>
      path === '/' ? response.writeHead(code, { location: '/moved' }).end() : response.writeHead(202).end(),
    );
    expect(await hubOf().subscribe(requestTo(server.url))).toEqual({ status: 'accepted' });
    expect(server.seen.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /', 'POST /moved']);
    expect(server.seen[1]!.body).toBe(server.seen[0]!.body);
  });

  test('not for ever', async () => {
    const server = await serve((response) => response.writeHead(307, { location: '/' }).end());
    expect(await hubOf().subscribe(requestTo(server.url))).toMatchObject(refusal('redirects'));
    expect(server.seen).toHaveLength(LIMITS.hubRedirects + 1);
  });

  test('not with another code, by which a POST would become a GET', async () => {
    const server = await serve((response) => response.writeHead(302, { location: '/moved' }).end());
    expect(await hubOf().subscribe(requestTo(server.url))).toMatchObject(refusal('/moved'));
    expect(server.seen).toHaveLength(1);
  });
});

describe('request 8: 202 means "not yet active", 4xx and 5xx change nothing', () => {
  const NOW = Date.UTC(2026, 8, 1);
  const clock = { now: () => NOW } as NonNullable<WebSubOptions['clock']>;
  const answerOf = async (code: number, headers: Record<string, string> = {}, body = '') => {
    const server = await serve((response) => response.writeHead(code, headers).end(body));
    return hubOf({ clock }).subscribe(requestTo(server.url));
  };

  test.each([
    [202, { status: 'accepted' }],
    [201, { status: 'accepted' }],
    [200, { status: 'done' }],
    [204, { status: 'done' }],
    [400, refusal('answered 400')],
    [403, refusal('answered 403')],
    [404, refusal('answered 404')],
    [408, refusal('answered 408', true)],
    [429, refusal('answered 429', true)],
    [500, refusal('answered 500', true)],
    [503, refusal('answered 503', true)],
  ])('%i', async (code, answer) => {
    expect(await answerOf(code)).toEqual(answer);
  });

  test('the reason is kept, as much as is needed of it', async () => {
    expect(await answerOf(422, {}, 'no\n\u0000such\ttopic')).toMatchObject(refusal('answered 422 no such topic'));
    const long = await answerOf(500, {}, 'x'.repeat(10_000));
    expect(long).toMatchObject({ cause: expect.stringMatching(/^.{1,300}$/) });
  });

  test.each([
    ['seconds', '120', 120_000],
    ['a date', new Date(NOW + 90_000).toUTCString(), 90_000],
    ['a date that has passed', new Date(NOW - 90_000).toUTCString(), 0],
    ['a year', '31536000', LIMITS.retryAfterMostMs],
    ['nonsense', 'soon', undefined],
  ])('503 until: %s', async (_, value, afterMs) => {
    const answer = { ...refusal('answered 503', true), ...(afterMs === undefined ? {} : { afterMs }) };
    expect(await answerOf(503, { 'retry-after': value })).toEqual(answer);
  });

  test('whoever says when to come back is asked again, whatever the code', async () => {
    expect(await answerOf(403, { 'retry-after': '7' })).toMatchObject({ again: true, afterMs: 7_000 });
  });

  test.each([502, 504, 303])('%i does not tell what the hub did', async (code) => {
    expect(await answerOf(code)).toMatchObject({ status: 'unknown' });
  });

  test('an answer that was lost does not tell either, and the request is made once', async () => {
    const server = await serve((response) => response.destroy());
    expect(await hubOf().subscribe(requestTo(server.url))).toMatchObject({ status: 'unknown' });
    expect(await hubOf().unsubscribe(requestTo(server.url))).toMatchObject({ status: 'unknown' });
    const silent = await serve(() => {});
    expect(await hubOf({ deadlineMs: 200 }).subscribe(requestTo(silent.url))).toMatchObject({ status: 'unknown' });
    expect([server.seen.length, silent.seen.length]).toEqual([2, 1]);
  });

  test('a hub that could not be reached was certainly not asked', async () => {
    expect(await hubOf().subscribe(requestTo('http://127.0.0.1:1/'))).toMatchObject(refusal('ECONNREFUSED', true));
  });

  test('a topic cannot send us to a hub inside', async () => {
    const server = await serve(accepts);
    expect(await websub().subscribe(requestTo(server.url))).toMatchObject(refusal('not a public address'));
    expect(server.seen).toEqual([]);
  });
});

test('request 9: hubs of 0.3 are told how to verify, and are done when they answer 204', async () => {
  const server = await serve((response) => response.writeHead(204).end());
  const hub = hubOf({ verify: ['sync', 'async'] });
  expect(await hub.subscribe(requestTo(server.url))).toEqual({ status: 'done' });
  expect(await hub.unsubscribe(requestTo(server.url))).toEqual({ status: 'done' });
  expect(server.seen.map((seen) => formOf(seen)['hub.verify'])).toEqual([
    ['sync', 'async'],
    ['sync', 'async'],
  ]);
});
