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
 * A campaign of 1, 2, 4 and 8 `handover work` processes on one store, from its start until it is proved and closed. The
 * store is a process of its own that answers every call so many milliseconds after it came, see scale/stub.ts: what is
 * measured is how workers share the work, and what one of them costs.
 * `npm run bench -- scale [--workers 1,2,4,8] [--records N] [--latency MS] [--full] [--json]`; `--full`: no commit spans
 * two homes, so that all records take the full path.
 */
interface Measured {
  readonly workers: number;
  readonly seconds: number;
  /** CPU of all workers together, of the stub, and of one worker in idleness while the others work: in milliseconds. */
  readonly workersCpu: number;
  readonly stubCpu: number;
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
    const before = cpuOf(all);
    const stubBefore = fleet.stub.cpuMillis;
    const start = performance.now();
    await commands.start(context, migration.name, { to: 'completed', ramp: false });
    let campaign = await commands.theCampaign(context, migration.name);
    while (!campaign.closed) {
      await systemClock.sleep(20);
      campaign = await commands.theCampaign(context, migration.name);
    }
    const seconds = (performance.now() - start) / 1000;
    const workersCpu = cpuOf(all) - before;
    const stubCpu = fleet.stub.cpuMillis - stubBefore;
    const peakMegabytes = Math.max(...all.map((child) => usedBy(child).peakMegabytes));
    const { workers: seen } = await store.ask<{ workers: Record<string, Seen> }>('traffic');
    await expectMoved(store, options.records);
    const { clean, completed } = await verify(store, migration, campaign, context);
    if (!clean || completed !== options.records) throw new Error(`${completed} of ${options.records} are completed`);
    return { workers, seconds, workersCpu, stubCpu, peakMegabytes, seen: Object.values(seen) };
  } finally {
    await fleet.stop();
  }
}

const cpuOf = (all: readonly ChildProcess[]) => all.reduce((sum, child) => sum + usedBy(child).cpuMillis, 0);

function rowOf(measured: Measured, { records }: FleetOptions, one: Measured) {
  const { workers, seconds, workersCpu, stubCpu, peakMegabytes, seen } = measured;
  const recordsPerSecond = records / seconds;
  const speedUp = one.seconds / seconds;
  const sum = (of: (seen: Seen) => number) => seen.reduce((all, each) => all + of(each), 0);
  const per = (of: (seen: Seen) => number) => rounded(sum(of) / records, 3);
  const thousands = recordsPerSecond / 1000;
  return {
    workers,
    recordsPerSecond: Math.round(recordsPerSecond),
    speedUp: rounded(speedUp / (workers / one.workers), 2) === 0 ? 0 : rounded(speedUp, 2),
    efficiency: rounded(speedUp / (workers / one.workers), 2),
    cpuSecondsPer1000: rounded(workersCpu / records, 3),
    stubCpuSecondsPer1000: rounded(stubCpu / records, 3),
    coresBusy: rounded((workersCpu + stubCpu) / 1000 / seconds, 2),
    peakMegabytes: Math.round(peakMegabytes),
    outstandingPer1000: rounded(sum(({ outstanding }) => outstanding) / thousands, 1),
    outstandingMost: Math.max(...seen.map(({ outstandingMost }) => outstandingMost)),
    reads: per(({ recordsRead }) => recordsRead),
    writes: per(({ recordsWritten }) => recordsWritten),
    commits: per(({ commits }) => commits),
    controlReads: per(({ controlRead }) => controlRead),
    controlWrites: per(({ controlWritten }) => controlWritten),
  };
}

async function main(argv: readonly string[]): Promise<void> {
  const { flag, number, text } = optionsOf(argv);
  const options: FleetOptions = {
    records: number('records', 64_000),
    latencyMs: number('latency', 1000),
    atomic: flag('full') ? 'group' : 'any',
  };
  const rows: ReturnType<typeof rowOf>[] = [];
  let one: Measured | undefined;
  for (const workers of text('workers', '1,2,4,8').split(',').map(Number)) {
    const measured = await measure(workers, options);
    one ??= measured;
    rows.push(rowOf(measured, options, one));
    process.stderr.write(`${workers}: ${rows.at(-1)!.recordsPerSecond} records/s\n`);
  }
  const cores = cpus().length;
  if (flag('json')) {
    console.log(JSON.stringify({ ...options, cores, rows }));
    return;
  }
  console.table(rows);
}

await main(process.argv.slice(2));
