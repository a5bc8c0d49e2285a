import { readFileSync } from 'node:fs';
import { Datastore } from '@google-cloud/datastore';
import { systemClock } from '../src/clock.ts';
import { LIMITS } from '../src/limits.ts';
import { datastoreStore } from '../src/store/datastore/datastore.ts';
import type { Store } from '../src/store/store.ts';
import { type Emulator, MODES, startEmulator } from '../test/emulators/emulator.ts';
import { findSdk } from '../test/emulators/sdk.ts';
import { callsMade } from './shared/calls.ts';
import { type Measure, rowsOf, Stopwatch } from './shared/compare.ts';
import { expectMoved, seed } from './shared/feeds.ts';
import { engine, raw } from './shared/moves.ts';
import { optionsOf } from './shared/options.ts';
import { Tenths } from './shared/tenths.ts';

/**
 * Moving entities of about 600 bytes and 11 properties to keys below their users, on an emulator of Cloud Datastore that
 * is started for it, each case in an emptied database, interleaved over several rounds after one that does not count.
 * `npm run bench -- datastore [--mode legacy|firestoreMode|firestore] [--records N] [--rounds R] [--json]`.
 */
interface Place {
  readonly store: Store;
  readonly projectId: string;
  readonly host: string;
  readonly records: number;
  readonly watch: Stopwatch;
}

interface Case {
  readonly share: number;
  readonly run: (place: Place) => Promise<void>;
}

const tenths = new Tenths();

const CASES: readonly Case[] = [
  { share: 1, run: unsafe },
  { share: 1, run: (place) => safe('engine, short path', place) },
  // Held to one entity group a commit, every record takes the full path.
  { share: 1, run: (place) => safe('engine, full path', { ...place, store: limited(place.store) }) },
  // Fewer records tell its rate as well.
  { share: 0.2, run: (place) => naive(16, place) },
  { share: 0.2, run: (place) => naive(64, place) },
];

/** Few to a user, and side by side: an emulator that knows entity groups copies all of a group for each write to it. */
const OF_A_USER = 4;
const userOf = (n: number) => Math.floor((n - 1) / OF_A_USER);

async function unsafe({ store, watch }: Place): Promise<void> {
  // As many ranges as a sweep has: an emulator's page takes the longer the wider the range is that it is of.
  await raw(store, LIMITS.rangesPerHome);
  watch.lap('raw copy + delete, unsafe');
}

async function safe(name: string, { store, records, watch }: Place): Promise<void> {
  let arrived = 0;
  const passage = tenths.begin(name, records);
  const onArrived = (count: number) => {
    arrived += count;
    passage(arrived);
    if (arrived === records) watch.lap(name);
  };
  const scan: Store['scan'] = (range, limit) => {
    if (range.kind === 'Feed') passage(arrived);
    return store.scan(range, limit);
  };
  await engine({ ...store, scan }, { onBegun: () => watch.restart(), onArrived, skipsWaits: true });
  watch.lap(`${name}, until proved and closed`);
}

const limited = (store: Store): Store => ({ ...store, capabilities: { ...store.capabilities, atomic: 'group' } });

/** Safe, and what one writes first: a transaction for each record by the library's own client, so many at once. */
async function naive(width: number, { projectId, host, records, watch }: Place): Promise<void> {
  const datastore = new Datastore({ projectId, apiEndpoint: host, universeDomain: 'googleapis.com' });
  let begun = 0;
  // Those at once are of different users, so that they do not hinder each other.
  const strides = Math.ceil(records / OF_A_USER);
  const lane = async () => {
    while (begun < records) {
      const i = begun++;
      const n = 1 + (i % strides) * OF_A_USER + Math.floor(i / strides);
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

async function measure(emulator: Emulator, records: number, run: Case['run']): Promise<ReadonlyMap<string, Measure>> {
  await emulator.reset();
  const { host } = emulator;
  const projectId = `bench-${systemClock.id(4)}`;
  const store = await datastoreStore({ projectId, emulatorHost: host });
  try {
    await seed(store, records, userOf);
    globalThis.gc?.();
    const watch = new Stopwatch(records, () => ({ ...callsMade(), emulatorCpuMicros: cpuMicrosOf(emulator) }));
    await run({ store, projectId, host, records, watch });
    await expectMoved(store, records);
    return watch.measures;
  } finally {
    await store.close();
  }
}

/** Of the emulator's process, where the system tells: Linux does, in hundredths of a second. */
function cpuMicrosOf({ pid }: Emulator): number {
  const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ').slice(11, 13);
  return (Number(user) + Number(system)) * 10_000;
}

async function compare(emulator: Emulator, records: number, rounds: number) {
  const all: Map<string, Measure>[] = [];
  for (let round = 0; round <= rounds; round++) {
    const measures = new Map<string, Measure>();
    for (const { share, run } of CASES) {
      for (const lap of await measure(emulator, OF_A_USER * Math.round((records * share) / OF_A_USER), run))
        measures.set(...lap);
    }
    // The emulator is compiled while it runs: the first round is to warm it up.
    if (round > 0) all.push(measures);
    else tenths.forget();
    process.stderr.write(`round ${round} of ${rounds}\n`);
  }
  return { rows: rowsOf(all), tenths: tenths.rows() };
}

async function main(argv: readonly string[]): Promise<void> {
  const { flag, number, text } = optionsOf(argv);
  const mode = MODES.find((each) => each === text('mode', 'firestoreMode'));
  if (!mode) throw new Error(`--mode is one of ${MODES.join(', ')}`);
  const sdk = findSdk();
  if (typeof sdk === 'string') throw new Error(sdk);
  const emulator = await startEmulator(mode, sdk, 'load');
  try {
    const result = await compare(emulator, number('records', 16_000), number('rounds', 3));
    if (flag('json')) {
      console.log(JSON.stringify({ mode, ...result }));
      return;
    }
    console.table(result.rows);
    console.table(result.tenths);
    for (const line of REMARKS) console.log(line);
  } finally {
    await emulator.stop();
  }
}

const REMARKS = [
  'ratio: records/s against raw copy + delete in the same run; rpcs, writes, deletes and CPU are for one record. The engine',
  'runs without the ramp, from when a worker begins (before that, `start` tries what the store honours, some 0.15 s) until',
  'the last record has arrived; and until the campaign is proved and closed, without the seconds for which it waits before',
  'that. tenths: records/s of the first and the last tenth of a home. Not measured: the service itself, the network to it,',
  'live traffic beside it, more than one worker. An emulator makes about one step at a time, looks at every entity of a',
  'kind for each query, and keeps no marks of what was deleted.',
];

await main(process.argv.slice(2));
