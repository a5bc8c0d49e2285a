import { describe, expect, test } from 'vitest';
import type { HubRequest } from '../../src/define/hub.ts';
import { LIMITS } from '../../src/limits.ts';
import { type RestDefinition, restProvider } from '../../src/webhooks/rest.ts';
import { CALLBACK, definitionOf, provider, request } from './restServer.ts';
import { type Answer, type Served, serve } from './server.ts';

describe('what the author writes becomes a request', () => {
  type Create = NonNullable<RestDefinition['create']>;
  const sentBy = async (create: Create | undefined, more: Partial<HubRequest> = {}) => {
    const server = await serve((response) => response.writeHead(201).end('{"data":{"id":7}}'));
    const hub = restProvider(definitionOf(server, create ? { create: filledIn(create, server.url) } : {}));
    const answer = await hub.subscribe(request(more));
    return { answer, seen: server.seen[0]! };
  };
  const filledIn = (create: Create, url: string): Create =>
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
    const invalid = expect.objectContaining({ code: 'subscription.invalid' });
    expect(() => restProvider(bare)).toThrow(invalid);
    const swap = { ...bare, shape: 'swap', create: undefined, replace: bare.create } as unknown as RestDefinition;
    expect(() => restProvider({ ...bare, shape: 'swap' })).toThrow(invalid);
    expect(() => restProvider(swap)).not.toThrow();
    expect(() => restProvider({ ...swap, repeat: 'look' })).toThrow(invalid);
    const misspelt = { method: 'POST', url: server.url, json: { url: '{calback}' } } as const;
    expect(() => restProvider(definitionOf(server, { create: misspelt }))).toThrow(/\{calback\}/);
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
    await expect(listed).rejects.toMatchObject({ code: 'subscription.unlisted' });
    expect(server.seen).toHaveLength(LIMITS.hubListPages);
  });

  test('and not elsewhere, with the same credentials', async () => {
    const other = await serve((response) => response.end('{}'));
    const { listed } = await listOf(paged(() => `${other.url}/?page=2`));
    await expect(listed).rejects.toMatchObject({ code: 'subscription.unlisted' });
    expect(other.seen).toEqual([]);
  });

  test.each(['not JSON', '{}', '{"items":{}}'])('%s', async (body) => {
    const server = await serve((response) => response.end(body));
    await expect(restProvider(definitionOf(server)).list!('a.b')).rejects.toMatchObject({
      code: 'subscription.unlisted',
    });
  });
});
