import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { MemoryData, memoryStore } from '../../src/store/memory.ts';
import { rest, seed, world } from '../engine/harness.ts';
import { type Body, OTHER, type Served, served, TOKENS } from './harness.ts';

const why = { reason: 'because' };
const START = '/v1/migrations/feeds/start';
const at = (verb: string) => `/v1/campaigns/feeds/${verb}`;
const tag = async (server: Served) => (await server.ask('/v1/campaigns/feeds.1')).headers.get('etag')!;
const seen = (etag: string) => ({ 'if-match': etag });

/** A campaign at rest in `copied`, and its ETag. */
async function copied(server: Served): Promise<string> {
  await seed(server.store, 20);
  await server.ask(START, { body: why });
  await rest(world({ store: server.store }));
  return tag(server);
}

describe('a campaign by the admin API', () => {
  it('goes from start to completed, and its audit trail says how', async () => {
    const server = await served();
    const w = world({ store: server.store });
    await seed(server.store, 20);
    const started = await server.ask(START, { body: { ...why, to: 'switched' } });
    const from = { way: 'api', address: '127.0.0.1' };
    expect(started).toMatchObject({
      status: 200,
      body: {
        command: { number: 0, what: 'start.switched', by: 'otto', reason: 'because', from },
        campaign: { campaign: 'feeds.1', stage: 'switching', commands: 1 },
      },
    });
    expect(started.headers.get('etag')).toBe('"feeds.1-1"');
    await rest(w);
    const body = { ...why, confirm: 'feeds.1' };
    const completed = await server.ask(at('complete'), { body, headers: seen(await tag(server)), token: TOKENS.admin });
    expect(completed.status).toBe(200);
    await rest(w);
    expect((await server.ask('/v1/campaigns/feeds.1')).body).toMatchObject({ stage: 'completed', closed: true });
    const trail = await server.ask('/v1/campaigns/feeds.1/audit');
    const said = trail.body['commands'].map(({ what, by }: Body) => `${what} ${by}`);
    expect(said).toEqual(['start.switched otto', 'complete ada']);
  });

  it('is refused what its machine and its gates refuse, as problem details', async () => {
    const server = await served();
    await server.ask(START, { body: why });
    const early = await server.ask(at('switch'), { body: why, headers: seen('"feeds.1-1"') });
    expect(early.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    const code = 'campaign.refused';
    expect(early.body).toMatchObject({ code, status: 409, type: `urn:handover:error:${code}` });
  });

  it('is not completed or cancelled without its id typed, nor by an operator', async () => {
    const server = await served();
    const headers = seen(await copied(server));
    for (const verb of ['cancel', 'complete']) {
      const admin = { headers, token: TOKENS.admin };
      const codes = await Promise.all([
        server.ask(at(verb), { ...admin, body: { ...why, confirm: 'feeds' } }),
        server.ask(at(verb), { ...admin, body: why }),
        server.ask(at(verb), { headers, body: { ...why, confirm: 'feeds.1' } }),
      ]);
      expect(codes.map(({ body }) => body['code'])).toEqual([
        'request.unconfirmed',
        'request.invalid',
        'access.denied',
      ]);
    }
    expect((await server.ask('/v1/campaigns/feeds')).body).toMatchObject({ stage: 'copied', commands: 1 });
  });

  it('is not started straight for its end by those who may not end it', async () => {
    const server = await served();
    const body = { ...why, to: 'completed', confirm: 'feeds' };
    expect((await server.ask(START, { body })).body['code']).toBe('access.denied');
    const unconfirmed = await server.ask(START, { body: { ...body, confirm: 'feeds.1' }, token: TOKENS.admin });
    expect(unconfirmed.body['code']).toBe('request.unconfirmed');
    expect((await server.ask('/v1/campaigns')).body['campaigns']).toEqual([]);
    expect((await server.ask(START, { body, token: TOKENS.admin })).body['campaign'].stage).toBe('completing');
  });

  it('asks for a reason', async () => {
    const server = await served();
    const blank = await server.ask(START, { body: { reason: '  ' } });
    expect(blank.body).toMatchObject({ code: 'request.invalid', facts: { issues: [{ field: 'reason' }] } });
  });
});

describe('two operators', () => {
  it('cannot overwrite each other: who saw less is refused, and told what it is now', async () => {
    const server = await served();
    const headers = seen(await copied(server));
    const both = await Promise.all([
      server.ask(at('switch'), { body: why, headers }),
      server.ask(at('reverse'), { body: why, headers, token: OTHER }),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 412]);
    const late = both.find(({ status }) => status === 412)!;
    expect(late.body).toMatchObject({ code: 'campaign.changed', facts: { etag: '"feeds.1-2"' } });
    expect((await server.ask('/v1/campaigns/feeds')).body['commands']).toBe(2);
  });

  it('may stand behind a proxy that weakens tags', async () => {
    const server = await served();
    const etag = await copied(server);
    const weak = (tag: string) => server.ask(at('switch'), { body: why, headers: seen(`W/${tag}`) });
    expect((await weak('"feeds.1-0"')).status).toBe(412);
    expect((await weak(etag)).status).toBe(200);
    expect((await weak(etag)).status).toBe(412);
  });

  it('cannot overwrite each other though one comes in just before the other writes', async () => {
    const data = new MemoryData();
    let between = async () => {};
    const fault = async ({ mutations }: { mutations: readonly unknown[] }) => {
      const once = mutations.length > 0 ? between : async () => {};
      between = mutations.length > 0 ? async () => {} : between;
      await once();
      return undefined;
    };
    const server = await served({ store: memoryStore({ data, fault }) });
    const headers = seen(await copied(server));
    between = async () => {
      await commands.pause(world({ store: memoryStore({ data }) }).context, 'feeds');
    };
    const late = await server.ask(at('switch'), { body: why, headers });
    expect(late).toMatchObject({ status: 412, body: { code: 'campaign.changed' } });
    expect((await server.ask('/v1/campaigns/feeds')).body).toMatchObject({ stage: 'copied', run: 'paused' });
  });

  it('cannot both start what nobody has started', async () => {
    const server = await served();
    const both = await Promise.all([
      server.ask(START, { body: why }),
      server.ask(START, { body: { ...why, to: 'switched' }, token: OTHER }),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 428]);
    expect((await server.ask('/v1/campaigns/feeds')).body['commands']).toBe(1);
  });

  it('must say what they saw, except to pause and to retry', async () => {
    const server = await served();
    await copied(server);
    const statusOf = async (verb: string, headers = {}) => (await server.ask(at(verb), { body: why, headers })).status;
    expect(await statusOf('switch')).toBe(428);
    expect(await statusOf('pause')).toBe(200);
    expect(await statusOf('retry')).toBe(200);
    expect(await statusOf('resume')).toBe(428);
    expect(await statusOf('resume', seen('*'))).toBe(200);
  });

  it('are not kept from commanding by a sweep that goes on', async () => {
    const server = await served();
    const switched = await server.ask(at('switch'), { body: why, headers: seen(await copied(server)) });
    const then = switched.headers.get('etag')!;
    await rest(world({ store: server.store }));
    expect(await tag(server)).toBe(then);
    expect((await server.ask(at('reverse'), { body: why, headers: seen(then) })).status).toBe(200);
  });
});

describe('a command with an Idempotency-Key', () => {
  it('is carried out once, and answered again with its entry, also by another process and after others', async () => {
    const data = new MemoryData();
    const first = await served({ store: memoryStore({ data }) });
    const another = await served({ store: memoryStore({ data }) });
    const headers = { ...seen(await copied(first)), 'idempotency-key': 'one' };
    const asking = { body: { ...why, share: 50 }, headers };
    const done = await first.ask(at('switch'), asking);
    await first.ask(at('pause'), { body: why });
    const again = await another.ask(at('switch'), asking);
    expect(again).toMatchObject({ status: 200, body: { command: done.body['command'] } });
    expect([done, again].map((reply) => reply.headers.get('idempotent-replayed'))).toEqual([null, 'true']);
    expect((await first.ask('/v1/campaigns/feeds')).body['commands']).toBe(3);
  });

  it('may name the campaign or its migration, also when there is a newer one', async () => {
    const server = await served();
    await copied(server);
    const headers = { 'idempotency-key': 'one' };
    const pause = (name: string) => server.ask(`/v1/campaigns/${name}/pause`, { body: why, headers });
    const done = await pause('feeds');
    expect(done.status).toBe(200);
    const isReplayed = async (name: string) => {
      const again = await pause(name);
      expect(again).toMatchObject({ status: 200, body: { command: done.body['command'] } });
      expect(again.headers.get('idempotent-replayed')).toBe('true');
    };
    for (const name of ['feeds.1', 'feeds']) await isReplayed(name);
    // Nothing was moved: what is cancelled is over at once.
    const ending = { body: { ...why, confirm: 'feeds.1' }, headers: seen('*'), token: TOKENS.admin };
    await server.ask(at('resume'), { body: why, headers: seen('*') });
    expect((await server.ask('/v1/campaigns/feeds.1/cancel', ending)).status).toBe(200);
    await rest(world({ store: server.store }));
    expect((await server.ask(START, { body: { reason: 'once more' } })).body['campaign'].campaign).toBe('feeds.2');
    for (const name of ['feeds.1', 'feeds']) await isReplayed(name);
    expect((await pause('feeds.2')).body['code']).toBe('request.repeated');
  });

  it('is refused for another command, and free for another person', async () => {
    const server = await served();
    await copied(server);
    const headers = { 'idempotency-key': 'one' };
    expect((await server.ask(at('pause'), { body: why, headers })).status).toBe(200);
    const other = await server.ask(at('pause'), { body: { reason: 'another' }, headers });
    expect(other).toMatchObject({ status: 422, body: { code: 'request.repeated' } });
    const resume = { body: why, headers: { ...headers, ...seen('*') }, token: OTHER };
    expect((await server.ask(at('resume'), resume)).status).toBe(200);
  });

  it.each(['lost', 'crash'] as const)('takes effect once, whichever call of the store it was: %s', async (kind) => {
    for (let step = 0, struck = true; struck; step++) {
      const data = new MemoryData();
      await commands.start(world({ store: memoryStore({ data }) }).context, 'feeds');
      let calls = 0;
      const strike = kind === 'lost' ? { kind } : { kind, when: 'after' as const };
      const fault = () => (calls++ === step ? strike : undefined);
      const headers = { ...seen('"feeds.1-1"'), 'idempotency-key': 'k' };
      const asking = { body: { ...why, ceiling: 7 }, headers };
      const faulty = await served({ store: memoryStore({ data, fault }) });
      const first = await faulty.ask(at('pace'), asking);
      struck = calls > step;
      await faulty.end();
      const sound = await served({ store: memoryStore({ data }) });
      const second = await sound.ask(at('pace'), asking);
      await sound.end();
      const said = `${kind} at ${step}: first ${first.status}, then ${second.text}`;
      expect([second.status, second.body['campaign']?.commands], said).toEqual([200, 2]);
    }
  });
});
