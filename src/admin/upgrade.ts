import type { Migration } from '../define/migration.ts';
import { outlineOf, unfit } from '../define/outline.ts';
import { isClosing } from '../engine/campaign.ts';
import { campaignStep } from '../engine/decide.ts';
import { claimHomes } from '../engine/homes.ts';
import type { CampaignDocument } from '../engine/schemas.ts';
import { HandoverError } from '../errors.ts';
import { type CommandContext, change, record } from './change.ts';
import { checkPredecessors } from './commands.ts';
import { theCampaign } from './find.ts';

/**
 * Lets an open campaign go on under the newest version of its migration that there is. Copies that were made under
 * another one are stale from then on, and made anew; nothing that was swept before counts, and quarantined records are
 * tried again. Only while nothing was ever wanted at its new home: what a new home owns has the shape of its version.
 *
 * Whoever still acts under the version before is fenced as by any command. What lands late of it, where the store takes
 * no guards, says by its slot that it is of another version; and no record passes to a copy that does (rule 2).
 */
export async function upgrade(
  context: CommandContext,
  name: string,
  { reason }: { readonly reason?: string } = {},
): Promise<CampaignDocument> {
  const campaign = await theCampaign(context, name);
  const migration = newest(context, campaign);
  // A command that was carried out before, and is asked for again, finds its own mark and is not held up.
  if (campaign.definition !== migration.fingerprint) {
    check(campaign, migration);
    await checkPredecessors(context, migration);
    // As before a start: all of its homes are claimed by then. Who holds too many until it closes harms nobody.
    await claimHomes(context, migration, campaign.id);
  }
  return change(context, campaign.id, (current) => {
    check(current, migration);
    return upgraded(context, current, migration, reason);
  });
}

/** As one compare-and-set. */
function upgraded(
  context: CommandContext,
  current: CampaignDocument,
  migration: Migration,
  reason: string | undefined,
): CampaignDocument {
  const { settledAt: _, lastSweep: __, ...kept } = current;
  const { stage, run, migrationVersion: before, firstVersion = before } = current;
  // A copy of everything is to be made again: the same as from `start`, with the same shares.
  const next = stage === 'copied' ? campaignStep({ stage, run }, 'start')!.next : {};
  const generation = current.generation + 1;
  const again = { generation, sweep: 1 };
  return {
    ...kept,
    ...next,
    ...again,
    migrationVersion: migration.version,
    firstVersion,
    definition: migration.fingerprint,
    outline: outlineOf(migration)!,
    switchGateOpen: false,
    ...(current.quarantines ? { retries: [again] } : {}),
    ...record(context, { ...current, generation }, `upgrade ${before} to ${migration.version}`, reason),
  };
}

/** The newest version there is. */
function newest({ migrations }: CommandContext, { migration }: CampaignDocument): Migration {
  const versions = migrations.filter(({ name }) => name === migration);
  const [found] = versions.sort((a, b) => b.version - a.version);
  if (found) return found;
  throw new HandoverError('definition.missing', `There is no migration ${JSON.stringify(migration)}.`);
}

function check(campaign: CampaignDocument, migration: Migration): void {
  const { id, closed, stage, migrationVersion, definition, outline } = campaign;
  const refuse = (why: string): never => {
    const facts = { campaign: id, from: migrationVersion, to: migration.version };
    throw new HandoverError(
      'upgrade.refused',
      `Campaign ${id} cannot go on under version ${migration.version}: ${why}.`,
      facts,
    );
  };
  if (closed) refuse(`it is ${stage}, and closed`);
  if (stage === 'draft') refuse('it has not begun, and `start` takes the definition that there is');
  if (isClosing(campaign)) refuse(`it is ${stage}`);
  if (definition === migration.fingerprint) refuse('that is the one it runs under');
  if (migration.version <= migrationVersion) refuse(`it runs under version ${migrationVersion}; raise the version`);
  const why = outline ? unfit(outline, migration) : PAST;
  if (why) refuse(why);
}

const PAST =
  'records were wanted at their new home already; or it has subscriptions, fields or references; or an older handover started it';
