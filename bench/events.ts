import { fork } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { start, theCampaign } from '../src/admin/commands.ts';
import { systemClock } from '../src/clock.ts';
import { defineConfig } from '../src/define/config.ts';
import { serverConfig } from '../src/define/server.ts';
import { Worker } from '../src/engine/worker.ts';
import { Metrics } from '../src/server/metrics/metrics.ts';
import { serve } from '../src/server/serve.ts';
import { lmdbStore } from '../src/store/lmdb.ts';
import { feedsUnderUsers, seed } from '../test/engine/harness.ts';

/**
 * How much open event streams slow a campaign at full speed, server and worker being one process, and readers another on
 * the same machine. It says nothing of readers far away, nor of many campaigns.
 */
const RECORDS = Number(process.env['RECORDS'] ?? 20_000);

async function copied(streams: number): Promise<number> {
  const store = lmdbStore({ path: mkdtempSync(join(tmpdir(), 'handover-events-')) });
  await seed(store, RECORDS);
  const migrations = [feedsUnderUsers];
  const context = { store, migrations, clock: systemClock, by: 'bench' };
  const abort = new AbortController();
  const silent = Object.fromEntries(
    ['info', 'warn', 'error', 'debug', 'trace', 'fatal'].map((level) => [level, () => {}]),
  );
  const log = { ...silent, level: 'info', child: () => log } as never;
  const metrics = new Metrics(systemClock);
  let listening = (_url: string) => {};
  const url = new Promise<string>((resolve) => {
    listening = resolve;
  });
  const ended = serve({
    services: { ...context, project: { file: '', config: defineConfig({ store: () => store }), migrations } },
    config: { ...serverConfig(), port: 0 },
    log,
    version: '0',
    page: false,
    user: 'bench',
    metrics,
    signal: abort.signal,
    onListening: listening,
  });
  const readers = fork(fileURLToPath(import.meta.url), ['readers', await url, String(streams)]);
  await new Promise((resolve) => readers.once('message', resolve));
  await start(context, 'feeds');
  const began = systemClock.ticks();
  const work = new Worker({ ...context, store: metrics.watched(store), events: metrics.events }).run(abort.signal);
  while ((await theCampaign(context, 'feeds')).settledAt === undefined) await systemClock.sleep(20);
  const tookMs = systemClock.ticks() - began;
  readers.kill();
  abort.abort();
  await Promise.all([work, ended]);
  await store.close();
  return Math.round(RECORDS / (tookMs / 1000));
}

/** Opens so many streams, and reads them as fast as they come. */
async function read(url: string, streams: number): Promise<void> {
  const open = async () => {
    const { body } = await fetch(`${url}/v1/events`);
    const drain = async () => {
      for await (const _ of body!);
    };
    drain().catch(() => process.exit());
  };
  await Promise.all(Array.from({ length: streams }, open));
  process.send!('open');
  await systemClock.sleep(600_000);
}

const [what, url = '', streams] = process.argv.slice(2);
if (what === 'readers') await read(url, Number(streams));
// The first one warms up.
else
  for (const streams of [0, 0, 200, 0, 200, 0, 200])
    console.log(`${streams} streams: ${await copied(streams)} records/s`);
