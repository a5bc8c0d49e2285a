import type { Change, Cost, PlanReport, PlanStep } from '../engine/planReport.ts';
import { bytes, type Cell, count, duration, many, paragraphs, percent, right, table, wrap } from './format.ts';
import { planReferencesText, undeclaredText } from './referencesText.ts';

/** A plan as a terminal shows it, on lines of at most `width` characters. */
export function planText(report: PlanReport, store: string, width: number): string {
  const { records } = report;
  const notes = notesOf(report, store).map(([word, note]) => noteText(word, note, width));
  return paragraphs(
    headline(report),
    table(ruleRows(report), '  '),
    records > 0 ? `What each step costs, without live traffic:\n\n${table(costRows(report), '  ')}` : '',
    records > 0 ? notes.join('\n') : '',
    records > 0 ? 'The steps, each compatible with the one before it:' : '',
    ...(records > 0 ? report.steps.map((step, i) => stepText(step, i + 1)) : []),
    subscriptionRows(report).length > 0
      ? `Subscriptions, and the requests that are made for them:\n\n${table(subscriptionRows(report), '  ')}`
      : '',
    subscriptionNote(report),
    planReferencesText(report),
    undeclaredText(report),
    ...warningsOf(report),
    problemsText(report),
    verdictOf(report),
  );
}

export function headline({ migration, version, records, inFlight, sample }: PlanReport): string {
  const underWay = inFlight > 0 ? `, ${count(inFlight)} under way already` : '';
  return `${migration} version ${version}: ${sample ? 'about ' : ''}${many(records, 'record')} at home${underWay}.`;
}

export function ruleRows({ rules }: PlanReport): Cell[][] {
  const head = ['', ...['records', 'bytes', 'new bytes', 'index', 'new index'].map(right)];
  const rows = rules.map((rule): Cell[] => {
    const sizes = [right(bytes(rule.bytes)), right(bytes(rule.newBytes))];
    return [`${rule.from} to ${rule.into}`, rule.records, ...sizes, rule.indexEntries, rule.newIndexEntries];
  });
  return [head, ...rows];
}

export function subscriptionRows({ subscriptions = [] }: PlanReport): Cell[][] {
  if (subscriptions.length === 0) return [];
  const heads = ['subscriptions', 'start', 'switch', 'reverse'].map(right);
  const rows = subscriptions.map(({ of, hub, subscriptions: all, requests }): Cell[] => {
    return [of, hub, all, requests.start, requests.switch, requests.reverse];
  });
  return [['', 'hub', ...heads], ...rows];
}

/** Where they are asked, and what the requests leave out. */
export function subscriptionNote({ subscriptions = [] }: PlanReport): string {
  if (subscriptions.length === 0) return '';
  const each = subscriptions.flatMap(({ of, discovered, servers, inFlight }) => [
    ...Object.entries(servers).map(([server, n]) => `  ${of}: ${count(n)} at ${server}`),
    ...(discovered > 0 ? [`  ${of}: ${count(discovered)} at the hub that is discovered from the topic`] : []),
    ...(inFlight > 0 ? [`  ${of}: ${count(inFlight)} under way already`] : []),
  ]);
  return [...each, '  Without attempts that fail, and renewals of leases.'].join('\n');
}

export function costRows({ steps, total, inOneGo, prices }: PlanReport): Cell[][] {
  const heads = ['reads', 'writes', 'deletes', 'index', 'time', ...(prices ? [prices.currency] : [])];
  const row = (number: string, name: string, cost: Cost, isCode = false): Cell[] =>
    isCode ? [number, name, 'code'] : [number, name, number === '' ? '' : 'data', ...costCells(cost)];
  return [
    ['', 'step', 'changes', ...heads.map(right)],
    ...steps.map(({ name, changes, cost }, i) => row(String(i + 1), shortName(name), cost, changes === 'code')),
    row('', 'all steps', total),
    row('', 'or start --to completed', inOneGo),
  ];
}

const shortName = (name: string): string => name.split(/[,:]/)[0]!;

function costCells({ reads, writes, deletes, indexWrites, durationMs, money }: Cost): Cell[] {
  const cells: Cell[] = [reads, writes, deletes, indexWrites, right(duration(durationMs))];
  return money === undefined ? cells : [...cells, right(amount(money))];
}

/** What the figures stand for, and what they leave out: each with the word that it explains. */
export function notesOf(report: PlanReport, store: string): (readonly [string, string])[] {
  const { by, groups, sample, prices } = report;
  return [
    ...(sample ? [['sample', sampleNote(report)] as const] : []),
    ['path', pathNote(report, store)],
    ...(groups === undefined
      ? []
      : [['groups', `${sample ? 'At most ' : ''}${count(groups)}, each as a whole.`] as const]),
    ['space', spaceNote(report)],
    ['time', timeNote(report)],
    [
      'index',
      'Entries of the built-in indexes that are written or removed. Composite indexes are not known here and come on top.',
    ],
    ...(prices ? [[prices.currency, priceNote(prices)] as const] : []),
    ['waiting', waitingNote(report)],
    ['shares', 'With every further share of switch all records are looked at again, as in step 3.'],
    [
      'not in it',
      `${by === 'group' ? 'Groups so large that several ranges meet them, the' : 'The'} campaign's own documents, and what is read again because somebody else was faster.`,
    ],
  ];
}

function sampleNote({ sample, seen }: PlanReport): string {
  const { percent: share, marginPercent } = sample!;
  const margin =
    marginPercent === undefined ? 'how far off it is cannot be told' : `give or take ${round(marginPercent)} %`;
  return `About ${round(share)} % of the old homes was read: ${count(seen)} entities, in pieces spread over them. All figures are extrapolated from it, and so is the number of records: ${margin}.`;
}

function spaceNote({ newBytes, slotBytes, prices, storageAMonth, records, inPlace }: PlanReport): string {
  const cost = prices ? `, which is ${amount(storageAMonth!)} ${prices.currency} a month` : '';
  const [both, one, of] =
    inPlace === records ? ['old and new properties', 'new ones', 'slots'] : ['both homes', 'new one', 'slots of both'];
  return `While ${both} stand: ${bytes(newBytes)} for the ${one} and ${bytes(slotBytes)} for the ${of}${cost}. Indexes come on top.`;
}

function timeNote({ ramp }: PlanReport): string {
  const { startPerSecond, growth, intervalMs, ceilingPerSecond } = ramp;
  const more = `${Math.round((growth - 1) * 100)} % more every ${duration(intervalMs)}`;
  const end = Number.isFinite(ceilingPerSecond) ? `, up to ${count(ceilingPerSecond)}` : '';
  return `What a ramp allows that begins anew with each step: ${count(startPerSecond)} operations a second, ${more}${end}. It is not measured.`;
}

const priceNote = ({ list, reads, writes, deletes }: NonNullable<PlanReport['prices']>): string =>
  `An estimate at list price, no free tier subtracted: ${list}. 100,000 reads ${reads}, writes ${writes}, deletes ${deletes}.`;

function waitingNote({ atRest, prices }: PlanReport): string {
  const [copied, switched] = [atRest.copied, atRest.switched].map(({ reads, money }) => {
    return `${many(reads, 'read')}${money === undefined ? '' : ` (${amount(money)} ${prices!.currency})`}`;
  });
  const each = copied === switched ? copied : `${copied} while copied, ${switched} once switched`;
  return `While a worker runs, a campaign at rest is looked over again once a minute, at ${each}.`;
}

function pathNote({ records, short, inPlace }: PlanReport, store: string): string {
  if (inPlace === records) return 'Records change where they are: whatever is to be done to one is one write.';
  if (short === 0) return `${store} cannot commit both homes of a record at once: the full path.`;
  return short === records
    ? `${store} commits both homes of every record at once: the short path.`
    : `${store} commits both homes at once for ${percent(short / records)} of the records.`;
}

const noteText = (word: string, note: string, width: number): string =>
  wrap(note, width, ' '.repeat(13)).replace(' '.repeat(13), `  ${word}`.padEnd(13));

function stepText({ name, changes, command, reads, writes, compatible, check, backOut }: PlanStep, n: number): string {
  const same = reads.before === writes.before && reads.after === writes.after;
  const rows = [
    ...(command ? [['command', command]] : []),
    ...(same
      ? [['reads, writes', changeText(reads)]]
      : [
          ['reads', changeText(reads)],
          ['writes', changeText(writes)],
        ]),
    ['beside', compatible],
    ['check', check],
    ['back-out', backOutText(backOut)],
  ];
  return `  ${n}  ${name} (${changes})\n${table(rows, '     ')}`;
}

export const changeText = ({ before, after }: Change): string => (before === after ? before : `${before} → ${after}`);

export function backOutText({ command, how, cost }: PlanStep['backOut'], mark = ''): string {
  if (!command) return how;
  const { reads, writes, deletes } = cost;
  return `${mark}${command}${mark} (${how}; ${count(reads + writes + deletes)} operations)`;
}

/** What an operator should know before starting, and no count of operations says. */
export function warningsOf({ rules, inexact, unchecked, seen, sample }: PlanReport): string[] {
  const oneWay = rules.filter(({ reversible }) => !reversible).map(({ from }) => from);
  const warnings: string[] = [];
  if (oneWay.length > 0)
    warnings.push(`No way back for what is modified after the switch: ${oneWay.join(', ')} has no \`backward\`.`);
  if (inexact.count > 0)
    warnings.push(`${many(inexact.count, 'record')} would not come back as it was:\n${samplesOf(inexact)}`);
  if (unchecked > 0)
    warnings.push(
      `Records that map to one key were looked for among the first ${count(seen - unchecked)}; with the ${count(unchecked)} after them, only against those.`,
    );
  if (sample) warnings.push('Of a sample, what follows holds for the records that were read, not for the others.');
  return warnings;
}

export function problemsText({ problems }: Pick<PlanReport, 'problems'>): string {
  const all = Object.entries(problems);
  if (all.length === 0) return '';
  const total = all.reduce((sum, [, problem]) => sum + problem.count, 0);
  const each = all.map(([code, problem]) => `  ${code}: ${count(problem.count)}\n${samplesOf(problem, '    ')}`);
  return `${many(total, 'record')} could not be moved, and would be quarantined:\n${each.join('\n')}`;
}

const samplesOf = ({ samples, count: all }: PlanReport['inexact'], indent = '  '): string =>
  [
    ...samples.map(({ message }) => `${indent}${message}`),
    ...(all > samples.length ? [`${indent}and ${count(all - samples.length)} more`] : []),
  ].join('\n');

export function verdictOf({ problems, migration, records, inFlight, subscriptions = [] }: PlanReport): string {
  if (Object.keys(problems).length > 0) return '';
  const nothing = records === 0 && subscriptions.every(({ subscriptions: all }) => all === 0);
  const underWay = inFlight > 0 || subscriptions.some((each) => each.inFlight > 0);
  const next = underWay || nothing ? `handover status ${migration}` : `handover start ${migration}`;
  return `No problem was found. Next: ${next}`;
}

const amount = (money: number): string => (money > 0 && money < 0.01 ? 'under 0.01' : money.toFixed(2));
const round = (n: number): string => (n < 10 ? n.toFixed(1) : n.toFixed(0)).replace(/\.0$/, '');
