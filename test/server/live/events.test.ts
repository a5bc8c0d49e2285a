import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { Worker } from '../../../src/engine/worker.ts';
import { HandoverError } from '../../../src/errors.ts';
import { LIMITS } from '../../../src/limits.ts';
import { Board } from '../../../src/server/live/board.ts';
import { EventStream } from '../../../src/server/live/stream.ts';
import { memoryStore } from '../../../src/store/memory.ts';
import type { Store } from '../../../src/store/store.ts';
import { rest, seed, world } from '../../engine/harness.ts';
import { type Served, served, TOKENS, until } from '../harness.ts';
import { Reader } from './reader.ts';

const why = { reason: 'because' };
const start = (server: Served) => server.ask('/v1/migrations/feeds/start', { body: why });
const pause = (server: Served) => server.ask('/v1/campaigns/feeds/pause', { body: why });

describe('an event stream', () => {
  it('tells what the looks answer, at first and whenever it changes', async () => {
    const server = await served();
    await seed(server.store, 20);
    await start(server);
    const reader = await Reader.open(server);
    const one = await Reader.open(server, '/v1/events?campaign=feeds');
    await until(() => reader.told.length === 2 && one.told.length === 1);
    const campaign = await server.ask('/v1/campaigns/feeds.1');
    expect(one.told[0]).toMatchObject({ event: 'campaign', data: campaign.body });
    await rest(world({ store: server.store }));
    await until(() => one.last('campaign')?.data['stage'] === 'copied');
    // To the unit, whatever it is that counts.
    expect(one.last('campaign')!.data).toEqual((await server.ask('/v1/campaigns/feeds.1')).body);
    await until(() => reader.last('campaigns')?.data['campaigns'][0].stage === 'copied');
    expect(reader.last('campaigns')!.data).toEqual((await server.ask('/v1/campaigns')).body);
    expect(one.last('campaigns')).toBeUndefined();
  });

  it('goes on from the last id that was seen, with what has changed since and nothing else', async () => {
    const server = await served();
    await start(server);
    const first = await Reader.open(server);
    await until(() => first.told.length === 2);
    first.leave();
    const { id } = first.told.at(-1)!;
    const same = await Reader.open(server, '/v1/events', { 'last-event-id': id });
    await pause(server);
    await until(() => same.told.length === 2);
    expect(same.told.map(({ event }) => event)).toEqual(['campaign', 'campaigns']);
    expect(same.told[0]!.data['run']).toBe('paused');
    // An id of another server, or of none, says nothing: all is told.
    for (const strange of ['00000000-1', 'nonsense', `${id}9`]) {
      const other = await Reader.open(server, '/v1/events', { 'last-event-id': strange });
      await until(() => other.told.length === 2);
    }
  });

  it('of one caller, as many as he may have, keeps out nobody else', async () => {
    const server = await served();
    const readers = await Promise.all(Array.from({ length: LIMITS.eventStreamsEach }, () => Reader.open(server)));
    await expect(Reader.open(server)).rejects.toThrow(/^429 .*request.tooMany/);
    const other = await Reader.open(server, '/v1/events', { authorization: `Bearer ${TOKENS.operator}` });
    for (const reader of [...readers, other]) reader.leave();
    await until(() =>
      Reader.open(server).then(
        (reader) => reader.leave() ?? true,
        () => false,
      ),
    );
  });

  it('follows a migration to its next run', async () => {
    const server = await served();
    const w = world({ store: server.store });
    await start(server);
    const reader = await Reader.open(server, '/v1/events?campaign=feeds');
    const confirm = { ...why, confirm: 'feeds.1' };
    await server.ask('/v1/campaigns/feeds/cancel', {
      body: confirm,
      headers: { 'if-match': '*' },
      token: TOKENS.admin,
    });
    await rest(w);
    await start(server);
    await until(() => reader.last('campaign')?.data['campaign'] === 'feeds.2');
  });

  it('is for those who are let in, and about campaigns that there are', async () => {
    const server = await served();
    await expect(Reader.open(server, '/v1/events', { authorization: 'Bearer wrong' })).rejects.toThrow(
      'access.missing',
    );
    await expect(Reader.open(server, '/v1/events?campaign=none')).rejects.toThrow('campaign.missing');
    await expect(Reader.open(server, '/v1/events?what=else')).rejects.toThrow('request.invalid');
  });

  it('costs one look for all who read, and none when nobody does', async () => {
    let scans = 0;
    const inner = memoryStore();
    const store: Store = {
      ...inner,
      scan: (range, limit) => {
        if (range.kind === '_HandoverCampaign') scans++;
        return inner.scan(range, limit);
      },
    };
    const server = await served({ store });
    await start(server);
    const readers = await Promise.all(Array.from({ length: 50 }, () => Reader.open(server)));
    await until(() => readers.every(({ told }) => told.length === 2));
    const [from, began] = [scans, systemClock.ticks()];
    await until(() => scans >= from + 3);
    expect(systemClock.ticks() - began).toBeGreaterThan(2 * LIMITS.eventLookMs);
    for (const reader of readers) reader.leave();
    await pause(server);
    let still = scans;
    await until(async () => {
      const before = scans;
      await systemClock.sleep(2 * LIMITS.eventLookMs);
      still = scans;
      return still === before;
    });
    expect(scans).toBe(still);
  });

  it('outlasts a store that does not answer', async () => {
    let down = false;
    const inner = memoryStore();
    const store: Store = {
      ...inner,
      scan: async (range, limit) => {
        if (down) throw new HandoverError('store.unavailable', 'It does not answer.');
        return inner.scan(range, limit);
      },
    };
    const server = await served({ store });
    await start(server);
    const reader = await Reader.open(server);
    await until(() => reader.told.length === 2);
    down = true;
    await until(() => server.log().includes('"event":"events.faltered"'));
    // Whoever looks is told, once, that what he sees may be old.
    await until(() => reader.last('stale') !== undefined);
    expect(reader.last('stale')!.data).toEqual({ code: 'store.unavailable' });
    down = false;
    await until(() => reader.last('fresh') !== undefined);
    expect(reader.told.map(({ event }) => event).slice(2)).toEqual(['stale', 'fresh']);
    await pause(server);
    await until(() => reader.last('campaign')?.data['run'] === 'paused');
  });

  it('tells of a store that hangs, too', async () => {
    let [hangs, later] = [false, 0];
    const inner = memoryStore();
    const store: Store = {
      ...inner,
      scan: async (range, limit) => {
        await until(() => !hangs);
        return inner.scan(range, limit);
      },
    };
    const clock = { ...systemClock, ticks: () => systemClock.ticks() + later };
    const server = await served({ store, clock });
    await start(server);
    const reader = await Reader.open(server);
    await until(() => reader.told.length === 2);
    hangs = true;
    await systemClock.sleep(2 * LIMITS.eventLookMs);
    later = LIMITS.requestMs;
    await until(() => reader.last('stale') !== undefined);
    expect(reader.last('stale')!.data).toEqual({ code: 'request.slow' });
    hangs = false;
    await until(() => reader.last('fresh') !== undefined);
  });

  it('is closed when the server ends, which waits for none of two hundred', async () => {
    const store = memoryStore();
    await seed(store, 2_000);
    const w = world({ store });
    const worker = (signal: AbortSignal) =>
      new Worker({ store, migrations: [w.migration], clock: systemClock, id: 'ws' }).run(signal);
    const server = await served({ store, worker });
    await start(server);
    const readers = await Promise.all(Array.from({ length: 200 }, () => Reader.open(server)));
    const began = systemClock.ticks();
    await server.end();
    expect(systemClock.ticks() - began).toBeLessThan(LIMITS.shutdownMs / 2);
    expect(server.log()).toContain('"event":"server.stopped","inTime":true');
    await until(() => readers.every(({ ended }) => ended));
  });
});

describe('a reader that is slow', () => {
  const statusOf = (n: number) =>
    ({ campaigns: [{ campaign: 'feeds.1', migration: 'feeds', n, text: 'x'.repeat(50_000) }], unstarted: [] }) as never;
  const opened = () => {
    let now = 0;
    const board = new Board('e');
    const stream = new EventStream({ board, wanted: 'feeds', seen: 0, clock: { ticks: () => now } });
    const post = (n: number) => {
      board.post(statusOf(n));
      stream.looked();
    };
    return { stream, post, pass: (ms: number) => (now += ms) };
  };

  it('has one event waiting, however much happens, and then gets the newest', async () => {
    const { stream, post } = opened();
    for (let n = 0; n < 1_000; n++) post(n);
    expect(stream.readableLength).toBeLessThan(LIMITS.eventBufferBytes + 60_000);
    let text = '';
    stream.on('data', (chunk) => {
      text += String(chunk);
    });
    await until(() => text.includes('"n":999'));
    expect(text.match(/"n":/g)!.length).toBeLessThan(4);
    stream.destroy();
  });

  it('is cut off when it takes nothing for long', () => {
    const { stream, post, pass } = opened();
    post(1);
    pass(LIMITS.eventStallMs - 1);
    stream.beat();
    expect(stream.destroyed).toBe(false);
    pass(1);
    stream.beat();
    expect(stream.destroyed).toBe(true);
  });

  it('hears a heartbeat when nothing happens, and is asked to come again after an hour', async () => {
    const { stream, pass } = opened();
    let text = '';
    stream.on('data', (chunk) => {
      text += String(chunk);
    });
    await until(() => text.includes('retry:'));
    pass(LIMITS.eventHeartbeatMs);
    stream.beat();
    await until(() => text.endsWith('\n\n:\n\n'));
    pass(LIMITS.eventStreamMs);
    stream.beat();
    await until(() => stream.readableEnded);
  });
});
