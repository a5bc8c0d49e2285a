import { campaigns, migrationNamed } from '../../admin/commands.ts';
import { type PlanProblem, type PlanReport, plan } from '../../engine/plan.ts';
import type { Cost } from '../../engine/planCost.ts';
import { bytes, count, many, paragraphs, percent, table } from '../format.ts';
import { meterFor } from '../meter.ts';
import { meant, percentage, type Verb } from '../verb.ts';

export const planVerb: Verb<{ sample?: number }> = {
  usage: 'plan [migration]',
  summary: 'read every record and say what a migration would meet and cost; writes nothing',
  configure: (command) =>
    command.option(
      '--sample <percent>',
      'try the transforms on so many of the records only; all are counted',
      percentage('--sample'),
    ),
  async run(session, [name], { sample }) {
    const { store, io, json, clock, signal } = session;
    const migration = migrationNamed(session, meant(session, name));
    const open = (await campaigns({ store })).find((each) => each.migration === migration.name && !each.closed);
    const meter = meterFor(io, json);
    const onProgress = async (done: number) => {
      meter.show({ name: `${migration.name} plan`, done });
      await clock.sleep(0); // reading alone never lets a signal or the terminal in
    };
    try {
      const options = { ...(sample === undefined ? {} : { sample }), ...(open ? { campaign: open.id } : {}) };
      const report = await plan(store, migration, { ...options, onProgress, signal });
      return { data: report, text: planText(report, store.capabilities.name) };
    } finally {
      meter.stop();
    }
  },
};

function planText(report: PlanReport, store: string): string {
  const { migration, version, records, inFlight, cost, problems, inexact, sample } = report;
  const rules = report.rules.map((rule) => [`${rule.from} to ${rule.into}`, rule.records, bytes(rule.bytes)]);
  const oneWay = report.rules.filter(({ reversible }) => !reversible).map(({ from }) => from);
  const underWay = inFlight > 0 ? `, ${count(inFlight)} under way already` : '';
  return paragraphs(
    `${migration} version ${version}: ${many(records, 'record')} at home${underWay}.`,
    table(rules, '  '),
    records > 0 ? pathText(report, store) : '',
    records > 0 ? `Entity operations, without live traffic:\n${costTable(cost)}` : '',
    oneWay.length > 0
      ? `No way back for what is modified after the switch: ${oneWay.join(', ')} has no \`backward\`.`
      : '',
    inexact.count > 0 ? `${many(inexact.count, 'record')} would not come back as it was:\n${samplesOf(inexact)}` : '',
    problemsText(problems),
    sample < 100 ? `The transforms were tried on ${sample} % of the records.` : '',
    Object.keys(problems).length === 0 ? `No problem was found. Next: ${nextText(report)}` : '',
  );
}

const nextText = ({ migration, records, inFlight }: PlanReport): string =>
  inFlight > 0 || records === 0 ? `handover status ${migration}` : `handover start ${migration}`;

function pathText({ records, short }: PlanReport, store: string): string {
  if (short === 0) return `${store} cannot commit both homes of a record at once: the full path.`;
  return short === records
    ? `${store} commits both homes of every record at once: the short path.`
    : `${store} commits both homes at once for ${percent(short / records)} of the records.`;
}

function costTable(cost: PlanReport['cost']): string {
  const row = (name: string, { reads, writes, deletes }: Cost) => [name, reads, writes, deletes];
  const rows = [row('start, switch, complete', cost.stepwise), row('start --to completed', cost.inOneGo)];
  const [first, ...rest] = table([['', 'reads', 'writes', 'deletes'], ...rows], '  ').split('\n');
  return [first, ...rest].join('\n');
}

function problemsText(problems: PlanReport['problems']): string {
  const all = Object.entries(problems);
  if (all.length === 0) return '';
  const total = all.reduce((sum, [, problem]) => sum + problem.count, 0);
  const each = all.map(([code, problem]) => `  ${code}: ${count(problem.count)}\n${samplesOf(problem, '    ')}`);
  return `${many(total, 'record')} could not be moved, and would be quarantined:\n${each.join('\n')}`;
}

const samplesOf = ({ samples, count: all }: PlanProblem, indent = '  '): string =>
  [
    ...samples.map(({ message }) => `${indent}${message}`),
    ...(all > samples.length ? [`${indent}and ${count(all - samples.length)} more`] : []),
  ].join('\n');
