import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { Worker } from '../../src/engine/worker.ts';
import { HandoverError } from '../../src/errors.ts';
import { Metrics } from '../../src/server/metrics/metrics.ts';
import { memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { content, feedsUnderUsers, newKey, seed } from '../engine/harness.ts';
import { type Served, served, until } from './harness.ts';

/** Every sample, by its name with its labels. */
async function scraped(server: Served): Promise<Map<string, number>> {
  const { status, text, headers } = await server.ask('/metrics');
  expect(status).toBe(200);
  expect(headers.get('content-type')).toContain('text/plain');
  const lines = text.split('\n').filter((line) => line.startsWith('handover_'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

const start = (server: Served) => server.ask('/v1/migrations/feeds/start', { body: { reason: 'because' } });

/** A server with a worker, both of which are counted. */
async function working(inner: Store): Promise<Served> {
  const metrics = new Metrics(systemClock);
  const store = metrics.watched(inner);
  const worker = (signal: AbortSignal) =>
    new Worker({ store, migrations: [feedsUnderUsers], clock: systemClock, id: 'ws', events: metrics.events }).run(
      signal,
    );
  return served({ store, worker, metrics });
}

describe('/metrics', () => {
  it('agrees with status to the unit, and counts what was done', async () => {
    const inner = memoryStore();
    await seed(inner, 50);
    // Somebody stands where one of them is to go.
    await inner.overwrite([{ key: newKey(7), content: content({ alien: true }) }]);
    const server = await working(inner);
    await start(server);
    await until(async () => (await server.ask('/v1/campaigns/feeds')).body['settled']);
    await until(async () => (await scraped(server)).get('handover_campaign_settled{campaign="feeds.1"}') === 1);
    const found = await scraped(server);
    const { body } = await server.ask('/v1/campaigns/feeds');
    for (const [state, n] of Object.entries(body['states'] as Record<string, number>)) {
      expect(found.get(`handover_records{campaign="feeds.1",state="${state}"}`)).toBe(n);
    }
    expect(body['states'].copied).toBe(49);
    expect(found.get('handover_quarantined_records{campaign="feeds.1",code="target.occupied"}')).toBe(1);
    expect(found.get('handover_campaign_state{campaign="feeds.1",stage="copied",run="running"}')).toBe(1);
    expect(found.get('handover_moves_total{campaign="feeds.1",move="copy"}')).toBe(49);
    // Whoever stands there was met by the insert; nobody else wrote anything.
    expect(found.get('handover_conflicts_total{of="guess"}')).toBe(1);
    expect(found.get('handover_conflicts_total{of="record"}')).toBe(0);
    expect(found.get('handover_store_calls_total{call="commit",result="answered"}')).toBeGreaterThan(0);
    expect(found.get('handover_store_call_seconds_count{call="scan"}')).toBeGreaterThan(0);
    expect(found.get('handover_store_answers')).toBe(1);
  });

  it('counts no conflict of records where one worker moves them all and nobody else writes', async () => {
    const inner = memoryStore();
    await seed(inner, 2_000);
    const server = await working(inner);
    const settled = (stage: string) =>
      until(async () => {
        const { body } = await server.ask('/v1/campaigns/feeds');
        return body['settled'] && body['stage'] === stage;
      });
    await start(server);
    await settled('copied');
    const headers = { 'if-match': '*' };
    await server.ask('/v1/campaigns/feeds/switch', { body: { reason: 'because' }, headers });
    await settled('switched');
    const found = await scraped(server);
    expect(found.get('handover_moves_total{campaign="feeds.1",move="promote"}')).toBe(2_000);
    expect(found.get('handover_conflicts_total{of="guess"}')).toBe(0);
    expect(found.get('handover_conflicts_total{of="record"}')).toBe(0);
  });

  it('says what limits the pace, as status does, and nothing of it any more when the campaign rests', async () => {
    const server = await served();
    await seed(server.store, 5);
    await start(server);
    await until(
      async () => (await scraped(server)).get('handover_pace_limit{campaign="feeds.1",limit="nobody works"}') === 1,
    );
    await server.ask('/v1/campaigns/feeds/pause', { body: { reason: 'because' } });
    await until(
      async () => (await scraped(server)).get('handover_pace_limit{campaign="feeds.1",limit="paused"}') === 1,
    );
    expect((await scraped(server)).get('handover_pace_limit{campaign="feeds.1",limit="nobody works"}')).toBe(0);
  });

  it('says that the store does not answer, and nothing that may not be true any more', async () => {
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
    await until(async () => (await scraped(server)).has('handover_campaign_settled{campaign="feeds.1"}'));
    down = true;
    await until(async () => (await scraped(server)).get('handover_store_answers') === 0);
    const found = await scraped(server);
    expect([...found.keys()].filter((name) => name.includes('feeds.1'))).toEqual([]);
    expect(server.log()).toContain('"event":"metrics.faltered"');
  });

  it('is for viewers', async () => {
    const server = await served();
    expect((await server.ask('/metrics', { token: '' })).status).toBe(401);
  });
});
