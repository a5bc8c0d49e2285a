import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { defineConfig } from '../../src/define/config.ts';
import type { ServerDefinition } from '../../src/define/server.ts';
import { OPERATIONS } from '../../src/server/operations/index.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { served, sha256, TOKEN_CONFIG, TOKENS } from './harness.ts';

type SigningKey = Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];

const PATH = '/v1/campaigns';

describe('a bearer token', () => {
  it('lets in whom it is of, as a password too', async () => {
    const server = await served();
    expect((await server.ask(PATH)).status).toBe(200);
    const basic = `Basic ${Buffer.from(`any:${TOKENS.viewer}`).toString('base64')}`;
    expect((await server.ask(PATH, { token: '', headers: { authorization: basic } })).status).toBe(200);
  });

  it.each([
    ['none', ''],
    ['a wrong one', 'Bearer handover_wrong'],
    ['the hash itself', `Bearer ${sha256(TOKENS.admin)}`],
    ['another scheme', `Digest ${TOKENS.admin}`],
    ['no value', 'Bearer'],
    ['a password that is none', 'Basic OjpeXg=='],
  ])('that is %s lets nobody in, anywhere', async (_, authorization) => {
    const server = await served({ page: true });
    const headers: Record<string, string> = authorization === '' ? {} : { authorization };
    for (const path of [PATH, '/docs', '/docs/json', '/v1/openapi.json', ...OPERATIONS.map(({ path }) => path)]) {
      const method = OPERATIONS.find((each) => each.path === path)?.method ?? 'GET';
      const reply = await server.ask(path, { token: '', headers, method, ...(method === 'POST' ? { body: {} } : {}) });
      expect([reply.status, reply.body['code']], path).toEqual([401, 'access.missing']);
      expect(reply.headers.get('www-authenticate')).toContain('Bearer realm="handover"');
    }
  });

  it('is good until its last day', async () => {
    let now = Date.parse('2027-01-31T23:59:59Z');
    const clock = { ...systemClock, now: () => now };
    const [token] = TOKEN_CONFIG.tokens!;
    const server = await served({ clock, config: { tokens: [{ ...token!, until: '2027-01-31' }] } });
    expect((await server.ask(PATH, { token: TOKENS.viewer })).status).toBe(200);
    now += 2_000;
    expect((await server.ask(PATH, { token: TOKENS.viewer })).status).toBe(401);
  });

  it('lets its owner do what the role may, and no more', async () => {
    const server = await served();
    const ranks = ['viewer', 'operator', 'admin'] as const;
    for (const [rank, role] of ranks.entries()) {
      for (const { path, method, role: needed } of OPERATIONS) {
        const reply = await server.ask(path, {
          method,
          token: TOKENS[role],
          ...(method === 'POST' ? { body: {} } : {}),
        });
        const may = rank >= ranks.indexOf(needed);
        expect(reply.body['code'] !== 'access.denied', `${role} ${method} ${path}: ${reply.text}`).toBe(may);
      }
    }
  });

  it('tells its owner who he is, and what he may do', async () => {
    const server = await served();
    for (const [name, role] of [
      ['vera', 'viewer'],
      ['otto', 'operator'],
      ['ada', 'admin'],
    ] as const) {
      expect((await server.ask('/v1/me', { token: TOKENS[role] })).body).toEqual({ name, role });
    }
    expect((await server.ask('/v1/me', { token: '' })).status).toBe(401);
  });

  it('appears in no answer and no log, nor does its hash', async () => {
    const server = await served();
    await server.ask(PATH);
    await server.ask('/v1/nothing');
    await server.ask(PATH, { token: TOKENS.admin, method: 'POST', body: '{' });
    for (const secret of Object.values(TOKENS)) {
      expect(server.log()).not.toContain(secret);
      expect(server.log()).not.toContain(sha256(secret));
    }
  });
});

describe('without tokens and OIDC', () => {
  it('a server that others can reach does not start', async () => {
    await expect(served({ config: { host: '0.0.0.0' } })).rejects.toMatchObject({ code: 'config.invalid' });
  });

  it('whoever is on this machine commands, which is said at the start', async () => {
    const server = await served({ config: {} });
    expect(server.log()).toContain('"event":"server.opened"');
    const started = await server.ask('/v1/migrations/feeds/start', { token: '', body: { reason: 'mine' } });
    expect(started.body['command']).toMatchObject({ by: 'ann' });
    expect((await server.ask('/v1/me', { token: '' })).body).toEqual({ name: 'ann', role: 'admin' });
  });

  it.each([
    ['came through a proxy', { 'x-forwarded-for': '192.0.2.1' }],
    ['is of a page of another origin', { origin: 'http://evil.example' }],
    ['says so itself', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }],
  ])('a request is refused that %s', async (_, headers) => {
    const server = await served({ config: {} });
    expect((await server.ask(PATH, { token: '', headers })).body['code']).toBe('access.denied');
  });

  it('a name that somebody lets point here is none of ours', async () => {
    const server = await served({ config: {} });
    const { port } = new URL(server.url);
    const status = await new Promise<number>((resolve, reject) => {
      import('node:http').then(({ get }) =>
        get({ host: '127.0.0.1', port, path: PATH, headers: { host: 'evil.example' } }, ({ statusCode }) =>
          resolve(statusCode!),
        ).on('error', reject),
      );
    });
    expect(status).toBe(403);
  });
});

describe('a page of another origin', () => {
  it('is refused though the browser shows what lets in', async () => {
    const server = await served();
    const body = { reason: 'mischief' };
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { origin: 'null' }]) {
      const reply = await server.ask('/v1/migrations/feeds/start', { body, headers: headers as never });
      expect(reply.body['code']).toBe('access.denied');
    }
    const form = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'content-type': 'text/plain' };
    const posted = await server.ask('/v1/migrations/feeds/start', { body: JSON.stringify(body), headers: form });
    expect(posted.body['code']).toBe('access.denied');
    const own = { 'sec-fetch-site': 'same-origin' };
    const reply = await server.ask('/v1/migrations/feeds/start', { body, headers: own });
    expect(reply.body['command'].from).toEqual({ way: 'page', address: '127.0.0.1' });
  });
});

describe('an ID token', () => {
  let provider: Server;
  let jwks: string;
  let up = true;
  let sign: (
    claims: JWTPayload,
    options?: { key?: SigningKey; issuer?: string; audience?: string; at?: number },
  ) => Promise<string>;
  let strangers: SigningKey;

  beforeAll(async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    strangers = (await generateKeyPair('ES256')).privateKey;
    const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' };
    provider = createServer((_, response) => {
      if (up) response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] }));
      else response.writeHead(500).end();
    });
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
    jwks = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/keys`;
    sign = (
      claims,
      { key = privateKey, issuer = 'https://id.example', audience = 'handover', at = systemClock.now() } = {},
    ) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt(Math.floor(at / 1000))
        .setExpirationTime(Math.floor(at / 1000) + 300)
        .sign(key);
    return () => provider.close();
  });
  afterEach(() => {
    up = true;
  });

  const config = (more: object = {}): ServerDefinition => ({
    ...TOKEN_CONFIG,
    oidc: {
      issuer: 'https://id.example',
      audience: 'handover',
      jwks,
      roles: { 'ida@example.com': 'operator' },
      ...more,
    },
  });
  const IDA = { email: 'ida@example.com', email_verified: true };

  it('lets in whom the configuration names, beside tokens of our own', async () => {
    const server = await served({ config: config() });
    const started = await server.ask('/v1/migrations/feeds/start', {
      token: await sign(IDA),
      body: { reason: 'hers' },
    });
    expect(started.body['command']).toMatchObject({ by: 'ida@example.com' });
    const { body: ida } = await server.ask('/v1/me', { token: await sign(IDA) });
    expect(ida).toEqual({ name: 'ida@example.com', role: 'operator' });
    expect((await server.ask(PATH)).status).toBe(200);
  });

  it('may come in the header of a proxy', async () => {
    const server = await served({ config: config({ header: 'X-Goog-IAP-JWT-Assertion', roles: { '*': 'viewer' } }) });
    const token = await sign({ email: 'any@example.com' });
    expect((await server.ask(PATH, { token: '', headers: { 'x-goog-iap-jwt-assertion': token } })).status).toBe(200);
    expect((await server.ask(PATH, { token })).status).toBe(401);
  });

  it('is refused where anything of it is wrong', async () => {
    const server = await served({ config: config() });
    const [head, payload] = (await sign(IDA)).split('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
    const bad: Record<string, string> = {
      expired: await sign(IDA, { at: systemClock.now() - 3_600_000 }),
      'of another issuer': await sign(IDA, { issuer: 'https://other.example' }),
      'for another audience': await sign(IDA, { audience: 'other' }),
      'signed by a stranger': await sign(IDA, { key: strangers }),
      unsigned: `${none}.${payload}.`,
      'without a signature': `${head}.${payload}.AAAA`,
      'without the claim': await sign({}),
      'of an address that is not verified': await sign({ ...IDA, email_verified: false }),
      nonsense: 'a.b.c',
    };
    for (const [what, token] of Object.entries(bad)) expect((await server.ask(PATH, { token })).status, what).toBe(401);
    const nobody = await server.ask(PATH, { token: await sign({ email: 'constructor' }) });
    expect(nobody.body['code']).toBe('access.denied');
  });

  it('waits for a provider that is down, while tokens of our own go on', async () => {
    const server = await served({ config: config() });
    up = false;
    const reply = await server.ask(PATH, { token: await sign(IDA) });
    expect(reply).toMatchObject({ status: 503, body: { code: 'access.unreachable' } });
    expect((await server.ask(PATH)).status).toBe(200);
    up = true;
    expect((await server.ask(PATH, { token: await sign(IDA) })).status).toBe(200);
  });
});

describe('the configuration of a server', () => {
  const store = () => memoryStore();
  it.each([
    ['a token in plain', { tokens: [{ name: 'a', role: 'admin', sha256: 'secret' }] }, 'server.tokens.0.sha256'],
    [
      'a role that there is not',
      { tokens: [{ name: 'a', role: 'root', sha256: sha256('a') }] },
      'server.tokens.0.role',
    ],
    [
      'a key set over http',
      { oidc: { issuer: 'i', audience: 'a', jwks: 'http://id.example', roles: {} } },
      'server.oidc.jwks',
    ],
    ['callbacks below its own paths', { receiver: '/v1/hooks' }, 'server.receiver'],
    ['an unknown option', { hosts: 'a' }, 'server.hosts'],
  ])('refuses %s', (_, server, field) => {
    expect(() => defineConfig({ store, server: server as ServerDefinition })).toThrow(field);
  });
});
