import { type CampaignStatus, status } from '../../admin/inspect.ts';
import { HandoverError } from '../../errors.ts';
import { probe } from '../../store/probe.ts';
import { count, paragraphs, wrap } from '../format.ts';
import { columnsOf } from '../io.ts';
import type { Session, Verb } from '../verb.ts';

export interface Finding {
  readonly level: 'ok' | 'note' | 'problem';
  readonly what: string;
  readonly meaning: string;
}

export const doctorVerb: Verb = {
  usage: 'doctor',
  summary: 'check the configuration, the definitions, and what the store can really do',
  async run(session) {
    const findings = [
      ...projectFindings(session),
      ...(await storeFindings(session)),
      ...(await campaignFindings(session)),
    ];
    const problems = findings.filter(({ level }) => level === 'problem').length;
    const text = findingsText(findings, columnsOf(session.io.out) || 100, problems);
    return { data: { problems, findings }, text, exit: problems > 0 ? 'problems' : 'done' };
  },
};

function projectFindings({ project }: Session): Finding[] {
  const { file, migrations } = project;
  const names = migrations.map(({ name, version }) => `${name} ${version}`).join(', ');
  return [
    { level: 'ok', what: 'configuration', meaning: `${file} is valid.` },
    migrations.length === 0
      ? { level: 'note', what: 'migrations', meaning: 'There is no migration yet: the folder is empty.' }
      : { level: 'ok', what: 'migrations', meaning: `${names}: each is valid, and their order is.` },
    ...migrations.flatMap(({ name, records }) =>
      records
        .filter(({ reversible }) => !reversible)
        .map(({ from }): Finding => {
          const meaning = `${from.join('/')} has no \`backward\`: what is modified after the switch cannot be reversed.`;
          return { level: 'note', what: name, meaning };
        }),
    ),
  ];
}

async function storeFindings({ store, clock }: Session): Promise<Finding[]> {
  const { name, atomic, finds, scans } = store.capabilities;
  const declared = `Atomic within ${atomic === 'any' ? 'anything' : `one ${atomic}`}; scans ${scans}; finds ${finds}.`;
  const of = (findings: readonly { name: string; ok: boolean; meaning: string }[]) =>
    findings.map((each): Finding => ({ level: each.ok ? 'ok' : 'problem', what: each.name, meaning: each.meaning }));
  const found = (store.facts ?? []).map(({ what, meaning }): Finding => ({ level: 'ok', what, meaning }));
  const first: Finding[] = [{ level: 'ok', what: `store ${name}`, meaning: declared }, ...found];
  try {
    return [...first, ...of((await probe(store, clock)).findings)];
  } catch (error) {
    if (!(error instanceof HandoverError)) throw error;
    const proved = (error.facts['findings'] ?? []) as Parameters<typeof of>[0];
    return [
      ...first,
      ...of(proved),
      { level: 'problem', what: error.code, meaning: `${error.detail} ${error.wayOut}` },
    ];
  }
}

async function campaignFindings(session: Session): Promise<Finding[]> {
  const { campaigns } = await status(session);
  const open = campaigns.filter(({ closed }) => !closed);
  if (open.length === 0) return [{ level: 'ok', what: 'campaigns', meaning: 'None is open.' }];
  return open.flatMap(campaignFinding);
}

function campaignFinding({ campaign, stage, run, pausedBecause, blocked, quarantined, settled }: CampaignStatus) {
  const findings: Finding[] = [];
  if (blocked)
    findings.push({ level: 'problem', what: blocked.code, meaning: `${blocked.detail} Nobody works on it.` });
  if (run === 'paused') findings.push({ level: 'problem', what: campaign, meaning: `It is paused: ${pausedBecause}.` });
  if (quarantined.count > 0) {
    const are = quarantined.count === 1 ? 'record is' : 'records are';
    const meaning = `${count(quarantined.count)} ${are} quarantined: handover records ${campaign} --quarantined`;
    findings.push({ level: 'problem', what: campaign, meaning });
  }
  if (findings.length > 0) return findings;
  const meaning = `It is ${stage}${settled ? ' and settled' : ''}; its definition is the one it was started with.`;
  return [{ level: 'ok', what: campaign, meaning } satisfies Finding];
}

function findingsText(findings: readonly Finding[], width: number, problems: number): string {
  const lines = findings.map(({ level, what, meaning }) => {
    const mark = level === 'ok' ? 'ok      ' : level === 'note' ? 'note    ' : 'PROBLEM ';
    return `${mark} ${what}\n${wrap(meaning, width, '         ')}`;
  });
  const verdict = problems === 0 ? 'No problem was found.' : `${count(problems)} problem${problems === 1 ? '' : 's'}.`;
  return paragraphs(lines.join('\n'), verdict);
}
