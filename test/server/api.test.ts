import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import type { Verb } from '../../src/cli/verb.ts';
import { VERBS } from '../../src/cli/verbs/index.ts';
import { systemClock } from '../../src/clock.ts';
import { OPERATIONS } from '../../src/server/operations/index.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { Inbox, receiver, storedCallbacks } from '../../src/webhooks/index.ts';
import { tableBelow } from '../docs/pages.ts';
import { rest, seed, world } from '../engine/harness.ts';
import { type Body, type Served, served, until } from './harness.ts';

const why = { reason: 'because' };
const nameOf = (usage: string) => usage.split(' ')[0]!;

describe('the table of operations', () => {
  /** What a server has no use for: the process is elsewhere, or the text is the reader's. */
  const ALONE = ['work', 'serve', 'token'];
  const ELSEWHERE: Readonly<Record<string, string>> = {
    '--by': 'who is let in',
    '--wait': 'the worker of the server',
    '--history': 'text alone: the answer has them, and audit all',
    '--markdown': 'text alone',
    '--count': 'an operation of its own',
    '--quarantined': 'an operation of its own',
    '--mismatches': 'an operation of its own',
    '--retry': 'an operation of its own',
  };
  const RENAMED: Readonly<Record<string, string>> = { after: 'cursor', noRamp: 'ramp' };

  const fieldsOf = (verb: string) =>
    OPERATIONS.filter((each) => each.verb === verb).flatMap(({ query, body }) => {
      const options = body && 'options' in body ? body.options : body ? [body] : [];
      return [query, ...options].flatMap((schema) => Object.keys(schema?.shape ?? {}));
    });

  it.each(VERBS.map((verb) => [nameOf(verb.usage), verb] as const))('has all that `%s` can do', (name, verb) => {
    if (ALONE.includes(name)) return expect(fieldsOf(name)).toEqual([]);
    expect(OPERATIONS.map((each) => each.verb)).toContain(name);
    const command = new Command(name);
    (verb as Verb).configure?.(command);
    for (const { long } of command.options) {
      if (long! in ELSEWHERE) continue;
      const field = long!.slice(2).replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
      expect(fieldsOf(name), `${name} ${long}`).toContain(RENAMED[field] ?? field);
    }
  });

  it('does nothing that the command line cannot, but for what lives in a server alone', () => {
    const only = OPERATIONS.filter(({ verb }) => verb === undefined).map(({ id }) => id);
    expect(only).toEqual(['me', 'machines', 'jobs', 'job', 'stopJob']);
    const verbs = VERBS.map(({ usage }) => nameOf(usage));
    for (const { verb } of OPERATIONS) if (verb !== undefined) expect(verbs).toContain(verb);
  });

  it('writes nothing by a GET, which a link of any page sends', () => {
    const writing = OPERATIONS.filter((each) => each.kind !== 'look' || each.writes || each.id === 'doctor');
    expect(writing.filter(({ method }) => method === 'GET')).toEqual([]);
  });

  it('is in the documentation, row by row', () => {
    const rows = OPERATIONS.map(({ method, path, role, verb = '', summary }) => [
      `${method} ${path.replace(/:(\w+)/g, '{$1}')}`,
      role,
      verb,
      summary.replaceAll('|', '\\|'),
    ]);
    expect(tableBelow('docs/admin-api.md', 'Operations')).toEqual(rows);
  });

  it('is what the OpenAPI document is made of', async () => {
    const server = await served({ page: true });
    const { body } = await server.ask('/v1/openapi.json');
    expect(body['openapi']).toBe('3.1.0');
    const described = Object.entries<Body>(body['paths']).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const rows = OPERATIONS.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
    // Streams and metrics answer with no JSON: docs/monitoring.md.
    expect(described.sort()).toEqual([...rows, 'GET /metrics', 'GET /v1/events'].sort());
    const start = body['paths']['/v1/migrations/{name}/start'].post;
    expect(start.requestBody.content['application/json'].schema).toMatchObject({
      required: ['reason'],
      additionalProperties: false,
      properties: { share: { type: 'number', exclusiveMinimum: 0, maximum: 100 } },
    });
  });

  it('has a page to try it, which loads nothing from elsewhere', async () => {
    const page = await (await served({ page: true })).ask('/docs/static/index.html', {
      headers: { accept: 'text/html' },
    });
    expect(page.status).toBe(200);
    expect(page.text).not.toMatch(/(src|href)="https?:/);
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect((await (await served()).ask('/docs')).status).toBe(404);
  });
});

describe('what operators look at', () => {
  it('is what the command line shows', async () => {
    const server = await served();
    const w = world({ store: server.store });
    await seed(server.store, 30);
    expect((await server.ask('/v1/campaigns')).body).toMatchObject({ campaigns: [], unstarted: [{ name: 'feeds' }] });
    await server.ask('/v1/migrations/feeds/start', { body: why });
    await rest(w);
    expect((await server.ask('/v1/campaigns')).body['campaigns']).toMatchObject([{ states: { copied: 30 } }]);
    const first = (await server.ask('/v1/campaigns/feeds/records?limit=20')).body;
    const cursor = encodeURIComponent(first['next']);
    const second = (await server.ask(`/v1/campaigns/feeds/records?limit=20&cursor=${cursor}`)).body;
    const keys = [...first['records'], ...second['records']].map(({ key }: Body) => key);
    expect(new Set(keys).size).toBe(30);
    const shown = await server.ask(`/v1/records/${encodeURIComponent('User:u1/Feed:1')}?campaign=feeds`);
    expect(shown.body).toMatchObject({ kind: 'record', key: 'Feed:1', state: 'copied', S: { role: 'owner' } });
    for (const path of ['quarantine', 'quarantine?code=record.split', 'mismatches', 'audit?cursor=0&limit=1']) {
      expect((await server.ask(`/v1/campaigns/feeds/${path}`)).status, path).toBe(200);
    }
    expect((await server.ask('/v1/deliveries')).body).toEqual({ deliveries: [] });
    expect((await server.ask('/v1/doctor', { body: {} })).body).toMatchObject({ problems: 0 });
  });

  it('includes the machines, as they are', async () => {
    const { body } = await (await served()).ask('/v1/machines');
    expect(Object.keys(body)).toEqual(['record', 'field', 'group', 'subscription', 'swap', 'stage', 'run']);
    expect(body['stage']).toMatchObject({ initial: 'draft' });
    const cancel = { from: 'draft', to: 'cancelled', event: 'cancel', effects: [{ type: 'close' }] };
    expect(body['stage'].transitions).toContainEqual(cancel);
  });

  it('cannot write: a look gets a store that refuses to', async () => {
    let writes = 0;
    const store = memoryStore({
      fault: ({ mutations }) => {
        writes += mutations.length;
        return undefined;
      },
    });
    const server = await served({ store });
    await server.ask('/v1/migrations/feeds/start', { body: why });
    const before = writes;
    for (const { kind, path, method } of OPERATIONS) {
      if (kind !== 'look' || method !== 'GET') continue;
      await server.ask(path.replace(':id', 'feeds').replace(':key', 'Feed:1'));
    }
    expect(writes).toBe(before);
  });
});

describe('a job', () => {
  const ended = async (server: Served, location: string) => {
    await until(async () => (await server.ask(location)).body['state'] !== 'running');
    return (await server.ask(location)).body;
  };

  it('is begun, looked at, and says what it came to', async () => {
    const server = await served();
    await seed(server.store, 30);
    const begun = await server.ask('/v1/migrations/feeds/plan', { body: { sample: '50%' } });
    expect(begun.status).toBe(202);
    expect(await ended(server, begun.headers.get('location')!)).toMatchObject({ state: 'done', by: 'otto' });
    await server.ask('/v1/migrations/feeds/start', { body: why });
    await rest(world({ store: server.store }));
    for (const [what, result] of [
      ['verify', { clean: true, started: 30 }],
      ['count', { copied: 30 }],
    ] as const) {
      const { headers } = await server.ask(`/v1/campaigns/feeds/${what}`, { body: {} });
      expect(await ended(server, headers.get('location')!)).toMatchObject({
        what,
        of: 'feeds.1',
        state: 'done',
        result,
      });
    }
    expect((await server.ask('/v1/jobs')).body['jobs']).toHaveLength(3);
    expect((await server.ask('/v1/jobs/none')).body['code']).toBe('job.missing');
  });

  it('runs once where it is asked for twice, is bounded, and can be ended', async () => {
    let held = false;
    const store = memoryStore({
      fault: async ({ op }) => {
        while (op === 'scan' && held) await systemClock.sleep(5);
        return undefined;
      },
    });
    await seed(store, 2_000);
    const server = await served({ store });
    await server.ask('/v1/migrations/feeds/start', { body: why });
    held = true;
    const count = () => server.ask('/v1/campaigns/feeds/count', { body: {} });
    const [one, two] = [await count(), await count()];
    expect(two.body['id']).toBe(one.body['id']);
    await server.ask('/v1/campaigns/feeds/verify', { body: {} });
    const third = await server.ask('/v1/campaigns/feeds/verify', { body: { restart: true } });
    expect(third).toMatchObject({ status: 429, body: { code: 'job.refused' } });
    const stopped = server.ask(one.headers.get('location')!, { method: 'DELETE' });
    held = false;
    expect((await stopped).body).toMatchObject({ state: 'stopped' });
    expect((await stopped).body['problem']).toBeUndefined();
    expect(server.log()).toMatch(/"level":30,[^}]*"event":"job.stopped"/);
    expect(server.log()).not.toContain('job.failed');
  });
});

describe('deliveries that are tried again', () => {
  const RETRY = '/v1/deliveries/retry';
  it('are of no audit trail: the log says who, and why', async () => {
    const server = await served();
    expect((await server.ask(RETRY, { body: { state: 'dead' } })).body['code']).toBe('request.invalid');
    expect(server.log()).not.toContain('deliveries.retried');
    const { body } = await server.ask(RETRY, { body: { state: 'dead', reason: 'the handler is mended' } });
    expect(body).toEqual({ retried: 0 });
    expect(server.log()).toMatch(
      /"event":"deliveries.retried","reason":"the handler is mended","count":0,"by":"otto","from":"127.0.0.1"/,
    );
    const headers = { 'sec-fetch-site': 'same-origin' };
    expect((await server.ask(RETRY, { body: { state: 'dead' }, headers })).status).toBe(200);
  });
});

describe('beside the API', () => {
  it('stand the health checks, for everybody', async () => {
    let down = false;
    let asked = 0;
    const fault = () => {
      asked++;
      return down ? ({ kind: 'lost' } as const) : undefined;
    };
    const server = await served({ store: memoryStore({ fault }) });
    const before = asked;
    const ready = async () => (await server.ask('/readyz', { token: '' })).status;
    expect(await ready()).toBe(200);
    down = true;
    // Who asks often is told what the store said a moment ago.
    await Promise.all(Array.from({ length: 100 }, ready));
    expect(asked - before).toBeLessThan(5);
    await until(async () => (await ready()) === 503);
    expect((await server.ask('/livez', { token: '' })).body).toEqual({ status: 'ok' });
  });

  it('stands the receiver, below its prefix and with its own way to know who sends', async () => {
    const store = memoryStore();
    const inbox = new Inbox({ store });
    const callbacks = storedCallbacks(store, systemClock);
    const server = await served({ store, receiver: receiver({ callbacks, inbox }) });
    expect((await server.ask('/webhooks/unknown-path-secret', { token: '', body: {} })).status).toBe(404);
    expect(server.log()).not.toContain('unknown-path-secret');
  });

  it('stand further parts, behind the same guards', async () => {
    const server = await served({
      parts: [
        async (app, { migrations }) => {
          app.get('/extra', async () => ({ migrations: migrations.length }));
        },
      ],
    });
    expect((await server.ask('/extra')).body).toEqual({ migrations: 1 });
    expect((await server.ask('/extra', { token: '' })).status).toBe(401);
  });
});
