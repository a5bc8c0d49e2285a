import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as commands from '../src/admin/commands.ts';
import { systemClock } from '../src/clock.ts';
import { entity } from '../src/define/entity.ts';
import { defineMigration } from '../src/define/migration.ts';
import { homeRange } from '../src/engine/sweep.ts';
import { Worker } from '../src/engine/worker.ts';
import { LIMITS } from '../src/limits.ts';
import { Content } from '../src/record/content.ts';
import { key } from '../src/record/key.ts';
import { fromPlain } from '../src/record/plain.ts';
import { lmdbStore } from '../src/store/lmdb.ts';
import type { KeyRange, Store } from '../src/store/store.ts';

/**
 * Moving entities of about 600 bytes and 11 properties to keys under 1,000 users, on LMDB files, each case on a fresh
 * store, interleaved over several rounds. `npm run bench -- lmdb [--records N] [--rounds R] [--memory] [--json]`.
 */
const rule = entity<{ user: string }>({
  from: 'Feed',
  into: 'User/Feed',
  to: (feed, old) => key('User', feed.user, 'Feed', old.id),
});
const migration = defineMigration({ name: 'bench', version: 1, records: [rule] });

export interface Row {
  readonly name: string;
  readonly recordsPerSecond: number;
  readonly cpuMicrosPerRecord: number;
  /** Against raw copy and delete, by records per second. */
  readonly ratio: number;
}

interface Measure {
  readonly recordsPerSecond: number;
  readonly cpuMicrosPerRecord: number;
}

type Case = (store: Store, records: number) => Promise<void>;

const CASES: Readonly<Record<string, { atomic: 'group' | 'any'; run: Case; share: number }>> = {
  'raw copy + delete, unsafe': { atomic: 'any', run: raw, share: 1 },
  'engine, full path': { atomic: 'group', run: engine, share: 1 },
  'engine, short path': { atomic: 'any', run: engine, share: 1 },
  // One flush to disk a record: fewer records tell its rate as well.
  'naive, one transaction a record': { atomic: 'any', run: naive, share: 0.02 },
};

function feed(n: number): Content {
  return Content.of(
    fromPlain({
      user: `user${n % 1000}`,
      url: `https://example.com/feeds/${n}/rss.xml`,
      title: `The feed number ${n} of the reader`,
      added: new Date(1_600_000_000_000 + n * 1000),
      visits: n % 97,
      score: n / 7,
      muted: n % 3 === 0,
      tags: ['news', `tag${n % 10}`],
      etag: Buffer.alloc(16, n % 251),
      error: null,
      note: 'x'.repeat(300),
    }),
  );
}

async function seed(store: Store, records: number): Promise<void> {
  for (let first = 1; first <= records; first += 5000) {
    const count = Math.min(5000, records - first + 1);
    await store.overwrite(
      Array.from({ length: count }, (_, i) => ({ key: key('Feed', first + i), content: feed(first + i) })),
    );
  }
}

/** What nobody should do to live data: no versions, no state, no second look. The physical cost of the move. */
async function raw(store: Store): Promise<void> {
  const lanes = await store.split(homeRange(migration, 0, 'S'), LIMITS.lanes);
  await Promise.all(lanes.map((lane) => rawLane(store, lane)));
}

async function rawLane(store: Store, lane: KeyRange): Promise<void> {
  let range = lane;
  for (let more = true; more; ) {
    const page = await store.scan(range, LIMITS.pageSize);
    const puts = page.entities.map(({ key: old, content }) => ({
      key: rule.targetOf(old, content),
      content: rule.forward(old, content),
    }));
    await store.overwrite(
      puts,
      page.entities.map(({ key: old }) => old),
    );
    more = page.more;
    if (more) range = { ...range, after: page.entities[page.entities.length - 1]!.key };
  }
}

async function engine(store: Store): Promise<void> {
  const context = { store, migrations: [migration], clock: systemClock, by: 'bench' };
  const done = new AbortController();
  const swept = (campaign: commands.Campaign) => campaign.closed && done.abort();
  const worker = new Worker({ store, migrations: [migration], clock: systemClock, events: { swept } });
  await commands.start(context, 'bench', { to: 'completed' });
  await worker.run(done.signal);
}

/** Safe, and what one writes first: look the record up, move it in a transaction of its own, go on to the next. */
async function naive(store: Store, records: number): Promise<void> {
  for (let n = 1; n <= records; n++) {
    const [old] = await store.read([key('Feed', n)]);
    const { key: from, content, version } = old!;
    await store.commitTogether([
      [
        { op: 'insert', key: rule.targetOf(from, content), content: rule.forward(from, content) },
        { op: 'delete', key: from, version },
      ],
    ]);
  }
}

async function measure(name: string, records: number): Promise<Measure> {
  const { atomic, run, share } = CASES[name]!;
  const count = Math.max(500, Math.round(records * share));
  const path = mkdtempSync(join(tmpdir(), 'handover-bench-'));
  const store = lmdbStore({ path, atomic });
  try {
    await seed(store, count);
    globalThis.gc?.();
    const cpu = process.cpuUsage();
    const start = performance.now();
    await run(store, count);
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    await expectMoved(store, count);
    return { recordsPerSecond: count / seconds, cpuMicrosPerRecord: (user + system) / count };
  } finally {
    await store.close();
    rmSync(path, { recursive: true, force: true });
  }
}

/** A benchmark of something that does not work is worth nothing. */
async function expectMoved(store: Store, count: number): Promise<void> {
  let found = 0;
  let range: KeyRange = homeRange(migration, 0, 'T');
  for (let more = true; more; ) {
    const page = await store.scan(range, 5000);
    found += page.entities.length;
    more = page.more;
    if (more) range = { ...range, after: page.entities[page.entities.length - 1]!.key };
  }
  const left = (await store.scan(homeRange(migration, 0, 'S'), 1)).entities.length;
  if (found !== count || left > 0) throw new Error(`${found} of ${count} arrived, ${left} left behind`);
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;

async function compare(records: number, rounds: number): Promise<Row[]> {
  const names = Object.keys(CASES);
  const all = new Map<string, Measure[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) all.get(name)!.push(await measure(name, records));
  }
  const rate = (name: string) => median(all.get(name)!.map(({ recordsPerSecond }) => recordsPerSecond));
  const baseline = rate(names[0]!);
  return names.map((name) => ({
    name,
    recordsPerSecond: Math.round(rate(name)),
    cpuMicrosPerRecord: Number(median(all.get(name)!.map(({ cpuMicrosPerRecord }) => cpuMicrosPerRecord)).toFixed(1)),
    ratio: Number((rate(name) / baseline).toFixed(2)),
  }));
}

/** Peak of the memory that is the process's own: LMDB's map of the file is the system's cache, and is left out. */
async function memory(sizes: readonly number[]): Promise<Record<string, number>> {
  const peaks: Record<string, number> = {};
  for (const records of sizes) {
    const path = mkdtempSync(join(tmpdir(), 'handover-bench-'));
    const store = lmdbStore({ path });
    await seed(store, records);
    globalThis.gc?.();
    let peak = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, anonymousKilobytes());
    }, 20);
    await engine(store);
    clearInterval(watch);
    await store.close();
    rmSync(path, { recursive: true, force: true });
    peaks[`${records} records`] = Math.round(Math.max(peak, anonymousKilobytes()) / 1024);
  }
  return peaks;
}

function anonymousKilobytes(): number {
  const found = /RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
  return found ? Number(found[1]) : process.memoryUsage().rss / 1024;
}

async function main(argv: readonly string[]): Promise<void> {
  const option = (name: string, otherwise: number) => {
    const at = argv.indexOf(name);
    return at < 0 ? otherwise : Number(argv[at + 1]);
  };
  const json = argv.includes('--json');
  if (argv.includes('--memory')) {
    const peaks = await memory([10_000, 100_000, option('--records', 1_000_000)]);
    console.log(json ? JSON.stringify({ peakMegabytes: peaks }) : peaks);
    return;
  }
  const rows = await compare(option('--records', 50_000), option('--rounds', 3));
  if (json) console.log(JSON.stringify({ rows }));
  else {
    console.table(rows);
    console.log(
      'ratio: records/s against raw copy + delete in the same run. Not measured: live traffic beside it, more',
    );
    console.log(
      'than one worker, a data set larger than the page cache, disks that are slower to flush than this one.',
    );
  }
}

await main(process.argv.slice(2));
