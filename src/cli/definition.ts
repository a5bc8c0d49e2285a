import { migrationNamed } from '../admin/commands.ts';
import type { Migration } from '../define/migration.ts';
import type { CampaignDocument } from '../engine/schemas.ts';
import { HandoverError } from '../errors.ts';
import type { Session } from './verb.ts';

/** The very definition that a campaign runs under. Throws `definition.missing` or `definition.changed`. */
export function migrationUnder(session: Pick<Session, 'migrations'>, campaign: CampaignDocument): Migration {
  const newest = migrationNamed(session, campaign.migration);
  const same = session.migrations.find(({ fingerprint }) => fingerprint === campaign.definition);
  // What is over needs no protection: its records are looked at with the definition that is there.
  if (same ?? campaign.closed) return same ?? newest;
  const detail = `Campaign ${campaign.id} was started with another definition of ${campaign.migration}.`;
  throw new HandoverError('definition.changed', detail);
}
