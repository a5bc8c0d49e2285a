import { createServer } from 'node:http';
import { describe, expect, test } from 'vitest';
import { memoryStore } from '../../src/store/memory.ts';
import type { Side } from '../../src/webhooks/callbacks.ts';
import { applied, listed, listen, SECRET, signed, TOPIC, until, type World, world } from './world.ts';

const CHALLENGE = 'a+b/c=d e&f';

function verify({ url }: World, side: Side | string, changed: Record<string, string | undefined> = {}) {
  const fields = { 'hub.mode': 'subscribe', 'hub.topic': TOPIC, 'hub.challenge': CHALLENGE, ...changed };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) query.set(name, value);
  return fetch(`${url}/cb/${side}?${query}`, { redirect: 'manual' });
}

const subscribing = { side: 'new', mode: 'subscribe' } as const;

describe('verification', () => {
  test('10: a hub that verifies before it answers the request finds the intent', async () => {
    const w = await world();
    const hub = await listen(
      createServer(async (_, response) => {
        const { status } = await verify(w, 'new');
        response.writeHead(status === 200 ? 204 : 409).end();
      }),
    );
    w.callbacks.intents = [subscribing];
    expect((await fetch(hub, { method: 'POST' })).status).toBe(204);
    expect(w.callbacks.confirmed).toHaveLength(1);
  });

  test('11: what is intended is answered with exactly the challenge, whatever is in it', async () => {
    const w = await world();
    w.callbacks.intents = [subscribing];
    const response = await verify(w, 'new');
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(CHALLENGE);
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  });

  test('11: the confirmation is stored before the challenge is echoed', async () => {
    const w = await world();
    let store = () => {};
    const stored = new Promise<void>((resolve) => {
      store = resolve;
    });
    let asked = false;
    w.callbacks.verified = async () => {
      asked = true;
      await stored;
      return true;
    };
    let answered = false;
    const answer = verify(w, 'new').finally(() => {
      answered = true;
    });
    await until('it is asked', () => asked);
    expect(answered).toBe(false);
    store();
    expect((await answer).status).toBe(200);
  });

  test('11: when it cannot be stored the hub is asked to come again', async () => {
    const w = await world();
    w.callbacks.verified = async () => {
      throw new Error('the store is away');
    };
    const response = await verify(w, 'new');
    expect([response.status, await response.text()]).toEqual([503, '']);
  });

  test.each<[string, string, Record<string, string | undefined>]>([
    ['unknown path', 'none', {}],
    ['wrong topic', 'new', { 'hub.topic': `${TOPIC}#` }],
    ['no topic', 'new', { 'hub.topic': undefined }],
    ['wrong mode', 'new', { 'hub.mode': 'unsubscribe' }],
    ['no such mode', 'new', { 'hub.mode': 'publish' }],
    ['no mode', 'new', { 'hub.mode': undefined }],
    ['no challenge', 'new', { 'hub.challenge': undefined }],
    ['no intent', 'old', {}],
  ])('12: %s is answered 404', async (_, path, changed) => {
    const w = await world();
    w.callbacks.intents = [subscribing];
    const response = await verify(w, path, changed);
    expect([response.status, await response.text()]).toEqual([404, '']);
    expect(w.callbacks.confirmed).toEqual([]);
  });

  test.each<[string | undefined, number | undefined]>([
    ['864000', 864_000],
    [undefined, undefined],
    ['0', undefined],
    ['-5', undefined],
    ['1e3', undefined],
  ])('13: a granted lease of %s seconds is recorded as %s', async (said, recorded) => {
    const w = await world();
    w.callbacks.intents = [subscribing];
    expect((await verify(w, 'new', { 'hub.lease_seconds': said })).status).toBe(200);
    expect(w.callbacks.confirmed[0]!.leaseSeconds).toBe(recorded);
  });

  test('14: a hub that repeats itself gets the same answer', async () => {
    const w = await world();
    w.callbacks.intents = [subscribing];
    for (let i = 0; i < 3; i++) expect(await (await verify(w, 'new')).text()).toBe(CHALLENGE);
  });

  test('15: which mode each side confirms is asked with the side, and a settled URL is not revived', async () => {
    const w = await world();
    w.callbacks.intents = [{ side: 'old', mode: 'unsubscribe' }];
    w.callbacks.set('old', { gone: true });
    const status = async (side: Side, mode: string) => (await verify(w, side, { 'hub.mode': mode })).status;
    expect(await status('old', 'unsubscribe')).toBe(200);
    expect(await status('old', 'subscribe')).toBe(404);
    expect(await status('new', 'unsubscribe')).toBe(404);
    expect(w.callbacks.confirmed).toMatchObject([{ side: 'old', mode: 'unsubscribe' }]);
  });

  test('16: a denial is a hint: its reason is passed on, and nothing is confirmed by it', async () => {
    const w = await world();
    w.callbacks.intents = [subscribing];
    const denied = { 'hub.mode': 'denied', 'hub.challenge': undefined, 'hub.reason': 'too many' };
    expect((await verify(w, 'new', denied)).status).toBe(200);
    await w.receiver.settled();
    expect(w.callbacks.denials).toMatchObject([{ side: 'new', reason: 'too many' }]);
    expect(w.callbacks.confirmed).toEqual([]);
    expect((await verify(w, 'new', { ...denied, 'hub.topic': 'https://example.org/other' })).status).toBe(404);
  });
});

describe('delivery', () => {
  test('17: the path says which subscription it is, whatever the Link headers say', async () => {
    const w = await world();
    w.callbacks.set('new', { subscription: 's2', scope: 'other' });
    const link = '<https://example.org/elsewhere>; rel="self", <https://hub.example.org/>; rel="hub"';
    expect((await w.post('new', 'x', { ...signed('x'), link })).status).toBe(202);
    expect(await listed(w.inbox)).toMatchObject([{ subscription: 's2', scope: 'other', side: 'new' }]);
    expect((await fetch(`${w.url}/cb/none`, { method: 'POST', body: 'x', headers: signed('x') })).status).toBe(404);
  });

  test('17: the callback may have a query of its own', async () => {
    const w = await world();
    const response = await fetch(`${w.url}/cb/new?tenant=7`, { method: 'POST', body: 'x', headers: signed('x') });
    expect(response.status).toBe(202);
  });

  test('18: 2xx is said when the delivery is in the store, and the handler is not waited for', async () => {
    const w = await world();
    expect((await w.post('new', 'x', signed('x'))).status).toBe(202);
    expect(await listed(w.inbox, 'received')).toHaveLength(1);
    expect(await applied(w.inbox)).toEqual(['x']);
  });

  test.each([
    ['busy', () => ({ kind: 'busy', why: 'exhausted' }) as const],
    ['silent, and not written', () => ({ kind: 'lost', applied: false }) as const],
  ])('18: when the store is %s it is 503, and the repetition is stored', async (_, fault) => {
    let away = true;
    const w = await world({ store: memoryStore({ fault: () => (away ? fault() : undefined) }) });
    expect((await w.post('new', 'x', signed('x'))).status).toBe(503);
    expect(w.callbacks.proofs).toEqual([]);
    away = false;
    expect(await listed(w.inbox)).toEqual([]);
    expect((await w.post('new', 'x', signed('x'))).status).toBe(202);
    expect(await applied(w.inbox)).toEqual(['x']);
  });

  test('18: when nobody can say what the path is, it is 503', async () => {
    const w = await world();
    w.callbacks.failing = true;
    expect((await w.post('new', 'x', signed('x'))).status).toBe(503);
  });

  test.each(['sha1', 'sha256', 'sha384', 'sha512'])(
    '19: %s over the raw bytes, in any case of letters',
    async (method) => {
      const w = await world();
      const body = Uint8Array.from({ length: 256 }, (_, i) => i);
      const { 'x-hub-signature': signature } = signed(body, SECRET, method);
      expect((await w.post('new', body, { 'x-hub-signature': signature })).status).toBe(202);
      const upper = `${method}=${signature.slice(method.length + 1).toUpperCase()}`;
      expect((await w.post('new', body, { 'x-hub-signature': upper })).status).toBe(202);
      expect(w.receiver.counts).toMatchObject({ stored: 1, duplicate: 1, suspicious: 0 });
      await w.receiver.settled();
      expect(w.callbacks.proofs).toEqual(['new', 'new']);
    },
  );

  test.each([
    ['another secret', signed('x', 'other')],
    ['other bytes', signed('y')],
    ['an unknown method', { 'x-hub-signature': 'md5=9dd4e461268c8034f5c8564e155c67a6' }],
    ['half a signature', { 'x-hub-signature': signed('x')['x-hub-signature'].slice(0, -2) }],
    ['a tail that is not hexadecimal', { 'x-hub-signature': `${signed('x')['x-hub-signature']}zz` }],
    ['no digest', { 'x-hub-signature': 'sha256=' }],
  ])('19: signed with %s: 2xx, ignored, counted, alerted, and no proof', async (_, headers) => {
    const w = await world();
    const response = await w.post('new', 'x', headers);
    expect(response.ok).toBe(true);
    await w.receiver.settled();
    expect(w.callbacks.suspicions).toMatchObject([{ side: 'new', why: 'mismatch' }]);
    expect(w.receiver.counts).toMatchObject({ suspicious: 1, stored: 0 });
    expect(w.callbacks.proofs).toEqual([]);
    expect(await listed(w.inbox)).toEqual([]);
  });

  test('20: a secret is set and there is no signature: 4xx, and not processed', async () => {
    const w = await world();
    const { status } = await w.post('new', 'x');
    expect(status).toBe(401);
    await w.receiver.settled();
    expect(w.callbacks).toMatchObject({ proofs: [], suspicions: [{ why: 'missing' }] });
    expect(await listed(w.inbox)).toEqual([]);
  });

  test('20: without a secret it is stored, and is no proof', async () => {
    const w = await world({ callback: { secrets: [] } });
    expect((await w.post('new', 'x')).status).toBe(202);
    await w.receiver.settled();
    expect(w.callbacks.proofs).toEqual([]);
    expect(await listed(w.inbox)).toMatchObject([{ signed: false }]);
  });

  test('21: each of a set of secrets is good, until it is retired', async () => {
    const w = await world();
    w.callbacks.set('new', { secrets: ['first', SECRET, 'third'] });
    for (const secret of ['third', 'first', SECRET]) {
      expect((await w.post('new', `by ${secret}`, signed(`by ${secret}`, secret))).status).toBe(202);
    }
    w.callbacks.set('new', { secrets: [SECRET, 'third'] });
    await w.post('new', 'late', signed('late', 'first'));
    expect(w.receiver.counts).toMatchObject({ stored: 3, suspicious: 1 });
  });

  test('22: nothing is answered with a redirect', async () => {
    const w = await world();
    for (const path of ['/cb/new/', '/cb//new', '//cb/new', '/cb/new%2f', '/cb']) {
      const { status } = await fetch(`${w.url}${path}`, { method: 'POST', body: 'x', redirect: 'manual' });
      expect([path, status]).toEqual([path, 404]);
    }
  });

  test('23: 410 is said when it is settled, and not before', async () => {
    const w = await world();
    expect((await w.post('old', 'x', signed('x'))).status).toBe(202);
    expect((await fetch(`${w.url}/cb/old`, { method: 'HEAD' })).status).toBe(200);
    w.callbacks.set('old', { gone: true });
    expect((await w.post('old', 'y', signed('y'))).status).toBe(410);
    expect((await fetch(`${w.url}/cb/old`, { method: 'HEAD' })).status).toBe(410);
    expect(await applied(w.inbox)).toEqual(['x']);
  });

  test.each([
    undefined,
    'application/json',
    'nonsense',
    'text/plain; charset=utf-16',
    'application/x-www-form-urlencoded',
  ])('25: a body of type %s is kept as it came', async (type) => {
    const w = await world({ callback: { protocol: 'feed' } });
    const body = Buffer.from('{not json, \xff\x00', 'latin1');
    await w.post('new', body, { ...signed(body), ...(type === undefined ? {} : { 'content-type': type }) });
    let seen: Uint8Array | undefined;
    const stop = new AbortController();
    await w.inbox.work((delivery) => {
      seen = delivery.body;
      expect(delivery.contentType).toBe(type ?? 'application/octet-stream');
      stop.abort();
    }, stop.signal);
    expect(Buffer.from(seen!)).toEqual(body);
  });

  test('25: a body over the limit is 413, and one at the limit is not', async () => {
    const w = await world({ maxBytes: 100_000 });
    const [fits, over] = [100_000, 100_001].map((size) => Buffer.alloc(size, 7));
    expect((await w.post('new', fits!, signed(fits!))).status).toBe(202);
    expect((await w.post('new', over!, signed(over!))).status).toBe(413);
    expect(await listed(w.inbox)).toHaveLength(1);
  });

  test('25: a body that fits into no entity of the store is 413', async () => {
    const w = await world({ store: memoryStore({ capabilities: { maxEntityBytes: 20_000 } }) });
    const body = Buffer.alloc(20_000, 7);
    expect((await w.post('new', body, signed(body))).status).toBe(413);
    expect(w.receiver.counts).toMatchObject({ tooLarge: 1 });
    expect(await listed(w.inbox)).toEqual([]);
  });

  test('other methods are not allowed', async () => {
    const w = await world();
    const response = await fetch(`${w.url}/cb/new`, { method: 'PUT', body: 'x' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
  });

  test('credentials are not kept with a delivery', async () => {
    const w = await world();
    await w.post('new', 'x', { ...signed('x'), cookie: 'a=b', authorization: 'Bearer t', 'x-event': 'push' });
    const { headers } = (await listed(w.inbox))[0]!;
    expect(headers).toMatchObject({ 'x-event': 'push' });
    expect(headers).not.toHaveProperty('cookie');
    expect(headers).not.toHaveProperty('authorization');
  });

  test('what is told beside the answer may fail without changing it', async () => {
    const w = await world();
    w.callbacks.delivered = async () => {
      throw new Error('the store is away');
    };
    expect((await w.post('new', 'x', signed('x'))).status).toBe(202);
    await w.receiver.settled();
    expect(await listed(w.inbox)).toHaveLength(1);
  });
});
