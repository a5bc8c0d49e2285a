import { describe, expect, test } from 'vitest';
import type { Hub } from '../../src/define/hub.ts';
import { LIMITS } from '../../src/limits.ts';
import { type RestDefinition, restProvider } from '../../src/webhooks/rest.ts';
import { CALLBACK, definitionOf, lost, provider, request } from './restServer.ts';
import { serve } from './server.ts';

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
    await expect(hub.list!('a.b')).rejects.toMatchObject({ code: 'subscription.unlisted' });
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
    const { create: _, delete: __, list: ___, reference: ____, ...bare } = definitionOf(server);
    const hub = restProvider({
      ...bare,
      shape: 'swap',
      replace: { method: 'PUT', url: `${server.url}/url`, form: { url: '{callback}' } },
    });
    expect(hub).toMatchObject({ shape: 'swap' });
    expect(hub.list).toBeUndefined();
    expect(await hub.subscribe(request())).toEqual({ status: 'done' });
    expect(await hub.unsubscribe(request())).toMatchObject({ status: 'refused', again: false });
    expect(server.seen).toHaveLength(1);
  });
});
