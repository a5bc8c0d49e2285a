import { z } from 'zod';
import { commandsOf, entriesOf } from '../engine/audit.ts';
import { entry } from '../engine/entrySchema.ts';
import { proofOf } from '../engine/proof.ts';
import { countQuarantined } from '../engine/quarantine.ts';
import { type CampaignDocument, proof, SCHEMAS } from '../engine/schemas.ts';
import type { Wire } from '../wire.ts';
import type { CommandContext } from './change.ts';
import { campaigns } from './find.ts';

const { stage } = SCHEMAS.campaign.shape;
const { at, by, what, reason } = entry.shape;

const runSchema = z
  .object({
    campaign: z.string(),
    migration: z.string(),
    version: z.number(),
    known: z.boolean().meta({ description: 'Whether the migrations folder still has it' }),
    stage,
    closed: z.boolean(),
    started: z.object({ at, by }).exactOptional().meta({ description: 'Its first command' }),
    last: z.object({ at, by, what, reason }).exactOptional().meta({ description: 'Its newest command' }),
    endedAt: z.number().exactOptional().meta({ description: 'When it closed' }),
    records: z.number().exactOptional().meta({ description: 'As the newest sweep at rest counted them' }),
    quarantined: z.number().meta({ description: 'Records on its list: once it is over, left in the old home' }),
    proof: proof.exactOptional(),
  })
  .meta({ id: 'HistoryRow', description: 'One run of a migration' });

export const historySchema = z
  .object({ campaigns: z.array(runSchema).meta({ description: 'Of all migrations, the oldest first' }) })
  .meta({ id: 'History', description: 'What ran, when, by whom, with its proof' });

export type History = Wire<typeof historySchema>;
export type HistoryRow = History['campaigns'][number];

/** Every campaign that there ever was, of migrations that are no longer in the folder, too. */
export async function history(context: Pick<CommandContext, 'store' | 'migrations'>): Promise<History> {
  const rows: HistoryRow[] = [];
  for (const campaign of await campaigns(context)) rows.push(await rowOf(context, campaign));
  return { campaigns: rows };
}

async function rowOf(
  { store, migrations }: Pick<CommandContext, 'store' | 'migrations'>,
  campaign: CampaignDocument,
): Promise<HistoryRow> {
  const { id, migration, migrationVersion, stage, closed, population, quarantines } = campaign;
  const [first] = commandsOf(campaign) > 0 ? await entriesOf(store, campaign, 0, 1) : [];
  const last = campaign.history.at(-1);
  const endedAt = endOf(campaign);
  const quarantined = quarantines ? await countQuarantined(store, id, Number.POSITIVE_INFINITY, () => true) : 0;
  const proved = await proofOf(store, id);
  return {
    campaign: id,
    migration,
    version: migrationVersion,
    known: migrations.some(({ name }) => name === migration),
    stage,
    closed,
    ...(first ? { started: { at: first.at, by: first.by } } : {}),
    ...(last ? { last: lastOf(last) } : {}),
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(population ? { records: population.records } : {}),
    quarantined,
    ...(proved ? { proof: proved } : {}),
  };
}

const lastOf = ({ at, by, what, reason }: CampaignDocument['history'][number]) => ({
  at,
  by,
  what,
  ...(reason === undefined ? {} : { reason }),
});

/** It closes with a sweep that settled it; a draft, by the command that cancelled it. */
const endOf = ({ closed, settledAt, history }: CampaignDocument): number | undefined =>
  closed ? (settledAt ?? history.findLast(({ what }) => what === 'cancel')?.at) : undefined;
