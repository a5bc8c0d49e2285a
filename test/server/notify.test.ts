import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { defineConfig } from '../../src/define/config.ts';
import { defineMigration } from '../../src/define/migration.ts';
import type { ServerDefinition } from '../../src/define/server.ts';
import { HandoverError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { content, feedsUnderUsers, newKey, rest, seed, world } from '../engine/harness.ts';
import { type Body, type Served, served, TOKEN_CONFIG, until } from './harness.ts';

const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const why = { reason: 'because' };
const start = (server: Served) => server.ask('/v1/migrations/feeds/start', { body: why });

let pager: Server;
let url: string;
let answer = 200;
let got: { readonly id: string; readonly body: Body }[] = [];

beforeAll(async () => {
  pager = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const body = new Webhook(secret).verify(text, request.headers as Record<string, string>) as Body;
      got.push({ id: String(request.headers['webhook-id']), body });
      response.writeHead(answer).end();
    });
  });
  await new Promise<void>((resolve) => pager.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(pager.address() as AddressInfo).port}/pager`;
});
afterAll(() => pager.close());
beforeEach(() => {
  got = [];
  answer = 200;
});

const config = (): ServerDefinition => ({ ...TOKEN_CONFIG, notify: [{ url, secret }] });
const types = () => got.map(({ body }) => body['type']).sort();
const logged = (servers: readonly Served[], event: string) =>
  servers.flatMap((server) => server.log().split('\n')).filter((line) => line.includes(`"event":"${event}"`)).length;

/** Two of ten are quarantined, where one is allowed. */
async function overBudget(store: Store) {
  const { records } = feedsUnderUsers;
  const migration = defineMigration({ name: 'feeds', version: 1, records: [...records], errorBudget: 1 });
  await seed(store, 10);
  for (const n of [3, 5]) await store.overwrite([{ key: newKey(n), content: content({ alien: true }) }]);
  return { w: world({ store, migration, clock: systemClock }), migrations: [migration] };
}

describe('people are told', () => {
  it('that a campaign paused itself over its quarantine, once each, by all servers together', async () => {
    const store = memoryStore();
    const { w, migrations } = await overBudget(store);
    const servers = await Promise.all([1, 2, 3].map(() => served({ store, migrations, config: config() })));
    await start(servers[0]!);
    expect(await rest(w)).toMatchObject({ run: 'paused' });
    await until(() => got.length === 2);
    expect(types()).toEqual(['campaign.paused', 'quarantine.exceeded']);
    const paused = got.find(({ body }) => body['type'] === 'campaign.paused')!;
    expect(paused).toMatchObject({
      id: 'feeds.1_campaign.paused_1',
      body: {
        data: { campaign: 'feeds.1', migration: 'feeds', because: 'more than 1 records are quarantined', command: 1 },
      },
    });
    // Another one that starts finds that it was told.
    servers.push(await served({ store, migrations, config: config() }));
    await until(() => servers.every((server) => server.log().includes('server.started')));
    await Promise.all(servers.map((server) => server.end()));
    expect(got.length).toBe(2);
    expect(logged(servers, 'campaign.paused')).toBe(1);
    expect(logged(servers, 'quarantine.exceeded')).toBe(1);
  });

  it('again when it pauses itself again', async () => {
    const store = memoryStore();
    const { w, migrations } = await overBudget(store);
    const server = await served({ store, migrations, config: config() });
    await start(server);
    await rest(w);
    await until(() => got.length === 2);
    await server.ask('/v1/campaigns/feeds/retry', { body: why });
    await server.ask('/v1/campaigns/feeds/resume', { body: why, headers: { 'if-match': '*' } });
    await rest(w);
    await until(() => got.some(({ id }) => id === 'feeds.1_campaign.paused_4'));
  });

  it('once that a quarantine is over its budget, whatever is commanded meanwhile', async () => {
    const store = memoryStore();
    const { w, migrations } = await overBudget(store);
    // A look every few milliseconds.
    const sleep = (ms: number, signal?: AbortSignal) => systemClock.sleep(ms === LIMITS.noticeLookMs ? 5 : ms, signal);
    const server = await served({ store, migrations, config: config(), clock: { ...systemClock, sleep } });
    await start(server);
    await rest(w);
    await until(() => got.length === 2);
    const headers = { 'if-match': '*' };
    await server.ask('/v1/campaigns/feeds/reverse', { body: why, headers });
    await server.ask('/v1/campaigns/feeds/resume', { body: why, headers });
    await server.ask('/v1/campaigns/feeds/pause', { body: why, headers });
    await server.ask('/v1/campaigns/feeds/retry', { body: { ...why, key: 'Feed:3' }, headers });
    const looks = 20;
    for (let i = 0; i < looks; i++) await systemClock.sleep(5);
    await server.end();
    expect(types()).toEqual(['campaign.paused', 'quarantine.exceeded']);
  });

  it('that a gate has opened, and not that a person paused a campaign', async () => {
    const store = memoryStore();
    await seed(store, 10);
    const server = await served({ store, config: config() });
    await start(server);
    await rest(world({ store, clock: systemClock }));
    await until(() => got.length === 1);
    expect(got[0]).toMatchObject({ id: 'feeds.1_gate.opened', body: { type: 'gate.opened' } });
    await server.ask('/v1/campaigns/feeds/pause', { body: why });
    await server.end();
    expect(types()).toEqual(['gate.opened']);
  });

  it('when the endpoint is well again, under the same id', async () => {
    const store = memoryStore();
    await seed(store, 10);
    answer = 503;
    const server = await served({ store, config: config() });
    await start(server);
    await rest(world({ store, clock: systemClock }));
    await until(() => got.length > 0);
    answer = 200;
    await until(() => got.length > 1);
    expect(new Set(got.map(({ id }) => id)).size).toBe(1);
  });

  it('and no more where the endpoint answers 410, until the server is started again', async () => {
    const store = memoryStore();
    const { w, migrations } = await overBudget(store);
    answer = 410;
    const server = await served({ store, migrations, config: config() });
    await start(server);
    await rest(w);
    await until(() => logged([server], 'quarantine.exceeded') > 0 && logged([server], 'campaign.paused') > 0);
    await until(() => logged([server], 'endpoint.disabled') > 0);
    await server.ask('/v1/campaigns/feeds/retry', { body: why });
    await server.ask('/v1/campaigns/feeds/resume', { body: why, headers: { 'if-match': '*' } });
    await rest(w);
    await until(() => logged([server], 'campaign.paused') === 2);
    await server.end();
    expect(got).toHaveLength(1);
    expect(logged([server], 'endpoint.disabled')).toBe(1);
    expect(server.log()).not.toContain('/pager');
  });

  it('after the store did not answer for a while', async () => {
    let down = true;
    const inner = memoryStore();
    const store: Store = {
      ...inner,
      scan: async (range, limit) => {
        if (down && range.kind === '_HandoverCampaign') throw new HandoverError('store.unavailable', 'Not now.');
        return inner.scan(range, limit);
      },
    };
    await seed(inner, 10);
    const server = await served({ store, config: config() });
    await start(server);
    await rest(world({ store: inner, clock: systemClock }));
    await until(() => logged([server], 'notification.faltered') > 0);
    down = false;
    await until(() => got.length === 1);
  });

  it('by the log, where no endpoint is configured', async () => {
    const store = memoryStore();
    await seed(store, 10);
    const server = await served({ store });
    await start(server);
    await rest(world({ store, clock: systemClock }));
    await until(() => logged([server], 'gate.opened') === 1);
    expect(server.log()).not.toContain('notification.');
  });
});

it.each([
  ['a secret that signs nothing', { url: 'https://a.example', secret: 'hush' }, 'server.notify.0.secret'],
  ['a URL over http', { url: 'http://a.example', secret }, 'server.notify.0.url'],
])('a configuration with %s is refused', (_, notify, field) => {
  expect(() => defineConfig({ store: () => memoryStore(), server: { notify: [notify] } })).toThrow(field);
});
