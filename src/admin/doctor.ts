import { z } from 'zod';
import { homeText, overlaps } from '../define/homes.ts';
import type { Project } from '../define/load.ts';
import { HandoverError } from '../errors.ts';
import { probe } from '../store/probe.ts';
import type { Wire } from '../wire.ts';
import type { CommandContext } from './change.ts';
import { status } from './status.ts';
import type { CampaignStatus } from './statusSchema.ts';

const findingSchema = z.object({
  level: z.enum(['ok', 'note', 'problem']),
  what: z.string(),
  meaning: z.string(),
});

export const diagnosisSchema = z
  .object({ problems: z.number(), findings: z.array(findingSchema) })
  .meta({ id: 'Diagnosis', description: 'What was found out about the project, its store and its campaigns' });

export type Finding = Wire<typeof findingSchema>;

export interface DoctorContext extends Pick<CommandContext, 'store' | 'migrations' | 'clock'> {
  readonly project: Project;
}

/** Checks the project, and has the store prove its compare-and-set on throw-away entities. */
export async function doctor(context: DoctorContext): Promise<Wire<typeof diagnosisSchema>> {
  const findings = [
    ...projectFindings(context),
    ...(await storeFindings(context)),
    ...(await campaignFindings(context)),
  ];
  return { problems: findings.filter(({ level }) => level === 'problem').length, findings };
}

function projectFindings({ project }: DoctorContext): Finding[] {
  const { file, migrations } = project;
  const names = migrations.map(({ name, version }) => `${name} ${version}`).join(', ');
  return [
    { level: 'ok', what: 'configuration', meaning: `${file} is valid.` },
    migrations.length === 0
      ? { level: 'note', what: 'migrations', meaning: 'There is no migration yet: the folder is empty.' }
      : { level: 'ok', what: 'migrations', meaning: `${names}: each is valid, and their order is.` },
    ...overlaps(migrations).map(({ migrations: [one, other], homes }): Finding => {
      const meaning = `Both are about ${homes.map(homeText).join(', ')}: the one that starts second is refused until the other is over. \`after\` would order them.`;
      return { level: 'note', what: `${one}, ${other}`, meaning };
    }),
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

async function storeFindings({ store, clock }: DoctorContext): Promise<Finding[]> {
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

async function campaignFindings(context: DoctorContext): Promise<Finding[]> {
  const { campaigns } = await status(context);
  const open = campaigns.filter(({ closed }) => !closed);
  if (open.length === 0) return [{ level: 'ok', what: 'campaigns', meaning: 'None is open.' }];
  return open.flatMap(campaignFinding);
}

function campaignFinding({ campaign, stage, run, pausedBecause, blocked, quarantined, settled }: CampaignStatus) {
  const findings: Finding[] = [];
  if (blocked)
    findings.push({ level: 'problem', what: blocked.code, meaning: `${blocked.detail} Nobody works on it.` });
  if (run === 'paused') findings.push({ level: 'problem', what: campaign, meaning: `It is paused: ${pausedBecause}.` });
  const open = quarantined.count - quarantined.skipped;
  if (open > 0) {
    const are = open === 1 ? 'record is' : 'records are';
    const meaning = `${open} ${are} quarantined: handover records ${campaign} --quarantined`;
    findings.push({ level: 'problem', what: campaign, meaning });
  }
  if (findings.length > 0) return findings;
  const meaning = `It is ${stage}${settled ? ' and settled' : ''}; its definition is the one it was started with.`;
  return [{ level: 'ok', what: campaign, meaning } satisfies Finding];
}
