import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { Worker } from '../../src/engine/worker.ts';
import { LIMITS } from '../../src/limits.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { oldKey, rest, seed, world } from '../engine/harness.ts';
import { served, until } from './harness.ts';

describe('a server that is told to end', () => {
  it('lets its worker finish the page, and leaves nothing half done', async () => {
    const store = memoryStore();
    await seed(store, 3_000);
    const w = world({ store });
    const worker = (signal: AbortSignal) =>
      new Worker({ store, migrations: [w.migration], clock: systemClock, id: 'ws' }).run(signal);
    const server = await served({ store, worker });
    await server.ask('/v1/migrations/feeds/start', { body: { reason: 'because' } });
    await until(async () => (await server.ask('/v1/campaigns/feeds')).body['sweep'].seen > 0);
    await server.end();
    expect(server.log()).toMatch(/"event":"server.stopped","inTime":true/);
    // Another one goes on from its checkpoint.
    expect(await rest(w)).toMatchObject({ stage: 'copied' });
  });

  it('waits for its worker', async () => {
    let over = false;
    const server = await served({
      worker: async (signal) => {
        await systemClock.sleep(60_000, signal);
        await systemClock.sleep(50);
        over = true;
      },
    });
    await server.end();
    expect(over).toBe(true);
  });

  it('waits for nothing that hangs', async () => {
    // The deadline passes at once; all else takes its time.
    const sleep = (ms: number, signal?: AbortSignal) => systemClock.sleep(ms === LIMITS.shutdownMs ? 1 : ms, signal);
    const server = await served({ clock: { ...systemClock, sleep }, worker: () => new Promise(() => {}) });
    await server.end();
    expect(server.log()).toMatch(/"event":"server.stopped","inTime":false/);
  });

  it('answers what is under way', async () => {
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    let reached = false;
    const store = memoryStore({
      fault: async ({ op, keys }) => {
        // Nobody else looks at this record.
        if (op.startsWith('read') && keys.some((each) => each.equals(oldKey(1)))) {
          reached = true;
          await gate;
        }
        return undefined;
      },
    });
    await seed(store, 1);
    const server = await served({ store });
    expect((await server.ask('/v1/migrations/feeds/start', { body: { reason: 'a test' } })).status).toBe(200);
    const slow = server.ask(`/v1/records/${encodeURIComponent(oldKey(1).toString())}?campaign=feeds`);
    await until(() => reached);
    const ending = server.end();
    release();
    expect((await slow).status).toBe(200);
    await ending;
  });

  it('stops its jobs', async () => {
    const store = memoryStore();
    await seed(store, 3_000);
    const server = await served({ store });
    await server.ask('/v1/migrations/feeds/plan', { body: {} });
    await server.end();
    expect(server.log()).toMatch(/"event":"server.stopped","inTime":true/);
    // As it was told to: no defect, and nothing to look into.
    expect(server.log()).toMatch(/"level":30,[^}]*"event":"job.stopped"/);
    expect(server.log()).not.toMatch(/"level":50/);
  });

  it('ends by itself with the defect that ended its worker', async () => {
    let fail = (_error: Error) => {};
    const server = await served({
      worker: () =>
        new Promise((_, reject) => {
          fail = reject;
        }),
    });
    fail(new Error('a defect'));
    await expect(server.end()).rejects.toThrow('a defect');
  });
});
