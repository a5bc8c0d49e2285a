import { describe, expect, test } from 'vitest';
import type { Hub, HubRequest } from '../../src/define/hub.ts';
import { github, type ProviderOptions, solid, stripe, svix } from '../../src/webhooks/index.ts';
import { formOf, type Seen, serve } from './server.ts';

const CALLBACK = 'https://app.test/in/5f0c9a';
const asked = (topic: string, more: Partial<HubRequest> = {}): HubRequest => ({
  hub: 'https://unused.test/',
  topic,
  callback: CALLBACK,
  intent: 'i1',
  ...more,
});

type Item = Record<string, unknown> & { readonly id: string | number };

/** What the three have in common: items at a path, and a page of two of them. */
interface Dialect {
  readonly path: string;
  readonly token: string;
  /** Throws where the request is not one that this provider's own client makes. */
  made(seen: Seen, id: number): Item;
  page(items: readonly Item[], query: URLSearchParams, url: string): { body: unknown; link?: string };
}

/** A provider that keeps what its own client would make it keep, and answers an idempotency key twice alike. */
async function provider({ path, token, made, page }: Dialect, keys: boolean) {
  const kept: Item[] = [];
  const answers = new Map<string, string>();
  let loses = 0;
  let ids = 0;
  const server = await serve((response, seen) => {
    const { pathname, searchParams } = new URL(seen.path, server.url);
    const id = pathname.slice(path.length + 1);
    const at = kept.findIndex((item) => String(item.id) === id);
    if (seen.headers.authorization !== `Bearer ${token}` || !pathname.startsWith(path))
      return response.writeHead(404).end();
    if (seen.method === 'GET') {
      const { body, link } = page(kept, searchParams, server.url + path);
      if (link) response.setHeader('link', link);
      return response.end(JSON.stringify(body));
    }
    if (id !== '' && at < 0) return response.writeHead(404).end();
    if (seen.method === 'DELETE') return kept.splice(at, 1) && response.writeHead(204).end();
    const key = keys ? String(seen.headers['idempotency-key']) : '';
    if (id === '' && !answers.has(key)) kept.push(made(seen, ++ids));
    if (id !== '') kept[at] = { ...made(seen, 0), id: kept[at]!.id };
    const answer = answers.get(key) ?? JSON.stringify(id === '' ? kept.at(-1) : kept[at]);
    if (keys) answers.set(key, answer);
    if (loses-- > 0) return response.destroy();
    response.writeHead(201).end(answer);
  });
  const lose = (times: number) => {
    loses = times;
  };
  const options: ProviderOptions = { base: server.url, token: () => token, allow: ['127.0.0.1'], plainHttp: true };
  return { kept, server, lose, options };
}

/** Subscribes although the first answer is lost, finds it among others, and ends it. */
async function roundTrip(hub: Hub, topic: string, kept: readonly Item[], lose: (times: number) => void) {
  for (const other of ['a', 'b', 'c']) {
    await hub.subscribe(asked(topic, { callback: `https://app.test/in/${other}`, intent: other, secret: 'whsec_o' }));
  }
  lose(1);
  expect(await hub.subscribe(asked(topic, { secret: 'whsec_1' }))).toMatchObject({ status: 'unknown' });
  const done = await hub.subscribe(asked(topic, { secret: 'whsec_1' }));
  expect(done.status).toBe('done');
  expect(kept).toHaveLength(4);
  const { reference } = done as { reference: string };
  const listed = await hub.list!(topic);
  expect(listed).toHaveLength(4);
  expect(listed).toContainEqual({ reference, callback: CALLBACK });
  expect(await hub.unsubscribe(asked(topic, { reference }))).toEqual({ status: 'done' });
  expect(await hub.unsubscribe(asked(topic, { reference }))).toEqual({ status: 'done' });
  expect(kept).toHaveLength(3);
  return done;
}

describe('Stripe', () => {
  const dialect: Dialect = {
    path: '/v1/webhook_endpoints',
    token: 'sk',
    made: (seen, id) => {
      const form = formOf(seen);
      expect(Object.keys(form).sort()).toEqual(['api_version', 'enabled_events[]', 'url']);
      return { id: `we_${id}`, url: form['url']![0], enabled_events: form['enabled_events[]'], secret: `whsec_${id}` };
    },
    page: (items, query) => {
      const from = items.findIndex(({ id }) => id === query.get('starting_after')) + 1;
      const data = items.slice(from, from + 2).map(({ secret: _, ...item }) => item);
      return { body: { object: 'list', data, has_more: from + 2 < items.length } };
    },
  };

  test('a lost answer is asked for again by its key, with the secret that is told once', async () => {
    const { kept, server, lose, options } = await provider(dialect, true);
    const hub = stripe({ ...options, apiVersion: '2026-01-01' });
    const done = await roundTrip(hub, 'invoice.paid, invoice.voided', kept, lose);
    expect(done).toEqual({ status: 'done', reference: 'we_4', secret: 'whsec_4' });
    const pages = server.seen.filter(({ method }) => method === 'GET').map(({ path }) => path.split('?')[1]);
    expect(pages.slice(0, 2)).toEqual(['limit=100', 'limit=100&starting_after=we_2']);
    // Four of them and then three, each time in two pages.
    expect(pages).toHaveLength(4);
    expect(kept[0]!['enabled_events']).toEqual(['invoice.paid', 'invoice.voided']);
    expect(await hub.list!('customer.created')).toEqual([]);
  });
});

describe('Svix', () => {
  const dialect: Dialect = {
    path: '/api/v1/app/app%2F1/endpoint',
    token: 'tok',
    made: ({ body }, id) => ({ id: `ep_${id}`, ...JSON.parse(body) }),
    page: (items, query) => {
      const from = Number(query.get('iterator') ?? 0);
      return {
        body: { data: items.slice(from, from + 2), iterator: String(from + 2), done: from + 2 >= items.length },
      };
    },
  };

  test('a lost answer is asked for again by its key', async () => {
    const { kept, lose, options } = await provider(dialect, true);
    const hub = svix({ ...options, app: 'app/1' });
    await roundTrip(hub, 'user.created', kept, lose);
    expect(kept[0]).toEqual({
      id: 'ep_1',
      url: 'https://app.test/in/a',
      filterTypes: ['user.created'],
      secret: 'whsec_o',
    });
    expect(await hub.list!('user.deleted')).toEqual([]);
  });
});

describe('GitHub', () => {
  const dialect: Dialect = {
    path: '/repos/o/r.x/hooks',
    token: 'tok',
    made: ({ body, headers }, id) => {
      expect(headers).toMatchObject({ accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' });
      return { id, ...JSON.parse(body) };
    },
    page: (items, query, url) => {
      const page = Number(query.get('page') ?? 1);
      const link = `<${url}?per_page=100&page=${page + 1}>; rel="next", <${url}?page=9>; rel="last"`;
      const body = items.slice(page * 2 - 2, page * 2);
      return page * 2 < items.length ? { body, link } : { body };
    },
  };

  test('a hook that is there already is found, and given the secret of this attempt', async () => {
    const { kept, lose, options } = await provider(dialect, false);
    const hub = github({ ...options, events: ['push', 'release'] });
    const topic = 'repos/o/r.x';
    lose(1);
    await hub.subscribe(asked(topic, { secret: 'old' }));
    expect(await hub.subscribe(asked(topic, { secret: 'new' }))).toEqual({ status: 'done', reference: '1' });
    expect(kept).toMatchObject([
      { events: ['push', 'release'], config: { url: CALLBACK, secret: 'new', content_type: 'json' } },
    ]);
    expect(await hub.unsubscribe(asked(topic))).toEqual({ status: 'done' });
    await roundTrip(hub, topic, kept, lose);
  });

  test.each(['o/r', 'repos/o/..', 'repos/../user', 'orgs/a/b', 'repos/o/r?x', 'orgs/a#'])(
    'a topic that leads elsewhere is refused: %s',
    async (topic) => {
      const { server, options } = await provider(dialect, false);
      expect(await github(options).subscribe(asked(topic))).toMatchObject({ status: 'refused', again: false });
      expect(await github(options).unsubscribe(asked(topic, { reference: '1' }))).toMatchObject({ status: 'refused' });
      await expect(github(options).list!(topic)).rejects.toMatchObject({ code: 'subscription.unlisted' });
      expect(server.seen).toEqual([]);
    },
  );
});

describe('Solid', () => {
  const NOW = Date.UTC(2026, 0, 1);
  const clock = { now: () => NOW } as NonNullable<ProviderOptions['clock']>;
  const options = { allow: ['127.0.0.1'], plainHttp: true, clock };
  const service = (id: (url: string) => string) =>
    serve((response, { method, body }) => {
      if (method === 'DELETE') return response.writeHead(205).end();
      const { endAt, ...channel } = JSON.parse(body);
      response.end(
        JSON.stringify({ ...channel, id: id('/channels/1'), ...(endAt ? { endAt: new Date(NOW + 60_500) } : {}) }),
      );
    });

  test('a channel, until the end that was granted', async () => {
    const server = await service((path) => server.url + path);
    const hub = solid(options);
    const topic = 'https://pod.test/notes';
    const done = await hub.subscribe(asked(topic, { hub: `${server.url}/service`, leaseSeconds: 3_600 }));
    expect(done).toEqual({ status: 'done', reference: `${server.url}/channels/1`, leaseSeconds: 60 });
    expect(server.seen[0]).toMatchObject({ path: '/service', headers: { 'content-type': 'application/ld+json' } });
    expect(JSON.parse(server.seen[0]!.body)).toEqual({
      '@context': ['https://www.w3.org/ns/solid/notification/v1'],
      type: 'http://www.w3.org/ns/solid/notifications#WebhookChannel2023',
      topic,
      sendTo: CALLBACK,
      endAt: '2026-01-01T01:00:00.000Z',
    });
    const end = asked(topic, { hub: `${server.url}/service`, reference: `${server.url}/channels/1` });
    expect(await hub.unsubscribe(end)).toEqual({ status: 'done' });
    expect(server.seen[1]).toMatchObject({ method: 'DELETE', path: '/channels/1' });
  });

  test('one at another server is none of ours to end', async () => {
    const server = await service((path) => `https://elsewhere.test${path}`);
    const answer = await solid(options).subscribe(asked('https://pod.test/notes', { hub: server.url }));
    expect(answer).toMatchObject({ status: 'unknown' });
  });
});
