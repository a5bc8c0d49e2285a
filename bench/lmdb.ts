import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { key } from '../src/record/key.ts';
import { lmdbStore } from '../src/store/lmdb.ts';
import type { Store } from '../src/store/store.ts';
import { type Measure, rounded, rowsOf, Stopwatch } from './shared/compare.ts';
import { expectMoved, rule, seed } from './shared/feeds.ts';
import { engine, raw } from './shared/moves.ts';
import { optionsOf } from './shared/options.ts';

/**
 * Moving entities of about 600 bytes and 11 properties to keys under 1,000 users, on LMDB files, each case on a fresh
 * store, interleaved over several rounds. `npm run bench -- lmdb [--records N] [--rounds R] [--memory] [--json]`.
 */
type Case = (store: Store, records: number) => Promise<void>;

const CASES: Readonly<Record<string, { atomic: 'group' | 'any'; run: Case; share: number }>> = {
  'raw copy + delete, unsafe': { atomic: 'any', run: (store) => raw(store), share: 1 },
  'engine, full path': { atomic: 'group', run: (store) => engine(store), share: 1 },
  'engine, short path': { atomic: 'any', run: (store) => engine(store), share: 1 },
  // One flush to disk a record: fewer records tell its rate as well.
  'naive, one transaction a record': { atomic: 'any', run: naive, share: 0.02 },
};

const userOf = (n: number) => n % 1000;

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

async function measure(name: string, records: number): Promise<ReadonlyMap<string, Measure>> {
  const { atomic, run, share } = CASES[name]!;
  const count = Math.max(500, Math.round(records * share));
  const path = mkdtempSync(join(tmpdir(), 'handover-bench-'));
  const store = lmdbStore({ path, atomic });
  try {
    await seed(store, count, userOf);
    globalThis.gc?.();
    const watch = new Stopwatch(count);
    await run(store, count);
    watch.lap(name);
    await expectMoved(store, count);
    return watch.measures;
  } finally {
    await store.close();
    rmSync(path, { recursive: true, force: true });
  }
}

async function compare(records: number, rounds: number) {
  const all: Map<string, Measure>[] = [];
  for (let round = 0; round < rounds; round++) {
    const measures = new Map<string, Measure>();
    for (const name of Object.keys(CASES)) for (const lap of await measure(name, records)) measures.set(...lap);
    all.push(measures);
  }
  return rowsOf(all);
}

interface Memory {
  readonly records: number;
  /** Peak of what is the process's own: LMDB's map of the file is the system's cache, and is left out. */
  readonly peakMegabytes: number;
  /** The most that was still in use after a collection, of one at each tenth of the records. */
  readonly liveHeapMegabytes: number;
  readonly recordsPerSecond: number;
}

/** One campaign of each size, from start to completion, in this one process. */
async function memory(sizes: readonly number[]): Promise<Memory[]> {
  const rows: Memory[] = [];
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (const records of sizes) {
    const path = mkdtempSync(join(tmpdir(), 'handover-bench-'));
    const store = lmdbStore({ path });
    await seed(store, records, userOf);
    collect();
    let [peak, live, arrived, tenths] = [0, 0, 0, 0];
    const watch = setInterval(() => {
      peak = Math.max(peak, anonymousKilobytes());
    }, 20);
    const onArrived = (count: number) => {
      arrived += count;
      if (arrived * 10 < records * (tenths + 1)) return;
      tenths++;
      collect();
      live = Math.max(live, process.memoryUsage().heapUsed);
    };
    const start = performance.now();
    await engine(store, { onArrived });
    clearInterval(watch);
    const seconds = (performance.now() - start) / 1000;
    await store.close();
    rmSync(path, { recursive: true, force: true });
    rows.push({
      records,
      peakMegabytes: Math.round(Math.max(peak, anonymousKilobytes()) / 1024),
      liveHeapMegabytes: rounded(live / 1024 / 1024, 1),
      recordsPerSecond: Math.round(records / seconds),
    });
    process.stderr.write(`${records} records\n`);
  }
  return rows;
}

function anonymousKilobytes(): number {
  const found = /RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'));
  return found ? Number(found[1]) : process.memoryUsage().rss / 1024;
}

async function main(argv: readonly string[]): Promise<void> {
  const { flag, number } = optionsOf(argv);
  const json = flag('json');
  if (flag('memory')) {
    const rows = await memory([10_000, 100_000, number('records', 1_000_000)]);
    if (json) console.log(JSON.stringify({ rows }));
    else console.table(rows);
    return;
  }
  const rows = await compare(number('records', 50_000), number('rounds', 3));
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
