import { readFileSync } from 'node:fs';
import { Datastore } from '@google-cloud/datastore';
import { systemClock } from '../src/clock.ts';
import { LIMITS } from '../src/limits.ts';
import { datastoreStore } from '../src/store/datastore/datastore.ts';
import type { Store } from '../src/store/store.ts';
import { type Emulator, MODES, type Mode, startEmulator } from '../test/emulators/emulator.ts';
import { findSdk } from '../test/emulators/sdk.ts';
import { callsMade } from './shared/calls.ts';
import { type Measure, rowsOf, Stopwatch } from './shared/compare.ts';
import { expectMoved, seed } from './shared/feeds.ts';
import { engine, raw } from './shared/moves.ts';

/**
 * Moving entities of about 600 bytes and 11 properties to keys under 1,000 users, on an emulator of Cloud Datastore that
 * is started for it, each case in a database that was emptied, interleaved over several rounds.
 * `npm run bench -- datastore [--mode legacy|firestoreMode|firestore] [--records N] [--rounds R] [--json]`.
 */
interface Place {
  readonly store: Store;
  readonly projectId: string;
  readonly host: string;
  readonly records: number;
}

/** Few to a user: an emulator that knows entity groups copies all of a group for each write to it. */
const userOf = process.env['SCATTER'] ? (n: number) => (n * 7919) % Math.ceil(8000 / 4) : (n: number) => n >> 2;

type Case = (place: Place, watch: Stopwatch) => Promise<void>;

const CASES: readonly { readonly share: number; readonly run: Case }[] = [
  { share: 1, run: rawCopy },
  { share: 1, run: (place, watch) => throughEngine(place, watch, 'engine, short path') },
  {
    share: 1,
    run: ({ store, ...place }, watch) => throughEngine({ ...place, store: held(store) }, watch, 'engine, full path'),
  },
  // Fewer records tell its rate as well.
  { share: 0.2, run: (place, watch) => naive(place, watch, 16) },
  { share: 0.2, run: (place, watch) => naive(place, watch, 64) },
];

async function rawCopy({ store }: Place, watch: Stopwatch): Promise<void> {
  // As many pieces as a sweep has: an emulator's page takes the longer the wider the range is that it is of.
  await raw(store, LIMITS.rangesPerHome);
  watch.lap('raw copy + delete, unsafe');
}

async function throughEngine({ store, records }: Place, watch: Stopwatch, name: string): Promise<void> {
  let arrived = 0;
  const onArrived = (count: number) => {
    arrived += count;
    if (arrived === records) watch.lap(name);
  };
  await engine(store, { onArrived, skipsWaits: true });
  watch.lap(`${name}, until proved`);
}

/** Held to one entity group a commit, so that records take the full path. */
const held = (store: Store): Store => ({ ...store, capabilities: { ...store.capabilities, atomic: 'group' } });

/** Safe, and what one writes first: a transaction for each record by the library's own client, so many at once. */
async function naive({ projectId, host, records }: Place, watch: Stopwatch, width: number): Promise<void> {
  const datastore = new Datastore({ projectId, apiEndpoint: host, universeDomain: 'googleapis.com' });
  let last = 0;
  const lane = async () => {
    while (last < records) {
      const n = ++last;
      const transaction = datastore.transaction();
      await transaction.run();
      const from = datastore.key(['Feed', n]);
      const [feed] = await transaction.get(from);
      transaction.save({ key: datastore.key(['User', feed.user, 'Subscription', n]), data: feed });
      transaction.delete(from);
      await transaction.commit();
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  watch.lap(`naive, one transaction a record, ${width} at once`);
}

async function measure(emulator: Emulator, records: number, run: Case): Promise<ReadonlyMap<string, Measure>> {
  await emulator.reset();
  const projectId = `bench-${systemClock.id(4)}`;
  const { host } = emulator;
  const store = await datastoreStore({ projectId, emulatorHost: host });
  try {
    await seed(store, records, userOf);
    globalThis.gc?.();
    const watch = new Stopwatch(records, () => ({ ...callsMade(), emulatorCpuMicros: cpuMicrosOf(emulator) }));
    await run({ store, projectId, host, records }, watch);
    await expectMoved(store, records);
    return watch.measures;
  } finally {
    await store.close();
  }
}

/** Of the emulator, where the system tells: Linux counts in hundredths of a second. */
function cpuMicrosOf({ pid }: Emulator): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

async function main(argv: readonly string[]): Promise<void> {
  const option = (name: string, otherwise: string) => {
    const at = argv.indexOf(name);
    return at < 0 ? otherwise : argv[at + 1]!;
  };
  const json = argv.includes('--json');
  const mode = MODES.find((each) => each === option('--mode', 'firestoreMode')) as Mode;
  const records = Number(option('--records', '8000'));
  const rounds = Number(option('--rounds', '5'));
  const sdk = findSdk();
  if (typeof sdk === 'string') throw new Error(sdk);
  const emulator = await startEmulator(mode, sdk, 'load');
  const only = option('--only', '');
  try {
    const all: Map<string, Measure>[] = [];
    for (let round = 0; round <= rounds; round++) {
      const measures = new Map<string, Measure>();
      for (const [i, { share, run }] of CASES.entries()) {
        if (only && !only.includes(String(i))) continue;
        for (const [name, one] of await measure(emulator, Math.round(records * share), run)) measures.set(name, one);
      }
      if (round > 0) all.push(measures);
      if (!json) console.table(rowsOf([measures]));
      process.stderr.write(`round ${round}\n`);
    }
    const rows = rowsOf(all);
    if (json) console.log(JSON.stringify({ rows }));
    else console.table(rows);
  } finally {
    await emulator.stop();
  }
}

await main(process.argv.slice(2));
