import { describe, expect, test } from 'vitest';
import { memoryStore } from '../../src/store/memory.ts';
import { applied, listed, SECRET, signed, world } from './world.ts';

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
