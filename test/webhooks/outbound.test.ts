import type { LookupAddress } from 'node:dns';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { LIMITS } from '../../src/limits.ts';
import { type Answered, type OutboundOptions, type OutboundRequest, outbound } from '../../src/webhooks/outbound.ts';
import { identity, serve } from './server.ts';

type Resolved = readonly string[] | 'missing' | 'silent';

/** What names are at, by turns: the resolver is the fault that these tests decide. */
const names = new Map<string, Resolved[]>();
const asked: string[] = [];

vi.mock('node:dns', async (original) => ({
  ...(await original<typeof import('node:dns')>()),
  lookup: (host: string, _: unknown, callback: (error: Error | null, found: LookupAddress[]) => void) => {
    asked.push(host);
    const found = names.get(host)?.shift() ?? 'missing';
    if (found === 'silent') return;
    if (found === 'missing') return callback(Object.assign(new Error('ENOTFOUND'), { code: 'ENOTFOUND' }), []);
    callback(
      null,
      found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  },
}));

afterEach(() => {
  names.clear();
  asked.length = 0;
});

const LOOPBACK: OutboundOptions = { allow: ['127.0.0.1'] };
/** Long enough for a machine that is busy, and short enough to be waited for. */
const SHORT = { ...LOOPBACK, deadlineMs: 300 };

const get = (url: string, options: OutboundOptions = {}, more: Partial<OutboundRequest> = {}) =>
  outbound(options)({ method: 'GET', url, ...more });

const answered = (answer: Awaited<ReturnType<typeof get>>): Answered => {
  expect(answer).toMatchObject({ status: 'answered' });
  return answer as Answered;
};

const textOf = ({ body }: Answered) => new TextDecoder().decode(body);

describe('nobody outside makes this process talk to what is inside', () => {
  test.each([
    ['loopback', '127.0.0.1'],
    ['loopback in hexadecimal', '0x7f.1'],
    ['loopback as one number', '2130706433'],
    ['loopback of IPv6', '[::1]'],
    ['loopback, mapped into IPv6', '[::ffff:127.0.0.1]'],
    ['loopback, compatible with IPv4', '[::127.0.0.1]'],
    ['loopback behind a translator', '[64:ff9b::7f00:1]'],
    ['loopback by 6to4', '[2002:7f00:1::]'],
    ['this host', '0.0.0.0'],
    ['this host of IPv6', '[::]'],
    ['private, a class', '10.1.2.3'],
    ['private, some classes', '172.31.0.1'],
    ['private, small classes', '192.168.0.1'],
    ['private, mapped into IPv6', '[::ffff:10.0.0.1]'],
    ['link-local, with credentials of clouds', '169.254.169.254'],
    ['link-local of IPv6', '[fe80::1]'],
    ['carrier-grade NAT', '100.64.0.1'],
    ['unique local', '[fd12:3456::1]'],
    ['site-local', '[fec0::1]'],
    ['multicast', '224.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['documentation', '[2001:db8::1]'],
  ])('%s', async (_, host) => {
    const server = await serve((response) => response.end());
    const answer = await get(`http://${host}:${server.port}/`, { allow: [], deadlineMs: 2_000 });
    expect(answer).toMatchObject({ status: 'refused', again: false, cause: expect.stringContaining('not a public') });
    expect(server.connections()).toBe(0);
  });

  test('a name that resolves to such an address', async () => {
    const server = await serve((response) => response.end());
    names.set('inside.test', [['127.0.0.1', '::1']]);
    const answer = await get(`http://inside.test:${server.port}/`);
    expect(answer).toMatchObject({ status: 'refused', again: false, cause: expect.stringContaining('127.0.0.1, ::1') });
    expect(server.connections()).toBe(0);
  });

  test('of several addresses only the permitted ones are tried', async () => {
    const server = await serve((response) => response.end());
    names.set('mixed.test', [['127.0.0.3', '127.0.0.1']]);
    expect((await get(`http://mixed.test:${server.port}/`, LOOPBACK)).status).toBe('answered');
    names.set('mixed.test', [['127.0.0.3', '127.0.0.2']]);
    expect((await get(`http://mixed.test:${server.port}/`, LOOPBACK)).status).toBe('refused');
    expect(server.connections()).toBe(1);
  });

  test('a name that changes its address between two looks: there is one look, and what it finds is connected to', async () => {
    const server = await serve((response) => response.end());
    names.set('rebinds.test', [['127.0.0.1'], ['127.0.0.2']]);
    expect((await get(`http://rebinds.test:${server.port}/`, LOOPBACK)).status).toBe('answered');
    expect(asked).toEqual(['rebinds.test']);
    expect((await get(`http://rebinds.test:${server.port}/`, LOOPBACK)).status).toBe('refused');
    expect(server.connections()).toBe(1);
  });

  test('a redirect to one', async () => {
    const inside = await serve((response) => response.end('secret'));
    const outside = await serve((response) =>
      response.writeHead(302, { location: `http://127.0.0.2:${inside.port}/` }).end(),
    );
    const answer = await get(outside.url, LOOPBACK, { follow: { codes: [302] } });
    expect(answer).toMatchObject({ status: 'refused', again: false });
    expect(inside.connections()).toBe(0);
  });

  test.each(['ftp://127.0.0.1/', 'file:///etc/passwd', 'no url', 'http://name@127.0.0.1/', 'http://:word@127.0.0.1/'])(
    '%s',
    async (url) => {
      expect(await get(url, LOOPBACK)).toMatchObject({ status: 'refused', again: false });
    },
  );
});

describe('what is allowed', () => {
  test.each([
    ['an address', '127.0.0.1', '127.0.0.1'],
    ['an address that is written as one of IPv6', '[::ffff:127.0.0.1]', '127.0.0.1'],
    ['an address that is met as one of IPv6', '127.0.0.1', '[::ffff:127.0.0.1]'],
    ['a range', '127.0.0.0/8', '127.0.0.2'],
    ['a name', 'Hub.Test', 'hub.test'],
    ['a name with its last dot', 'hub.test', 'hub.test.'],
  ])('%s', async (_, entry, host) => {
    const server = await serve((response) => response.end());
    names.set(host, [['127.0.0.1']]);
    expect((await get(`http://${host}:${server.port}/`, { allow: [entry] })).status).toBe('answered');
    expect((await get(`http://127.0.0.9:${server.port}/`, { allow: ['127.0.0.1', 'hub.test'] })).status).toBe(
      'refused',
    );
  });

  test('a range that is none is an error of the author', () => {
    expect(() => outbound({ allow: ['10.0.0.0/99'] })).toThrow(
      expect.objectContaining({ code: 'subscription.invalid' }),
    );
  });
});

describe('whether something was sent', () => {
  test('a name that nobody knows, and an address where nobody listens: certainly not', async () => {
    const missing = await get('http://nowhere.test/', LOOPBACK);
    expect(missing).toMatchObject({ status: 'refused', again: true, cause: expect.stringContaining('ENOTFOUND') });
    const closed = await get('http://127.0.0.1:1/', LOOPBACK);
    expect(closed).toMatchObject({ status: 'refused', again: true, cause: expect.stringContaining('ECONNREFUSED') });
  });

  test('a resolver that does not answer before the deadline: certainly not', async () => {
    names.set('slow.test', ['silent']);
    expect(await get('http://slow.test/', SHORT)).toMatchObject({
      status: 'refused',
      again: true,
      cause: expect.stringContaining('deadline'),
    });
  });

  test('a server that does not speak TLS: certainly not', async () => {
    const server = await serve((response) => response.end());
    const answer = await get(`https://127.0.0.1:${server.port}/`, LOOPBACK);
    expect(answer).toMatchObject({ status: 'refused', again: true });
    expect(server.seen).toEqual([]);
  });

  test('a server that takes the request and is silent: perhaps', async () => {
    const server = await serve(() => {});
    const answer = await get(server.url, SHORT, { method: 'POST', body: 'a=1' });
    expect(answer).toMatchObject({ status: 'unknown', cause: expect.stringContaining('deadline') });
    expect(server.seen).toHaveLength(1);
  });

  test.each(['GET', 'POST'] as const)(
    'a %s whose connection breaks: perhaps, and it is not sent twice',
    async (method) => {
      const server = await serve((response) => response.destroy());
      expect(await get(server.url, LOOPBACK, { method })).toMatchObject({ status: 'unknown' });
      expect(server.seen).toHaveLength(1);
    },
  );
});

describe('certificates', () => {
  test('one that nobody vouches for ends the call before it has begun, unless its authority is named', async () => {
    const own = await identity();
    const server = await serve((response) => response.end(), own);
    const refused = await get(server.url, LOOPBACK);
    expect(refused).toMatchObject({ status: 'refused', cause: expect.stringContaining('certificate') });
    expect(server.seen).toEqual([]);
    expect((await get(server.url, { ...LOOPBACK, ca: own.cert })).status).toBe('answered');
    // It is vouched for at 127.0.0.1 only.
    names.set('other.test', [['127.0.0.1']]);
    const other = await get(`https://other.test:${server.port}/`, { ...LOOPBACK, ca: own.cert });
    expect(other.status).toBe('refused');
    expect(server.seen).toHaveLength(1);
  });
});

describe('bodies', () => {
  test('one that is longer than wanted is cut', async () => {
    const server = await serve((response) => response.end('x'.repeat(100_000)));
    const answer = answered(await get(server.url, LOOPBACK, { mostBytes: 1_000 }));
    expect([answer.body.length, answer.whole]).toEqual([1_000, false]);
    const exact = answered(await get(server.url, LOOPBACK, { mostBytes: 100_000 }));
    expect([exact.body.length, exact.whole]).toEqual([100_000, true]);
  });

  test('one that is longer and never ends is not waited for', async () => {
    const server = await serve((response) => response.write('x'.repeat(2_000)));
    const answer = answered(await get(server.url, { ...LOOPBACK, deadlineMs: 600_000 }, { mostBytes: 1_000 }));
    expect([answer.body.length, answer.whole]).toEqual([1_000, false]);
  });

  test('one that never ends ends with the deadline', async () => {
    const server = await serve((response) => response.writeHead(200).write('a'));
    const answer = answered(await get(server.url, SHORT));
    expect([answer.code, textOf(answer), answer.whole]).toEqual([200, 'a', false]);
  });

  test('one that breaks off is not whole', async () => {
    const server = await serve((response) => {
      response.writeHead(200, { 'content-length': '10' }).write('abc', () => response.destroy());
    });
    expect(answered(await get(server.url, LOOPBACK)).whole).toBe(false);
  });
});

describe('redirects', () => {
  test('are followed by nobody who did not ask', async () => {
    const server = await serve((response) => response.writeHead(302, { location: '/there' }).end());
    expect(answered(await get(server.url, LOOPBACK)).code).toBe(302);
    expect(answered(await get(server.url, LOOPBACK, { follow: { codes: [307] } })).code).toBe(302);
    expect(server.seen).toHaveLength(2);
  });

  test('keep method and body, and leave credentials where they belong', async () => {
    const other = await serve((response) => response.end('there'));
    const server = await serve((response, { path }) =>
      response.writeHead(307, { location: path === '/' ? '/here' : `${other.url}/there` }).end(),
    );
    const answer = answered(
      await get(server.url, LOOPBACK, {
        method: 'POST',
        body: 'a=1',
        headers: { authorization: 'Bearer token', 'content-type': 'text/x' },
        follow: { codes: [307] },
      }),
    );
    expect([textOf(answer), answer.url]).toEqual(['there', `${other.url}/there`]);
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer token', 'Bearer token']);
    expect(other.seen).toMatchObject([{ method: 'POST', body: 'a=1', headers: { 'content-type': 'text/x' } }]);
    expect(other.seen[0]!.headers.authorization).toBeUndefined();
  });

  test('in a circle end', async () => {
    const server = await serve((response) => response.writeHead(302, { location: '/' }).end());
    const answer = await get(server.url, LOOPBACK, { follow: { codes: [302] } });
    expect(answer).toMatchObject({ status: 'refused', again: false, cause: expect.stringContaining('redirects') });
    expect(server.seen).toHaveLength(LIMITS.hubRedirects + 1);
  });

  test('share one deadline', async () => {
    const server = await serve((response, { path }) => {
      if (path !== '/3') response.writeHead(302, { location: `/${Number(path.slice(1)) + 1}` }).end();
    });
    const answer = await get(`${server.url}/0`, SHORT, { follow: { codes: [302] } });
    expect(answer).toMatchObject({ status: 'unknown' });
  });

  test('that take all the time there is are followed by nothing', async () => {
    const server = await serve((response) => response.writeHead(307, { location: '/there' }).write('a'));
    const answer = await get(server.url, SHORT, { method: 'POST', follow: { codes: [307] } });
    expect(answer).toMatchObject({ status: 'refused', again: true, cause: expect.stringContaining('deadline') });
    expect(server.seen).toHaveLength(1);
  });

  test('are not followed without TLS where the body is secret', async () => {
    const server = await serve((response) => response.writeHead(307, { location: '/there' }).end());
    const answer = await get(server.url, LOOPBACK, { method: 'POST', follow: { codes: [307], secure: true } });
    expect(answer).toMatchObject({ status: 'refused', again: false, cause: expect.stringContaining('without TLS') });
    expect(server.seen).toHaveLength(1);
  });
});
