import { mkdtempSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { ERRORS } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { lmdbStore } from '../../src/store/lmdb.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { seed } from '../engine/harness.ts';
import { type Body, served, TOKENS } from './harness.ts';

/** All that is answered to these bytes. */
const raw = (url: string, bytes: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let answer = '';
    socket.setEncoding('utf8').on('data', (data) => {
      answer += data;
    });
    socket.on('end', () => resolve(answer)).on('error', reject);
  });

describe('malformed and hostile requests', () => {
  const hostile = fc.oneof(
    fc.jsonValue(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('__proto__', '../../etc/passwd', '%00', "' OR 1=1", '\u202e', 'x'.repeat(5_000), -1, 1e308, null),
  );

  /** What can be sent at all: half a character cannot. */
  const wellFormed = (text: string) => Buffer.from(text).toString();

  /** A value as the schema asks, or nearly. */
  function like(schema: Body): fc.Arbitrary<unknown> {
    if (schema['anyOf']) return fc.oneof(...schema['anyOf'].map(like));
    if (schema['const'] !== undefined) return fc.constant(schema['const']);
    if (schema['enum']) return fc.constantFrom(...schema['enum']);
    if (schema['type'] === 'boolean') return fc.boolean();
    if (schema['type'] === 'number' || schema['type'] === 'integer')
      return fc.oneof(fc.integer({ min: 1, max: 100 }), fc.double());
    if (schema['type'] === 'array') return fc.array(like(schema['items']), { maxLength: 3 });
    if (schema['type'] === 'object') return body(schema);
    return fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom('feeds', 'feeds.1', 'Feed:1', 'User:u1'));
  }

  const body = ({ properties = {} }: Body): fc.Arbitrary<unknown> =>
    fc.record(
      Object.fromEntries(
        Object.entries<Body>(properties).map(([name, schema]) => [
          name,
          fc.oneof({ arbitrary: like(schema), weight: 6 }, { arbitrary: hostile, weight: 1 }),
        ]),
      ),
      { requiredKeys: [] },
    );

  const text = fc.oneof(
    fc.constantFrom('feeds', 'feeds.1', 'Feed:1'),
    fc.string({ unit: 'binary', minLength: 1 }),
    fc.string(),
  );

  function requests(document: Body) {
    const all = Object.entries<Body>(document['paths']).flatMap(([path, item]) =>
      Object.entries<Body>(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
    );
    return fc.constantFrom(...all).chain(({ path, method, operation }) => {
      const query = (operation['parameters'] ?? []).filter((each: Body) => each['in'] === 'query');
      const schema = operation['requestBody']?.content['application/json'].schema;
      return fc.record({
        path: fc.array(text, { minLength: 3, maxLength: 3 }).map((values) => {
          let i = 0;
          return path.replace(/\{\w+\}/g, () => encodeURIComponent(wellFormed(values[i++] || 'x')));
        }),
        method: fc.constant(method),
        query: fc.record(
          Object.fromEntries(query.map((each: Body) => [each['name'], fc.oneof(like(each['schema']), hostile)])),
          {
            requiredKeys: [],
          },
        ),
        body:
          method === 'POST'
            ? fc.oneof({ arbitrary: body(schema ?? {}), weight: 5 }, { arbitrary: hostile, weight: 1 })
            : fc.constant(undefined),
        raw: fc.option(fc.string(), { freq: 10 }),
        headers: fc.record(
          {
            'if-match': fc.oneof(fc.constantFrom('*', '"feeds.1-1"'), fc.stringMatching(/^[!-~]{1,40}$/)),
            'idempotency-key': fc.oneof(fc.constantFrom('a', 'b'), fc.stringMatching(/^[!-~]{1,300}$/)),
            'content-type': fc.constantFrom('application/json', 'text/plain', 'application/x-www-form-urlencoded', '*'),
          },
          { requiredKeys: [] },
        ),
      });
    });
  }

  it.each([
    ['memory', () => memoryStore()],
    ['lmdb', () => lmdbStore({ path: mkdtempSync(join(tmpdir(), 'handover-server-')) })],
  ])('are answered in time, never by a 5xx, with problem details, and tell no secret: %s', async (_, store) => {
    const server = await served({ store: store() });
    await seed(server.store, 20);
    const { body: document } = await server.ask('/v1/openapi.json');
    let asked = 0;
    const statuses = new Map<number, number>();
    const property = fc.asyncProperty(requests(document), async ({ path, method, query, body, raw, headers }) => {
      // Fewer than the rate limit, which is not what is tested here.
      if (++asked > LIMITS.requestsPerMinute - 20) return;
      const search = new URLSearchParams(
        Object.entries(query).map(([name, value]): [string, string] => [name, wellFormed(String(value))]),
      );
      const sent = raw ?? (body === undefined ? undefined : body);
      const asking = {
        method,
        headers: headers as never,
        token: TOKENS.admin,
        ...(sent === undefined || method !== 'POST' ? {} : { body: sent }),
      };
      const began = systemClock.ticks();
      const reply = await server.ask(`${path}?${search}`, asking);
      expect(systemClock.ticks() - began).toBeLessThan(5_000);
      expect(reply.status, reply.text).toBeLessThan(500);
      statuses.set(reply.status, (statuses.get(reply.status) ?? 0) + 1);
      if (reply.status >= 400) {
        expect(reply.headers.get('content-type')).toMatch(/^application\/problem\+json/);
        expect(Object.keys(ERRORS)).toContain(reply.body['code']);
      }
      for (const secret of Object.values(TOKENS)) expect(reply.text).not.toContain(secret);
    });
    await fc.assert(property, { numRuns: 300 });
    // Some of them got through to what they ask for, or this would say little.
    expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 400, 404]));
    expect((await server.ask('/livez')).status).toBe(200);
    await server.end();
    await server.store.close();
  });

  it.each([
    ['a body that is too large', { body: { reason: 'x'.repeat(LIMITS.requestBytes) } }, 413],
    [
      'a body of another type',
      { body: 'reason=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      415,
    ],
    ['a body of text', { body: '{"reason":"x"}', headers: { 'content-type': 'text/plain' } }, 415],
    ['a body that is no JSON', { body: '{"reason":' }, 400],
    ['a prototype', { body: '{"reason":"x","__proto__":{"role":"admin"}}' }, 400],
    ['a field that there is not', { body: { reason: 'x', force: true } }, 400],
  ])('%s is refused', async (_, asking, status) => {
    const server = await served();
    expect((await server.ask('/v1/migrations/feeds/start', asking as never)).status).toBe(status);
    expect((await server.ask('/v1/campaigns')).body['campaigns']).toEqual([]);
  });

  it.each([
    ['a path that is no text', 'GET /v1/records/%FF HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 400],
    [
      'a path of callbacks that is none',
      'POST /webhooks/%E0%A4 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      400,
    ],
    ['what is no HTTP', 'GET / SMTP\r\n\r\n', 400],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', 400],
    ['a header without end', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ])(
    '%s is answered with problem details, the headers of all answers, and a line in the log',
    async (_, sent, status) => {
      const server = await served();
      const answer = await raw(server.url, sent);
      const [head = '', body = ''] = answer.split('\r\n\r\n');
      expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(head).toMatch(/^content-type: application\/problem\+json/im);
      expect(head).toMatch(/^x-content-type-options: nosniff/im);
      expect(head).toMatch(/^content-security-policy: default-src 'none'/im);
      expect(JSON.parse(body)).toMatchObject({
        type: 'urn:handover:error:request.invalid',
        status,
        code: 'request.invalid',
      });
      expect(server.log()).toMatch(new RegExp(`"event":"request.refused".*"status":${status},"from":"[^"]*127.0.0.1"`));
      expect(server.log()).not.toContain('%FF');
      expect((await server.ask('/livez')).status).toBe(200);
    },
  );

  it('what nobody foresaw is told in the log alone', async () => {
    const store = memoryStore({
      fault: () => {
        throw new Error('password=hunter2');
      },
    });
    const server = await served({ store });
    const reply = await server.ask('/v1/campaigns');
    expect(reply).toMatchObject({ status: 500, body: { code: 'unexpected' } });
    expect(reply.text).not.toContain('hunter2');
    expect(server.log()).toContain('hunter2');
  });
});
