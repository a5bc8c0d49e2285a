import { describe, expect, test } from 'vitest';
import type { Hub, HubRequest } from '../../src/define/hub.ts';
import { LIMITS } from '../../src/limits.ts';
import { type RestDefinition, restProvider } from '../../src/webhooks/rest.ts';
import { type Answer, type Served, serve } from './server.ts';

const CALLBACK = 'https://app.test/in/5f0c9a';
const request = (more: Partial<HubRequest> = {}): HubRequest => ({
  hub: 'https://unused.test/',
  topic: 'a.b',
  callback: CALLBACK,
  intent: 'i1',
  ...more,
});

/** A provider that keeps what it is told, and after each change may lose its answer or say something else. */
async function provider(fault: Answer = (response) => response.end()) {
  const kept = new Map<string, { id: string; target: string }>();
  let ids = 0;
  let faults = 0;
  const server = await serve((response, seen) => {
    const { method, path, body } = seen;
    const id = path.split('/')[2] ?? '';
    const json = (value: unknown, code = 200) => response.writeHead(code).end(JSON.stringify(value));
    if (method === 'GET') return json({ items: [...kept.values()] });
    if (method === 'DELETE' && !kept.delete(id)) return response.writeHead(404).end();
    if (method !== 'DELETE') {
      const name = id === '' ? String(++ids) : id;
      kept.set(name, { id: name, target: JSON.parse(body).target });
    }
    if (faults > 0) {
      faults -= 1;
      return fault(response, seen);
    }
    json({ data: kept.get(String(ids)) ?? {} }, method === 'POST' ? 201 : 200);
  });
  const breaks = (times: number) => {
    faults = times;
  };
  return { server, kept, breaks };
}

const definitionOf = ({ url }: Served, more: Partial<RestDefinition> = {}): RestDefinition => ({
  name: 'provider',
  allow: ['127.0.0.1'],
  plainHttp: true,
  create: { method: 'POST', url: `${url}/hooks`, json: { target: '{callback}', secret: '{secret}' } },
  delete: { method: 'DELETE', url: `${url}/hooks/{reference}` },
  list: {
    request: { method: 'GET', url: `${url}/hooks?topic={topic}` },
    read: { items: 'items', reference: 'id', callback: 'target' },
  },
  reference: 'data.id',
  ...more,
});

const lost: Answer = (response) => response.destroy();

describe('what the author writes becomes a request', () => {
  const sentBy = async (create: RestDefinition['create'] | undefined, more: Partial<HubRequest> = {}) => {
    const server = await serve((response) => response.writeHead(201).end('{"data":{"id":7}}'));
    const hub = restProvider(definitionOf(server, create ? { create: filledIn(create, server.url) } : {}));
    const answer = await hub.subscribe(request(more));
    return { answer, seen: server.seen[0]! };
  };
  const filledIn = (create: RestDefinition['create'], url: string): RestDefinition['create'] =>
    typeof create === 'function'
      ? (input) => ({ ...create(input), url: url + create(input).url })
      : { ...create, url: url + create.url };

  test('a template, with the intent as its idempotency key', async () => {
    const { answer, seen } = await sentBy(undefined, { secret: 's"1' });
    expect(answer).toEqual({ status: 'done', reference: '7' });
    expect(seen).toMatchObject({ method: 'POST', path: '/hooks' });
    expect(seen.headers).toMatchObject({ 'idempotency-key': 'i1', 'content-type': 'application/json' });
    expect(JSON.parse(seen.body)).toEqual({ target: CALLBACK, secret: 's"1' });
  });

  test('a field that is unset takes its property with it, inside text too', async () => {
    const json = { secret: '{secret}', hint: 'secret {secret}', lease: '{leaseSeconds}', list: ['{secret}', 'x'] };
    const { seen } = await sentBy({ method: 'PUT', url: '/hooks', json }, { leaseSeconds: 60 });
    expect(JSON.parse(seen.body)).toEqual({ lease: 60, list: ['x'] });
  });

  test('what is put into a URL cannot leave its place', async () => {
    const { seen } = await sentBy({ method: 'PUT', url: '/on/{topic}?to={callback}' }, { topic: '../x?y=1#z' });
    expect(seen.path).toBe(`/on/..%2Fx%3Fy%3D1%23z?to=${encodeURIComponent(CALLBACK)}`);
  });

  test('a form, from a function', async () => {
    const { seen } = await sentBy(({ callback }) => ({
      method: 'POST',
      url: '/x',
      form: { url: callback, e: ['a', 'b'] },
    }));
    expect(seen.headers['content-type']).toBe('application/x-www-form-urlencoded');
    expect(seen.body).toBe(`url=${encodeURIComponent(CALLBACK)}&e=a&e=b`);
  });

  test('credentials are asked for each time', async () => {
    const { server } = await provider();
    let asked = 0;
    const headers = async () => ({ authorization: `Bearer ${++asked}` });
    const hub = restProvider(definitionOf(server, { headers }));
    await hub.subscribe(request());
    await hub.list!('a.b');
    expect(server.seen.map((seen) => seen.headers.authorization)).toEqual(['Bearer 1', 'Bearer 2']);
  });

  test('what cannot be made into a request was certainly not sent', async () => {
    const { server } = await provider();
    const thrown = () => {
      throw new Error('no such topic');
    };
    const refusedBy = (more: Partial<RestDefinition>) => restProvider(definitionOf(server, more)).subscribe(request());
    expect(await refusedBy({ create: thrown })).toMatchObject({ status: 'refused', cause: 'no such topic' });
    expect(await refusedBy({ headers: thrown })).toMatchObject({ status: 'refused', again: true });
    expect(await refusedBy({ create: { method: 'PUT', url: `${server.url}/{reference}` } })).toMatchObject({
      status: 'refused',
      cause: expect.stringContaining('reference'),
    });
    expect(await refusedBy({ plainHttp: false })).toMatchObject({
      status: 'refused',
      cause: expect.stringContaining('no TLS'),
    });
    expect(server.seen).toEqual([]);
  });

  test('a definition that contradicts itself is an error of the author', async () => {
    const { server } = await provider();
    const { delete: _, list: __, ...bare } = definitionOf(server);
    const invalid = expect.objectContaining({ code: 'hub.invalid' });
    expect(() => restProvider(bare)).toThrow(invalid);
    expect(() => restProvider({ ...bare, shape: 'swap' })).not.toThrow();
    expect(() => restProvider({ ...bare, shape: 'swap', repeat: 'look' })).toThrow(invalid);
    const misspelt = { method: 'POST', url: server.url, json: { url: '{calback}' } } as const;
    expect(() => restProvider(definitionOf(server, { create: misspelt }))).toThrow(/\{calback\}/);
  });
});

describe('what the provider answers', () => {
  const answers = async (code: number, body: string, more: Partial<RestDefinition> = {}) => {
    const server = await serve((response) => response.writeHead(code, { 'x-id': 'h7' }).end(body));
    return restProvider(definitionOf(server, more)).subscribe(request());
  };

  test('its name for the subscription, its lease and its secret', async () => {
    const more: Partial<RestDefinition> = {
      reference: ({ header }) => header('x-id'),
      leaseSeconds: ({ json }, now) => (json as { end: number }).end - now / 1_000,
      secret: 'key',
      clock: { now: () => 5_000 } as NonNullable<RestDefinition['clock']>,
    };
    const done = { status: 'done', reference: 'h7', leaseSeconds: 3, secret: 'made' };
    expect(await answers(200, '{"end":8,"key":"made"}', more)).toEqual(done);
  });

  test('202 is not yet active', async () => {
    expect(await answers(202, '')).toEqual({ status: 'accepted' });
  });

  test.each(['', '{}', 'not JSON', '{"data":{"id":null}}', `{"data":{"id":"1"}}${' '.repeat(LIMITS.hubAnswerBytes)}`])(
    'a success without a name may have left something behind: %.30s',
    async (body) => {
      expect(await answers(201, body)).toMatchObject({ status: 'unknown' });
    },
  );

  test('so may one that the author fails to read', async () => {
    const reference = () => {
      throw new Error('unforeseen');
    };
    expect(await answers(201, '{}', { reference })).toMatchObject({
      status: 'unknown',
      cause: expect.stringContaining('unforeseen'),
    });
  });

  test('refusals', async () => {
    expect(await answers(422, '{"error":"bad url"}')).toMatchObject({ status: 'refused', again: false });
    expect(await answers(500, '')).toMatchObject({ status: 'refused', again: true });
  });

  test('a redirect is not followed with credentials', async () => {
    const elsewhere = await provider();
    const server = await serve((response) => response.writeHead(307, { location: elsewhere.server.url }).end());
    expect(await restProvider(definitionOf(server)).subscribe(request())).toMatchObject({ status: 'refused' });
    expect(elsewhere.server.seen).toEqual([]);
  });
});

describe('an answer that was lost leaves no orphan', () => {
  test('the list shows what is there, by callback', async () => {
    const { server, breaks } = await provider(lost);
    const hub = restProvider(definitionOf(server));
    breaks(1);
    expect(await hub.subscribe(request())).toMatchObject({ status: 'unknown' });
    expect(await hub.list!('a.b')).toEqual([{ reference: '1', callback: CALLBACK }]);
    expect(server.seen.at(-1)!.path).toBe('/hooks?topic=a.b');
  });

  test('where the list is looked at first, the next attempt takes it over', async () => {
    const { server, kept, breaks } = await provider(lost);
    const hub = restProvider(definitionOf(server, { repeat: 'look' }));
    breaks(1);
    expect(await hub.subscribe(request())).toMatchObject({ status: 'unknown' });
    expect(await hub.subscribe(request())).toEqual({ status: 'done', reference: '1' });
    expect(await hub.subscribe(request({ callback: `${CALLBACK}/other` }))).toEqual({ status: 'done', reference: '2' });
    expect(kept.size).toBe(2);
  });

  test('and gives it what is asked now, where the author says how', async () => {
    const { server, breaks } = await provider(lost);
    const replace = {
      method: 'PATCH',
      url: `${server.url}/hooks/{reference}`,
      json: { target: '{callback}', s: '{secret}' },
    } as const;
    const hub = restProvider(definitionOf(server, { repeat: 'look', replace }));
    breaks(1);
    await hub.subscribe(request({ secret: 'old' }));
    expect(await hub.subscribe(request({ secret: 'new' }))).toEqual({ status: 'done', reference: '1' });
    expect(server.seen.at(-1)).toMatchObject({ method: 'PATCH', path: '/hooks/1' });
    expect(JSON.parse(server.seen.at(-1)!.body).s).toBe('new');
  });

  test('one that is known is renewed by its name, without a look', async () => {
    const server = await serve((response) => response.end('{}'));
    const replace = { method: 'PUT', url: `${server.url}/hooks/{reference}` } as const;
    const hub = restProvider(definitionOf(server, { repeat: 'look', replace }));
    expect(await hub.subscribe(request({ reference: '9' }))).toEqual({ status: 'done', reference: '9' });
    expect(server.seen.map(({ method, path }) => `${method} ${path}`)).toEqual(['PUT /hooks/9']);
  });

  test('a list that cannot be read is no reason to make a second one', async () => {
    const server = await serve((response) => response.destroy());
    const hub = restProvider(definitionOf(server, { repeat: 'look' }));
    expect(await hub.subscribe(request())).toMatchObject({ status: 'refused', again: true });
    expect(server.seen.map(({ method }) => method)).toEqual(['GET']);
    await expect(hub.list!('a.b')).rejects.toMatchObject({ code: 'hub.unlisted' });
  });

  test('one that was made twice is ended twice', async () => {
    const { server, kept, breaks } = await provider(lost);
    const hub = restProvider(definitionOf(server));
    breaks(2);
    await hub.subscribe(request());
    await hub.subscribe(request());
    await hub.subscribe(request({ callback: 'https://app.test/in/another' }));
    expect(await hub.unsubscribe(request())).toEqual({ status: 'done' });
    expect([...kept.keys()]).toEqual(['3']);
  });
});

describe('the end of a subscription', () => {
  test('by its name, and once more after the answer was lost', async () => {
    const { server, kept, breaks } = await provider(lost);
    const hub = restProvider(definitionOf(server));
    await hub.subscribe(request());
    breaks(1);
    expect(await hub.unsubscribe(request({ reference: '1' }))).toMatchObject({ status: 'unknown' });
    expect(await hub.unsubscribe(request({ reference: '1' }))).toEqual({ status: 'done' });
    expect(kept.size).toBe(0);
  });

  test('"not found" is no end while the list still shows it: some providers say so to those who may not know', async () => {
    const server = await serve((response, { method }) =>
      method === 'GET'
        ? response.end(JSON.stringify({ items: [{ id: 1, target: CALLBACK }] }))
        : response.writeHead(404).end(),
    );
    const hub = restProvider(definitionOf(server));
    expect(await hub.unsubscribe(request({ reference: '1' }))).toMatchObject({ status: 'refused', again: false });
    expect(await hub.unsubscribe(request({ reference: '2' }))).toEqual({ status: 'done' });
  });

  test('nor where the list cannot be read', async () => {
    const server = await serve((response) => response.writeHead(404).end());
    const unsubscribe = (hub: Hub) => hub.unsubscribe(request({ reference: '1' }));
    expect(await unsubscribe(restProvider(definitionOf(server)))).toMatchObject({ status: 'refused' });
    const { list: _, ...blind } = definitionOf(server);
    expect(await unsubscribe(restProvider(blind))).toEqual({ status: 'done' });
  });

  test('of a URL that was swapped, nobody has to ask for', async () => {
    const server = await serve((response) => response.writeHead(200).end());
    const { delete: _, list: __, reference: ___, ...bare } = definitionOf(server);
    const hub = restProvider({
      ...bare,
      shape: 'swap',
      create: { method: 'PUT', url: `${server.url}/url`, form: { url: '{callback}' } },
    });
    expect(hub).toMatchObject({ shape: 'swap' });
    expect(hub.list).toBeUndefined();
    expect(await hub.subscribe(request())).toEqual({ status: 'done' });
    expect(await hub.unsubscribe(request())).toMatchObject({ status: 'refused', again: false });
    expect(server.seen).toHaveLength(1);
  });
});

describe('half a list is none', () => {
  const paged =
    (next: (page: number, url: string) => string | undefined) =>
    async (response: Parameters<Answer>[0], url: string, path: string) => {
      const page = Number(path.split('=')[1]);
      response.end(JSON.stringify({ page, next: next(page, url) }));
    };
  const listOf = async (answer: ReturnType<typeof paged>) => {
    const server: Served = await serve((response, { path }) => void answer(response, server.url, path));
    const hub = restProvider(
      definitionOf(server, {
        list: {
          request: { method: 'GET', url: `${server.url}/?page=1` },
          read: ({ json }) => {
            const { page, next } = json as { page: number; next?: string };
            const found = [{ reference: String(page), callback: CALLBACK }];
            return next === undefined ? { found } : { found, next: { method: 'GET', url: next } };
          },
        },
      }),
    );
    return { server, listed: hub.list!('a.b') };
  };

  test('all pages are read', async () => {
    const { listed } = await listOf(paged((page, url) => (page < 3 ? `${url}/?page=${page + 1}` : undefined)));
    expect((await listed).map(({ reference }) => reference)).toEqual(['1', '2', '3']);
  });

  test('but not for ever', async () => {
    const { server, listed } = await listOf(paged((page, url) => `${url}/?page=${page + 1}`));
    await expect(listed).rejects.toMatchObject({ code: 'hub.unlisted' });
    expect(server.seen).toHaveLength(LIMITS.hubListPages);
  });

  test('and not elsewhere, with the same credentials', async () => {
    const other = await serve((response) => response.end('{}'));
    const { listed } = await listOf(paged(() => `${other.url}/?page=2`));
    await expect(listed).rejects.toMatchObject({ code: 'hub.unlisted' });
    expect(other.seen).toEqual([]);
  });

  test.each(['not JSON', '{}', '{"items":{}}'])('%s', async (body) => {
    const server = await serve((response) => response.end(body));
    await expect(restProvider(definitionOf(server)).list!('a.b')).rejects.toMatchObject({ code: 'hub.unlisted' });
  });
});
