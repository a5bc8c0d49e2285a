import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../src/limits.ts';
import { websub } from '../../src/webhooks/websub.ts';
import { type Answer, serve } from './server.ts';

const hub = websub({ allow: ['127.0.0.1'] });

/** A topic whose one answer is this. */
async function topicOf(body: string, type: string, link: string[] = []) {
  const server = await serve((response) => {
    response.setHeader('content-type', type);
    if (link.length > 0) response.setHeader('link', link);
    response.end(body);
  });
  return { server, found: hub.discover!(`${server.url}/dir/topic`) };
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
    ['a page whose head has no tags', 'text/html', `<!doctype html><title>a <b></title>${LINKS}<p>${EVIL}`],
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
    expect(await hub.discover!(`${server.url}/old`)).toEqual({ hub: HUB, topic: `${server.url}/feed` });
    expect(server.seen.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /old', 'GET /new']);
  });

  test('not for ever', async () => {
    const server = await serve((response) => response.writeHead(301, { location: '/' }).end());
    await expect(hub.discover!(server.url)).rejects.toMatchObject({ code: 'topic.unreachable' });
    expect(server.seen).toHaveLength(LIMITS.hubRedirects + 1);
  });

  test.each([
    ['that is gone', (response: ServerResponse) => response.writeHead(410).end()],
    ['that breaks off', (response: ServerResponse) => response.destroy()],
  ] as [string, Answer][])('a topic %s is an error that says so', async (_, answer) => {
    const server = await serve(answer);
    await expect(hub.discover!(server.url)).rejects.toMatchObject({ code: 'topic.unreachable' });
    await expect(hub.fetch!(server.url)).rejects.toMatchObject({ code: 'topic.unreachable' });
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
  expect(await hub.fetch!(server.url)).toEqual({ contentType: 'application/json', body: Buffer.from([1, 255]) });
  const endless = await serve((response) => response.end(Buffer.alloc(LIMITS.topicBytes + 1)));
  await expect(hub.fetch!(endless.url)).rejects.toMatchObject({ code: 'topic.unreachable' });
});
