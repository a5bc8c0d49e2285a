import type { Migration } from '../define/migration.ts';
import { campaignAt, campaignsOf } from '../engine/campaigns.ts';
import { list } from '../engine/documents.ts';
import type { CampaignDocument } from '../engine/schemas.ts';
import { HandoverError } from '../errors.ts';
import type { CommandContext } from './change.ts';

/** The newest campaign of a migration, or the one of this id. Throws `campaign.missing`. */
export async function theCampaign(context: Pick<CommandContext, 'store'>, name: string): Promise<CampaignDocument> {
  const newest = (await campaignsOf(context.store, name)).at(-1) ?? (await campaignAt(context.store, name));
  if (!newest) throw new HandoverError('campaign.missing', `Migration ${name} has no campaign.`);
  return newest;
}

/** All campaigns, oldest first. */
export async function campaigns({ store }: Pick<CommandContext, 'store'>): Promise<CampaignDocument[]> {
  const all: CampaignDocument[] = [];
  for await (const { value } of list(store, 'campaign')) all.push(value);
  return all.sort((a, b) => a.createdAt - b.createdAt);
}

/** The run of a migration that is not over. */
export const openCampaign = async (context: Pick<CommandContext, 'store'>, name: string) =>
  (await campaignsOf(context.store, name)).find(({ closed }) => !closed);

export function migrationNamed({ migrations }: Pick<CommandContext, 'migrations'>, name: string): Migration {
  const migration = migrations.find((candidate) => candidate.name === name);
  if (migration) return migration;
  const known = migrations.map((candidate) => candidate.name).join(', ') || 'none';
  throw new HandoverError('definition.missing', `There is no migration ${JSON.stringify(name)}; known: ${known}.`);
}

/** A definition that changed under an open campaign would mix two shapes: refused before anything moves. */
export function definitionOf(
  { migrations }: CommandContext,
  { migration, definition, id }: CampaignDocument,
): Migration {
  const found = migrations.find(({ name, fingerprint }) => name === migration && fingerprint === definition);
  if (found) return found;
  throw new HandoverError('definition.changed', `Campaign ${id} was started with another definition of ${migration}.`);
}

/** The definition that a campaign runs under; or, to look at its records all the same, the newest. Throws `definition.missing`. */
export const migrationOf = (context: Pick<CommandContext, 'migrations'>, campaign: CampaignDocument): Migration =>
  context.migrations.find(({ fingerprint }) => fingerprint === campaign.definition) ??
  migrationNamed(context, campaign.migration);

/** The very definition that a campaign runs under. Throws `definition.missing` or `definition.changed`. */
export function migrationUnder(context: Pick<CommandContext, 'migrations'>, campaign: CampaignDocument): Migration {
  const newest = migrationNamed(context, campaign.migration);
  const same = context.migrations.find(({ fingerprint }) => fingerprint === campaign.definition);
  // What is over needs no protection: its records are looked at with the definition that is there.
  if (same ?? campaign.closed) return same ?? newest;
  const detail = `Campaign ${campaign.id} was started with another definition of ${campaign.migration}.`;
  throw new HandoverError('definition.changed', detail);
}
