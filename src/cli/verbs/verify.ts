import { verifyCampaign } from '../../admin/verify.ts';
import type { VerifyReport } from '../../engine/verify.ts';
import { count, many, moment, paragraphs, table } from '../format.ts';
import { invariantsText } from '../invariantsText.ts';
import { meterFor } from '../meter.ts';
import { undeclaredText, verifyReferencesText } from '../referencesText.ts';
import { meant, type Verb } from '../verb.ts';

export const verifyVerb: Verb<{ restart?: boolean }> = {
  usage: 'verify [migration]',
  summary: 'look at every record in both homes and prove that nothing was lost or doubled',
  configure: (command) =>
    command.option('--restart', 'from the beginning, where a verification that was interrupted would go on'),
  async run(session, [name], { restart = false }) {
    const { signal, io, json } = session;
    const meter = meterFor(io, json);
    const onProgress = (done: number, total: number | undefined, campaign: string) =>
      meter.show({ name: `${campaign} verify`, done, total });
    try {
      const report = await verifyCampaign(session, meant(session, name), { restart, onProgress, signal });
      return { data: report, text: reportText(report), exit: report.clean ? 'done' : 'problems' };
    } finally {
      meter.stop();
    }
  },
};

const FINDINGS = [
  ['inFlight', 'on their way: a worker has not brought them to their target yet'],
  ['duplicates', 'claimed by two entities'],
  ['gaps', 'lacking a side that their state requires'],
  ['missing', 'should have a copy, and have none'],
  ['stale', 'have a copy that is not what the record is now'],
  ['orphans', 'copies of records that do not exist'],
  ['splits', 'written behind the router: both homes say they own them'],
] as const satisfies readonly (readonly [keyof VerifyReport, string])[];

function reportText(report: VerifyReport): string {
  const { campaign, clean, started, completed, inFlight, quarantined, duplicates, gaps, seen, foreign } = report;
  const equation = table([
    ['started', started],
    ['= completed', completed],
    ['+ quarantined', quarantined],
    ['+ in flight', inFlight],
    ['duplicates', duplicates],
    ['gaps', gaps],
  ]);
  const found = FINDINGS.filter(([name]) => report[name] > 0);
  const details = found.flatMap(([name, meaning]) => [
    `${count(report[name])} ${meaning}`,
    ...(report.samples[name] ?? []).map((key) => `  ${key}`),
  ]);
  const strangers = foreign > 0 ? `${entities(foreign)} of others in the new home, left alone.` : '';
  const verdict = clean ? `${campaign} is clean` : `${campaign} is NOT clean`;
  const looked = `${verdict}: looked at ${entities(seen)} in both homes.`;
  return paragraphs(
    looked,
    equation,
    details.join('\n'),
    subscriptionsText(report),
    verifyReferencesText(report),
    undeclaredText(report),
    invariantsText(report.invariants),
    sinceCounted(report),
    strangers,
  );
}

function subscriptionsText({ subscriptions }: VerifyReport): string {
  if (!subscriptions) return '';
  const { seen, arrived, onTheWay, quarantined } = subscriptions;
  return `${many(seen, 'subscription')}: ${count(arrived)} arrived, ${count(onTheWay)} on their way, ${count(quarantined)} quarantined.`;
}

/** Only where it says something: the numbers differ. */
function sinceCounted({ counted, started, quarantined }: VerifyReport): string {
  const now = started - quarantined;
  if (!counted || counted.records === now) return '';
  const [n, what] = now > counted.records ? [now - counted.records, 'more'] : [counted.records - now, 'fewer'];
  return `${count(n)} ${what} than the newest settled sweep counted (${count(counted.records)}, ${moment(counted.at)}): inserted and deleted since.`;
}

const entities = (n: number): string => many(n, 'entity', 'entities');
