import type { ChildProcess } from 'node:child_process';
import { cpus } from 'node:os';
import * as commands from '../src/admin/commands.ts';
import { systemClock } from '../src/clock.ts';
import { verify } from '../src/engine/verify.ts';
import { Fleet, type FleetOptions, usedBy } from './scale/fleet.ts';
import type { Seen } from './scale/traffic.ts';
import { rounded } from './shared/compare.ts';
import { expectMoved, migration } from './shared/feeds.ts';
import { optionsOf } from './shared/options.ts';

/**
 * One campaign of 1, 2, 4 and 8 `handover work` processes, each time on a fresh store in a process of its own that answers
 * every call so many milliseconds after it came (scale/stub.ts): how workers share the work, and what one of them costs.
 * `npm run bench -- scale [--workers 1,2,4,8] [--records N] [--latency MS] [--full] [--json]`; `--full`: no commit spans
 * two homes, so that every record takes the full path.
 */
interface Measured {
  readonly workers: number;
  /** From `start` until the campaign was proved and closed; and of these, from the first move to the last. */
  readonly seconds: number;
  readonly movingSeconds: number;
  /** Of all workers together, and of the stub. */
  readonly workersCpuSeconds: number;
  readonly stubCpuSeconds: number;
  /** Of the largest worker. */
  readonly peakMegabytes: number;
  readonly seen: readonly Seen[];
}

async function measure(workers: number, options: FleetOptions): Promise<Measured> {
  const fleet = await Fleet.start(options);
  const { store } = fleet;
  try {
    const all = await fleet.work(workers);
    const context = { store, migrations: [migration], clock: systemClock, by: 'bench' };
    await store.ask('restart');
    const [workersBefore, stubBefore] = [cpuOf(all), fleet.stub.cpuMillis];
    const start = performance.now();
    await commands.start(context, migration.name, { to: 'completed', ramp: false });
    const campaign = await closed(context);
    const seconds = (performance.now() - start) / 1000;
    const workersCpuSeconds = (cpuOf(all) - workersBefore) / 1000;
    const stubCpuSeconds = (fleet.stub.cpuMillis - stubBefore) / 1000;
    const peakMegabytes = Math.max(...all.map((child) => usedBy(child).peakMegabytes));
    const seen = await store.ask<Seen[]>('traffic');
    const [first, last] = [seen.map(({ firstWrite }) => firstWrite), seen.map(({ lastWrite }) => lastWrite)];
    const movingSeconds = (Math.max(...last) - Math.min(...first)) / 1000;
    await expectMoved(store, options.records);
    const { clean, completed } = await verify(store, migration, campaign, context);
    if (!clean || completed !== options.records) throw new Error(`${completed} of ${options.records} are completed.`);
    return { workers, seconds, movingSeconds, workersCpuSeconds, stubCpuSeconds, peakMegabytes, seen };
  } finally {
    await fleet.stop();
  }
}

async function closed(context: commands.CommandContext): Promise<commands.Campaign> {
  for (;;) {
    const campaign = await commands.theCampaign(context, migration.name);
    if (campaign.closed) return campaign;
    await systemClock.sleep(20);
  }
}

const cpuOf = (all: readonly ChildProcess[]) => all.reduce((sum, child) => sum + usedBy(child).cpuMillis, 0);

/** How fast they went, against the first row. */
function speedOf({ workers, seconds, movingSeconds, ...used }: Measured, records: number, one: Measured) {
  const times = workers / one.workers;
  return {
    workers,
    movedPerSecond: Math.round(records / movingSeconds),
    speedUp: rounded(one.movingSeconds / movingSeconds, 2),
    efficiency: rounded(one.movingSeconds / movingSeconds / times, 2),
    campaignSeconds: rounded(seconds, 1),
    campaignSpeedUp: rounded(one.seconds / seconds, 2),
    coresBusy: rounded((used.workersCpuSeconds + used.stubCpuSeconds) / seconds, 2),
  };
}

/** What a worker uses, and asks of the store. Per record: of all workers together. */
function costOf(
  { workers, seconds, workersCpuSeconds, stubCpuSeconds, peakMegabytes, seen }: Measured,
  records: number,
) {
  const sum = (of: (seen: Seen) => number) => seen.reduce((all, each) => all + of(each), 0);
  const perRecord = (of: (seen: Seen) => number) => rounded(sum(of) / records, 3);
  return {
    workers,
    cpuSecondsPer1000: rounded((workersCpuSeconds * 1000) / records, 3),
    stubCpuSecondsPer1000: rounded((stubCpuSeconds * 1000) / records, 3),
    peakMegabytes: Math.round(peakMegabytes),
    callsUnderWay: rounded(sum(({ outstanding }) => outstanding) / workers, 1),
    callsUnderWayMost: Math.max(...seen.map(({ outstandingMost }) => outstandingMost)),
    callsUnderWayPer1000PerSecond: rounded((sum(({ outstanding }) => outstanding) * seconds * 1000) / records, 1),
    reads: perRecord(({ recordsRead }) => recordsRead),
    writes: perRecord(({ recordsWritten }) => recordsWritten),
    commits: perRecord(({ commits }) => commits),
    controlReads: perRecord(({ controlRead }) => controlRead),
    controlWrites: perRecord(({ controlWritten }) => controlWritten),
  };
}

async function main(argv: readonly string[]): Promise<void> {
  const { flag, number, text } = optionsOf(argv);
  const options: FleetOptions = {
    records: number('records', 64_000),
    latencyMs: number('latency', 500),
    atomic: flag('full') ? 'group' : 'any',
  };
  const all: Measured[] = [];
  for (const workers of text('workers', '1,2,4,8').split(',').map(Number)) {
    all.push(await measure(workers, options));
    process.stderr.write(`${workers} of workers: ${Math.round(all.at(-1)!.seconds)} s\n`);
  }
  const speed = all.map((measured) => speedOf(measured, options.records, all[0]!));
  const cost = all.map((measured) => costOf(measured, options.records));
  const cores = cpus().length;
  if (flag('json')) {
    console.log(JSON.stringify({ ...options, cores, speed, cost }));
    return;
  }
  console.table(speed);
  console.table(cost);
  console.log(`${cores} cores. Where coresBusy comes near to that, they are the bound, and not the store's latency.`);
  for (const line of REMARKS) console.log(line);
}

const REMARKS = [
  'movedPerSecond, speedUp, efficiency: from the first move to the last. campaign: from `start` until it is proved and',
  'closed, with a second look at everything and some thirty calls that follow each other whoever works. CPU, calls and',
  'documents are of the whole campaign; control: documents of the engine itself, checkpoints and counts among them.',
  'Not measured: a store that slows down under load, or answers unevenly; its own limits; live traffic; the ramp; workers',
  'on machines of their own; more than some ten.',
];

await main(process.argv.slice(2));
