import type { ServerResponse } from 'node:http';
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

/** A topic whose one answer is this. */
async function topicOf(body: string, type: string, link: string[] = []) {
  const server = await serve((response) => {
    response.setHeader('content-type', type);
    if (link.length > 0) response.setHeader('link', link);
    response.end(body);
  });
  return { server, found: hubOf().discover!(`${server.url}/dir/topic`) };
}

const discovered = async (body: string, type: string, link?: string[]) => (await topicOf(body, type, link)).found;

const atom = (links: string, more = '') => `<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom"${more}>${links}<entry><link rel="self" href="https://x.test/entry"/>
<link rel="hub" href="https://evil.test/"/></entry></feed>`;
const html = (head: string, body = '') => `<!doctype html><html><head>${head}</head><body>${body}</body></html>`;

/** Without TLS: any other that is found beside it would be preferred. */
const HUB = 'http://hub.test/';
const SELF = 'https://blog.test/feed';
const LINKS = `<link rel="hub" href="${HUB}"/><link rel="self" href="${SELF}"/>`;
const EVIL = '<link rel="hub" href="https://evil.test/"/><link rel="self" href="https://evil.test/"/>';

describe('discovery 1: Link headers first, else links in the feed, else those in the head of the page', () => {
  test('headers are believed rather than the body', async () => {
    const found = await discovered(html(EVIL), 'text/html', [`<${HUB}>; rel="hub"`, `<${SELF}>; rel=self`]);
    expect(found).toEqual({ hub: HUB, topic: SELF });
    const half = await discovered(atom(LINKS), 'text/xml', ['<https://self.test/>; rel=self']);
    expect(half).toEqual({ hub: HUB, topic: 'https://self.test/' });
  });

  test.each([
    ['one header with both', [`<${HUB}>; rel="hub", <${SELF}>; rel="self"`]],
    ['several relations of one link', [`<${HUB}>; rel="preload hub"; title="a, b; rel=self"`, `<${SELF}>; rel="SELF"`]],
    ['beside one that cannot be read', ['<https://broken', `<${HUB}>;rel=hub`, `<${SELF}>;rel=self`]],
    [
      'beside links of something else',
      [`<https://evil.test/>; rel=hub; anchor="/x"`, `<${HUB}>;rel=hub,<${SELF}>;rel=self`],
    ],
  ])('in headers: %s', async (_, link) => {
    expect(await discovered('', 'application/json', link)).toEqual({ hub: HUB, topic: SELF });
  });

  test.each([
    ['Atom', 'application/atom+xml', atom(LINKS)],
    [
      'Atom with a prefix',
      'text/xml',
      `<a:feed xmlns:a="http://www.w3.org/2005/Atom">${LINKS.replaceAll('<link', '<a:link')}</a:feed>`,
    ],
    ['Atom that the server calls a page', 'text/html', atom(LINKS)],
    [
      'RSS 2.0',
      'application/rss+xml; charset=utf-8',
      `<rss version="2.0"><channel><link>${SELF}</link>${LINKS.replaceAll('<link', '<atom:link')}<item>${EVIL}</item></channel></rss>`,
    ],
    ['RSS 1.0', 'application/rdf+xml, text/xml', `<rdf:RDF><channel>${LINKS}</channel><item>${EVIL}</item></rdf:RDF>`],
    ['a page', 'text/html', html(LINKS, EVIL)],
    ['a page whose head has no tags', 'text/html', `<!doctype html><title>a <b></title>${LINKS}<p>text${EVIL}`],
    [
      'a page that comments and hides',
      'application/xhtml+xml',
      html(
        `<!-- ${EVIL} --><noscript><img>${EVIL}</noscript><template>${EVIL}</template><script>"${EVIL}"</script>${LINKS}`,
      ),
    ],
    [
      'a page whose text begins in the head',
      'text/html',
      `<html><head>${LINKS}written by a guest ${EVIL}</head></html>`,
    ],
    ['a body of no type', '', atom(LINKS)],
  ])('in the body: %s', async (_, type, body) => {
    expect(await discovered(body, type)).toEqual({ hub: HUB, topic: SELF });
  });

  test.each([
    ['in an entry of a feed', 'text/xml', atom('')],
    ['in the body of a page', 'text/html', html('', EVIL)],
    ['behind the head', 'text/html', `<html><head></head>${EVIL}<body></body></html>`],
    ['in plain text', 'text/plain', html(EVIL)],
    ['with a URL that is none', 'text/html', html('<link rel=hub href="javascript:alert(1)"><link rel=hub href="">')],
  ])('a hub %s is none', async (_, type, body) => {
    await expect(discovered(body, type)).rejects.toMatchObject({ code: 'topic.hubless' });
  });

  test('what the headers leave out is looked for in the body', async () => {
    expect(await discovered(atom(LINKS), 'text/xml', ['<https://other.test/>; rel=hub'])).toEqual({
      hub: 'https://other.test/',
      topic: SELF,
    });
  });
});

describe('discovery 2: the topic is the discovered self, which may differ from what was fetched', () => {
  test('it is taken letter by letter, for hubs compare it so', async () => {
    const topic = 'HTTPS://Blog.test:443/a b?x=%7e';
    expect(
      await discovered(atom(`<link rel="hub" href="${HUB}"/><link rel="self" href=" ${topic} "/>`), 'text/xml'),
    ).toEqual({
      hub: HUB,
      topic,
    });
  });

  test('relative ones are resolved where they stand', async () => {
    const links = '<link rel="hub" href="hub"/><link rel="self" href="/feed?a=1&amp;b=2"/>';
    const { server, found } = await topicOf('', 'text/plain', ['<hub>; rel=hub, </feed>; rel=self']);
    expect(await found).toEqual({ hub: `${server.url}/dir/hub`, topic: `${server.url}/feed` });
    const based = `${links}<base href="https://base.test/x/">`;
    expect(await discovered(html(based), 'text/html')).toEqual({
      hub: 'https://base.test/x/hub',
      topic: 'https://base.test/feed?a=1&b=2',
    });
    expect(await discovered(atom(links, ' xml:base="https://base.test/y/"'), 'text/xml')).toEqual({
      hub: 'https://base.test/y/hub',
      topic: 'https://base.test/feed?a=1&b=2',
    });
  });

  test('a topic that does not say what it is called is called by its URL', async () => {
    const { server, found } = await topicOf(html(`<link rel="hub" href="${HUB}">`), 'text/html');
    expect(await found).toEqual({ hub: HUB, topic: `${server.url}/dir/topic` });
  });
});

describe('discovery 3: a topic that has moved is followed, and discovered again', () => {
  test.each([301, 302, 307, 308])('%i', async (code) => {
    const server = await serve((response, { path }) => {
      if (path === '/old') response.writeHead(code, { location: '/new', link: `<https://old.test/>; rel=hub` }).end();
      else response.setHeader('link', `<${HUB}>; rel=hub, <feed>; rel=self`).end();
    });
    expect(await hubOf().discover!(`${server.url}/old`)).toEqual({ hub: HUB, topic: `${server.url}/feed` });
    expect(server.seen.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /old', 'GET /new']);
  });

  test('not for ever', async () => {
    const server = await serve((response) => response.writeHead(301, { location: '/' }).end());
    await expect(hubOf().discover!(server.url)).rejects.toMatchObject({ code: 'topic.unreachable' });
    expect(server.seen).toHaveLength(LIMITS.hubRedirects + 1);
  });

  test.each([
    ['that is gone', (response: ServerResponse) => response.writeHead(410).end()],
    ['that breaks off', (response: ServerResponse) => response.destroy()],
  ] as [string, Answer][])('a topic %s is an error that says so', async (_, answer) => {
    const server = await serve(answer);
    await expect(hubOf().discover!(server.url)).rejects.toMatchObject({ code: 'topic.unreachable' });
    await expect(hubOf().fetch!(server.url)).rejects.toMatchObject({ code: 'topic.unreachable' });
  });
});

test('discovery 4: of several hubs the first with TLS is taken, else the first', async () => {
  const links = (...hubs: string[]) => hubs.map((hub) => `<${hub}>; rel=hub`);
  const of = async (...hubs: string[]) => (await discovered('', 'text/plain', links(...hubs))).hub;
  expect(await of('http://a.test/', 'ftp://b.test/', 'https://c.test/', 'https://d.test/')).toBe('https://c.test/');
  expect(await of('http://a.test/', 'http://b.test/')).toBe('http://a.test/');
});

test('a topic is fetched as it is', async () => {
  const server = await serve((response) =>
    response.setHeader('content-type', 'application/json').end(Buffer.from([1, 255])),
  );
  expect(await hubOf().fetch!(server.url)).toEqual({ contentType: 'application/json', body: Buffer.from([1, 255]) });
  const endless = await serve((response) => response.end(Buffer.alloc(LIMITS.topicBytes + 1)));
  await expect(hubOf().fetch!(endless.url)).rejects.toMatchObject({ code: 'topic.unreachable' });
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
