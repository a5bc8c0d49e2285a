import type { VerifyReport } from 'handover';
import type { Proof } from './proof.ts';
import type { ReadersReport } from './readers.ts';
import { number, type Screen } from './screen.ts';
import type { Together } from './together.ts';
import type { Updates } from './updates.ts';

/** The last line of `--json`. */
export interface Summary {
  readonly started: number;
  readonly completed: number;
  readonly quarantined: number;
  readonly inFlight: number;
  readonly duplicates: number;
  readonly gaps: number;
  readonly acknowledgedWrites: number;
  readonly writesFound: number;
  readonly subscriptions: number;
  readonly updatesPublished: number;
  readonly updatesApplied: number;
  readonly requests: number;
  readonly requestsFailed: number;
  readonly pageP99Ms: number;
  readonly pageWorstMs: number;
  readonly writeP99Ms: number;
  readonly writeWorstMs: number;
  readonly changedTogether: number;
  readonly recordsPerSecond: number;
}

/** From the proof's own counting; of the engine, it is only asked which of the records left behind are quarantined. */
export function summarise(
  proof: Proof,
  { quarantined }: VerifyReport,
  updates: Updates,
  { pages, writes, failures }: ReadersReport,
  together: Together,
  movingSeconds: number,
): Summary {
  return {
    started: proof.records,
    completed: proof.arrived,
    quarantined,
    inFlight: Math.max(0, proof.behind - quarantined),
    duplicates: proof.duplicates,
    gaps: proof.gaps,
    acknowledgedWrites: proof.acknowledgedWrites,
    writesFound: proof.writesFound,
    subscriptions: updates.switched,
    updatesPublished: updates.published,
    updatesApplied: updates.applied,
    requests: pages.count + writes.count,
    requestsFailed: failures,
    pageP99Ms: tenths(pages.p99),
    pageWorstMs: tenths(pages.max),
    writeP99Ms: tenths(writes.p99),
    writeWorstMs: tenths(writes.max),
    changedTogether: together.changed,
    recordsPerSecond: Math.round(proof.records / movingSeconds),
  };
}

const tenths = (ms: number) => Math.round(ms * 10) / 10;

interface Row {
  readonly what: string;
  readonly expected: number;
  readonly found: number;
}

function rowsOf(proof: Proof): readonly Row[] {
  const none = (what: string, found: number) => ({ what, expected: 0, found });
  return [
    { what: 'records under their user, once, exact', expected: proof.records, found: proof.arrived },
    { what: 'users with records', expected: proof.usersExpected, found: proof.users },
    { what: 'acknowledged writes', expected: proof.acknowledgedWrites, found: proof.writesFound },
    none('writes never acknowledged', proof.writesInvented),
    none('records with other content', proof.altered),
    none('duplicates', proof.duplicates),
    none('gaps', proof.gaps),
    none('records left in the old home', proof.behind),
    none('records at a wrong place', proof.misplaced),
    none('entities that are no record', proof.strangers),
  ];
}

export function showProof(screen: Screen, proof: Proof): void {
  showRows(screen, rowsOf(proof));
  for (const sample of proof.samples) screen.line(screen.style('red', `  ${sample}`));
}

/** By the hub's own list, the publishers' own count and the application's own log. */
export function showUpdates(screen: Screen, updates: Updates): void {
  screen.line(screen.style('bold', 'The subscriptions'));
  showRows(screen, [
    { what: 'feeds pushed to their new URL alone', expected: updates.subscriptions, found: updates.switched },
    { what: 'updates published, and applied', expected: updates.published, found: updates.applied },
    { what: 'updates applied twice', expected: 0, found: updates.twice },
    { what: 'updates never published', expected: 0, found: updates.invented },
  ]);
  screen.line();
}

function showRows(screen: Screen, rows: readonly Row[]): void {
  const line = (what: string, expected: string, found: string, mark: string) =>
    screen.line(`  ${what.padEnd(40)}${expected.padStart(12)}${found.padStart(12)}  ${mark}`);
  line('', 'must be', 'is', '');
  for (const { what, expected, found } of rows) {
    const right = expected === found;
    line(what, number(expected), number(found), right ? screen.style('green', '✓') : screen.style('red', '✗'));
  }
}

export function showEquation(screen: Screen, { started, completed, quarantined, inFlight }: Summary): void {
  const holds = started === completed + quarantined + inFlight;
  const equation = `${number(started)} started ${holds ? '=' : '≠'} ${number(completed)} completed + ${number(quarantined)} quarantined + ${number(inFlight)} in flight`;
  screen.line();
  screen.line(`  ${screen.style(holds ? 'bold' : 'red', equation)}`);
  screen.line();
}

/** What the users noticed: they asked for pages and wrote all the while, and checked what they got. */
export function showReaders(screen: Screen, { pages, writes, failures, samples }: ReadersReport): void {
  const requests = `${number(pages.count)} pages and ${number(writes.count)} writes`;
  screen.line(screen.style('bold', 'The application'));
  screen.line(
    failures === 0
      ? `  ${screen.style('green', '✓')} ${requests}: none failed, no page lacked a record, doubled one, or was out of date`
      : `  ${screen.style('red', '✗')} ${requests}: ${number(failures)} failed, or showed what they must not`,
  );
  const ms = ({ median, p99, max }: typeof pages) =>
    `${median.toFixed(1)} ms (median), ${p99.toFixed(1)} ms (99th percentile), ${max.toFixed(1)} ms (longest)`;
  screen.line(`    a page took ${ms(pages)}`);
  screen.line(`    a write took ${ms(writes)}`);
  for (const sample of samples) screen.line(screen.style('red', `    ${sample}`));
}

export function showTogether(screen: Screen, { user, due, changed, changedByFailed }: Together): void {
  screen.line(screen.style('bold', 'One transaction'));
  showRows(screen, [
    { what: `records of ${user} changed together`, expected: due, found: changed },
    { what: 'changed by one that failed in the middle', expected: 0, found: changedByFailed },
  ]);
  screen.line();
}

export function showVerdict(
  screen: Screen,
  good: boolean,
  { started, recordsPerSecond }: Summary,
  seconds: number,
): void {
  screen.line();
  if (!good) {
    screen.line(screen.style(['red', 'bold'], '✗ The proof failed.'));
    return;
  }
  screen.line(
    `${screen.style(['green', 'bold'], '✓ Nothing lost, nothing doubled.')} ${number(started)} records, there,`,
  );
  screen.line(
    `  half the way back, there again and for good, in ${seconds.toFixed(1)} s: ${number(recordsPerSecond)}/s`,
  );
}
