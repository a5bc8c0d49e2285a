/**
 * `npm run capacity`: the tables of docs/scale.md, as Markdown, of the functions that `plan` and the workers use. What was
 * measured stands in `MEASURED`, with the command that measures it; everything else follows from src/. `test/docs` holds
 * the page to these tables, and `npx vitest run test/docs -u` writes them into it.
 */
import { pathToFileURL } from 'node:url';
import { costOf, type Part, type Population, total } from '../src/engine/planCost.ts';
import { RAMP, timeFor } from '../src/engine/ramp.ts';
import { LIMITS } from '../src/limits.ts';
import { pieceCount } from '../src/store/bounds.ts';
import { PRICE_LISTS } from '../src/store/prices.ts';

export const SIZES = [1e6, 1e9, 1e12] as const;
/** Operations a second of all workers together. */
export const CEILINGS = [1e4, 1e5, 1e6] as const;

/** The one that fits a size: about a month at most. */
export const ceilingFor = (records: number): number => CEILINGS[records < 1e9 ? 0 : records < 1e12 ? 1 : 2];

export const MEASURED = {
  /** Records a second of one worker on a store that answers after 100 ms: `npm run bench -- scale --latency 100 --workers 1`. */
  recordsPerSecond: 2_000,
} as const;

/** Cloud Pub/Sub, https://cloud.google.com/pubsub/pricing, 2026-09-20: USD for a TiB, published and delivered each. */
export const PUBSUB = { perTiB: 40, leastBytes: 1_000, freeBytes: 10 * 2 ** 30 } as const;

const PRICES = PRICE_LISTS.nam5;

/** Records whose two homes one commit may span, as on Cloud Datastore. */
const populationOf = (records: number): Population => ({
  by: 'record',
  snapshotReads: true,
  records,
  short: records,
  inPlace: 0,
  groups: 0,
  oldIndexEntries: 0,
  newIndexEntries: 0,
});

const endless = { ...RAMP, ceilingPerSecond: Number.POSITIVE_INFINITY };
const costAt = (records: number, part: Part) =>
  costOf({ [part]: 1 }, populationOf(records), { ramp: endless, prices: PRICES });

export const oneGo = (records: number) => costAt(records, 'inOneGo');
export const stages = (records: number) =>
  total((['copy', 'switch', 'complete'] as const).map((part) => costAt(records, part)));
/** One look over everything while the campaign rests at `copied`. */
export const restLook = (records: number) => costAt(records, 'restCopied');

export const operationsOf = ({ reads, writes, deletes }: ReturnType<typeof oneGo>): number => reads + writes + deletes;

/** How long one go takes under the ramp, which ends at the ceiling; in milliseconds. */
export const durationOf = (records: number, ceilingPerSecond: number): number =>
  timeFor({ ...RAMP, ceilingPerSecond }, operationsOf(oneGo(records)));

/** Workers that make so many operations a second. */
export function workersFor(ceilingPerSecond: number): number {
  const perRecord = operationsOf(oneGo(1));
  return Math.ceil(ceilingPerSecond / (MEASURED.recordsPerSecond * perRecord));
}

const finer = { most: LIMITS.rangesPerHomeMost, entities: LIMITS.rangeRecords };
export const rangesOf = (records: number): number => pieceCount(records, LIMITS.rangesPerHome, finer);

/** Lanes that find a range of their own at once, in workers. */
export const workersWithRanges = (records: number): number => Math.floor(rangesOf(records) / LIMITS.lanes);

/** Of one go: its sweep of the old home, and the one of the new home that proves it. */
const SWEEPS = 2;

/** What the engine keeps for itself, in the course of one go. */
export function controlOf(records: number, ceilingPerSecond: number) {
  const ranges = rangesOf(records);
  // The home that is empty is one range.
  const inSweep = ranges + 1;
  const pages = SWEEPS * Math.ceil(records / LIMITS.pageSize);
  const seconds = durationOf(records, ceilingPerSecond) / 1000;
  const workers = workersFor(ceilingPerSecond);
  const counts = Math.floor((seconds * 1000) / LIMITS.paceShareMs) * workers;
  return {
    /** A checkpoint and its counts are one write: at most one a page, and at most ten a second of each range in hand. */
    checkpoints: Math.min(
      pages,
      Math.ceil((seconds * 1000) / LIMITS.checkpointMs) * Math.min(ranges, workers * LIMITS.lanes),
    ),
    claims: SWEEPS * inSweep,
    /** Looks for the next range, a look at the campaign a page, and counts of the workers that share the pace. */
    reads: SWEEPS * inSweep * (1 + inSweep) + pages + counts * inSweep,
  };
}

export const controlMoney = ({ checkpoints, claims, reads }: ReturnType<typeof controlOf>): number =>
  ((checkpoints + claims) * PRICES.writes + reads * PRICES.reads) / 100_000;

/** Messages that name ranges: one for each range of each sweep, where none is delivered twice; and their price. */
export function messagesOf(records: number) {
  const messages = SWEEPS * (rangesOf(records) + 1);
  const bytes = Math.max(0, messages * 2 * PUBSUB.leastBytes - PUBSUB.freeBytes);
  return { messages, money: (bytes / 2 ** 40) * PUBSUB.perTiB };
}

/** What one process does by itself, one call of the store after the other: calls for a page of 500, once all is completed. */
export const CALLS_PER_PAGE = { 'handover verify': 4, 'handover strip': 5 } as const;
const CALL_MS = 100;

const aloneMs = (records: number, calls: number): number => Math.ceil(records / LIMITS.pageSize) * calls * CALL_MS;

const grouped = (n: number): string => Math.round(n).toLocaleString('en');
/** `1,000,000`, and `4.0e9` beyond a hundred million. */
const count = (n: number): string => (n < 1e8 ? grouped(n) : n.toExponential(1).replace('+', ''));
const usd = (n: number): string => (n < 100 ? n.toFixed(2) : grouped(n));

function time(ms: number): string {
  const minutes = ms / 60_000;
  const years = minutes / 60 / 24 / 365;
  if (years >= 2) return `${years.toFixed(1)} years`;
  if (minutes < 120) return `${Math.ceil(minutes)} min`;
  const hours = minutes / 60;
  return hours < 48 ? `${hours.toFixed(1)} h` : `${grouped(Math.ceil(hours / 24))} days`;
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');

/** The tables of the page, by the heading that they stand under. */
export function tables(sizes: readonly number[] = SIZES): ReadonlyMap<string, string> {
  const heads = sizes.map((records) => `${count(records)} records`.replace(/(\d)\.0e(\d+)/, '10^$2'));
  const of = (name: string, cell: (records: number) => string) => [name, ...sizes.map(cell)];
  const work = table(
    ['', ...heads],
    [
      of('reads, writes, deletes in one go', (n) => {
        const { reads, writes, deletes } = oneGo(n);
        return [reads, writes, deletes].map(count).join(', ');
      }),
      of('USD in one go', (n) => usd(oneGo(n).money!)),
      of('the same by stages: copy, switch, complete', (n) => {
        const { reads, writes, deletes } = stages(n);
        return [reads, writes, deletes].map(count).join(', ');
      }),
      of('USD by stages', (n) => usd(stages(n).money!)),
      of('USD of one look over all while it rests at `copied`', (n) => usd(restLook(n).money!)),
    ],
  );
  const pace = table(
    ['ceiling, operations/s', 'reached after', 'workers', ...heads],
    CEILINGS.map((ceiling) => [
      grouped(ceiling),
      time(Math.ceil(Math.log(ceiling / RAMP.startPerSecond) / Math.log(RAMP.growth)) * RAMP.intervalMs),
      String(workersFor(ceiling)),
      ...sizes.map((n) => time(durationOf(n, ceiling))),
    ]),
  );
  const control = (n: number) => controlOf(n, ceilingFor(n));
  const own = table(
    ['', ...heads],
    [
      of('ceiling, operations/s', (n) => grouped(ceilingFor(n))),
      of('workers', (n) => String(workersFor(ceilingFor(n)))),
      of('ranges of a home', (n) => String(rangesOf(n))),
      of('records of a range', (n) => count(n / rangesOf(n))),
      of('workers that find a range for each lane', (n) => String(workersWithRanges(n))),
      of('writes of checkpoints with their counts', (n) => count(control(n).checkpoints)),
      of('writes of claims', (n) => count(control(n).claims)),
      of('reads of documents', (n) => count(control(n).reads)),
      of('USD of these', (n) => usd(controlMoney(control(n)))),
      of('messages, where ranges are', (n) => count(messagesOf(n).messages)),
      of('USD of these messages', (n) => usd(messagesOf(n).money)),
    ],
  );
  const alone = table(
    ['', ...heads],
    Object.entries(CALLS_PER_PAGE).map(([verb, calls]) => of(`\`${verb}\``, (n) => time(aloneMs(n, calls)))),
  );
  return new Map([
    ['What it costs', work],
    ['How long it takes', pace],
    ['What the engine needs for itself', own],
    ['What one process does alone', alone],
  ]);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [heading, text] of tables()) console.log(`## ${heading}\n\n${text}`);
}
