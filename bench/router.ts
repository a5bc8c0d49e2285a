import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import * as commands from '../src/admin/commands.ts';
import { systemClock } from '../src/clock.ts';
import { Worker } from '../src/engine/worker.ts';
import { Content } from '../src/record/content.ts';
import { key } from '../src/record/key.ts';
import { fromPlain, toPlain } from '../src/record/plain.ts';
import { Router } from '../src/router/router.ts';
import { lmdbStore } from '../src/store/lmdb.ts';
import type { Store } from '../src/store/store.ts';
import { startEmulator } from '../test/emulators/emulator.ts';
import { findSdk, type Sdk } from '../test/emulators/sdk.ts';
import { contentOf, migration, rule, seed } from './shared/feeds.ts';
import { optionsOf } from './shared/options.ts';

/**
 * What a router costs a call: get and update through it, against a raw get and a raw read and conditional write of one
 * entity on the same adapter, call by call in turn, before a campaign, while one moves all records back and forth in a
 * process of its own, and after it. `npm run bench -- router [--store lmdb|datastore] [--records N] [--calls C] [--json]`.
 */
const userOf = (n: number) => n % 1000;
const addressOf = (n: number) => ({ from: key('Feed', n), into: key('User', `user${userOf(n)}`, 'Subscription', n) });
/** For raw calls, which need a record that stays where it is: no rule is about it. */
const rawKey = (n: number) => key('Raw', n);

interface Where {
  readonly lmdb?: string;
  readonly emulator?: string;
}

async function open({ lmdb, emulator }: Where): Promise<Store> {
  if (lmdb) return lmdbStore({ path: lmdb });
  const { datastoreStore } = await import('../src/store/datastore/datastore.ts');
  return datastoreStore({ projectId: 'bench', emulatorHost: emulator! });
}

/** The child: a campaign at full speed, there and back again, until it is told to end it. */
async function move(where: Where): Promise<void> {
  const store = await open(where);
  const context = { store, migrations: [migration], clock: systemClock, by: 'bench' };
  let over = false;
  process.on('message', () => {
    over = true;
  });
  const worker = new Worker({ store, migrations: [migration], clock: systemClock });
  const rest = async () => {
    for (;;) {
      const campaign = await commands.theCampaign(context, 'bench');
      if (campaign.settledAt !== undefined || campaign.closed) return;
      await worker.step(campaign, new AbortController().signal);
    }
  };
  await commands.start(context, 'bench', { ramp: false });
  await rest();
  process.send!('moving');
  for (;;) {
    await commands.switchOver(context, 'bench');
    await rest();
    if (over) break;
    await commands.reverse(context, 'bench');
    await rest();
    await commands.start(context, 'bench');
    await rest();
  }
  await commands.complete(context, 'bench');
  await rest();
  await store.close();
  process.disconnect();
}

interface Row {
  readonly when: string;
  readonly call: string;
  readonly medianMicros: number;
  readonly p99Micros: number;
  /** Of the medians, against the raw call. */
  readonly ratio: number;
  readonly p99Ratio: number;
  /** The most commits that one call made: one, and one more for each conflict it met. */
  readonly mostCommits?: number;
}

async function measure(store: Store, when: string, records: number, calls: number, go: () => boolean): Promise<Row[]> {
  let commits = 0;
  const counting: Store = {
    ...store,
    commit: (mutations, guard) => {
      commits++;
      return store.commit(mutations, guard);
    },
  };
  const router = new Router({ store: counting, rule });
  const times = new Map<string, RecordableHistogram>();
  let most = 0;
  const timed = async (name: string, run: () => Promise<unknown>) => {
    const histogram = times.get(name) ?? createHistogram();
    times.set(name, histogram);
    const start = process.hrtime.bigint();
    await run();
    histogram.record(process.hrtime.bigint() - start);
  };
  for (let i = 0; i < calls && go(); i++) {
    const n = 1 + ((i * 7919) % records);
    const visit = <R extends object>(feed: R): R => ({ ...feed, visits: i });
    const get = async () => toPlain((await store.read([rawKey(n)]))[0]!.content.properties);
    const update = async () => {
      const [found] = await store.read([rawKey(n)]);
      const { key: at, version, content } = found!;
      const next = Content.of(fromPlain(visit(toPlain(content.properties)), content.properties));
      await store.commit([{ op: 'update', key: at, version, content: next }]);
    };
    const four: (() => Promise<void>)[] = [
      () => timed('raw get', get),
      () => timed('get', () => router.get(addressOf(n))),
      () => timed('raw update', update),
      async () => {
        commits = 0;
        await timed('update', () => router.update(addressOf(n), visit));
        most = Math.max(most, commits);
      },
    ];
    // Whoever comes first finds a colder cache: each in its turn.
    for (let k = 0; k < four.length; k++) await four[(i + k) % four.length]!();
  }
  const micros = (name: string, percent: number) => times.get(name)!.percentile(percent) / 1000;
  return ['raw get', 'get', 'raw update', 'update'].map((call) => {
    const raw = call.startsWith('raw') ? call : `raw ${call}`;
    return {
      when,
      call,
      medianMicros: Number(micros(call, 50).toFixed(1)),
      p99Micros: Number(micros(call, 99).toFixed(1)),
      ratio: Number((micros(call, 50) / micros(raw, 50)).toFixed(2)),
      p99Ratio: Number((micros(call, 99) / micros(raw, 99)).toFixed(2)),
      ...(call === 'update' ? { mostCommits: most } : {}),
    };
  });
}

async function run(where: Where, records: number, calls: number): Promise<Row[]> {
  const store = await open(where);
  await seed(store, records, userOf);
  for (let n = 1; n <= records; n += 500) {
    const part = Array.from({ length: Math.min(500, records - n + 1) }, (_, i) => n + i);
    await store.overwrite(part.map((each) => ({ key: rawKey(each), content: contentOf(each, userOf(each)) })));
  }
  await measure(store, 'warming up', records, Math.min(calls, 500), () => true);
  const rows = await measure(store, 'before', records, calls, () => true);
  const child = fork(process.argv[1]!, ['--move', JSON.stringify(where)], { stdio: ['ignore', 2, 2, 'ipc'] });
  const ended = once(child, 'exit');
  await Promise.race([once(child, 'message'), ended]);
  rows.push(...(await measure(store, 'during', records, calls, () => child.exitCode === null)));
  if (child.connected) child.send('end');
  const [code] = await ended;
  if (code !== 0) throw new Error(`the worker ended with ${code}`);
  rows.push(...(await measure(store, 'after', records, calls, () => true)));
  await store.close();
  return rows;
}

function sdkOrThrow(): Sdk {
  const sdk = findSdk();
  if (typeof sdk === 'string') throw new Error(sdk);
  return sdk;
}

async function main(argv: readonly string[]): Promise<void> {
  const { flag, number, text } = optionsOf(argv);
  const moved = text('move', '');
  if (moved) return move(JSON.parse(moved));
  const onEmulator = text('store', 'lmdb') === 'datastore';
  const records = number('records', onEmulator ? 2_000 : 20_000);
  const calls = number('calls', 2_000);
  const path = mkdtempSync(join(tmpdir(), 'handover-bench-'));
  const emulator = onEmulator ? await startEmulator('firestoreMode', sdkOrThrow()) : undefined;
  try {
    const rows = await run(emulator ? { emulator: emulator.host } : { lmdb: path }, records, calls);
    if (flag('json')) console.log(JSON.stringify({ rows }));
    else {
      console.table(rows);
      console.log(
        'ratio: of the medians, against the raw call of the same moment. `during`: a campaign sends all records',
      );
      console.log(
        'there and back at full speed, from another process, for as long as the calls take. Not measured: several',
      );
      console.log('clients at once, hot records, a network between the application and its store.');
    }
  } finally {
    await emulator?.stop();
    rmSync(path, { recursive: true, force: true });
  }
}

await main(process.argv.slice(2));
