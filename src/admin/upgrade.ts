import type { Migration } from '../define/migration.ts';
import { type Outline, outlineOf, tellsCopies, unfit } from '../define/outline.ts';
import { campaignStep } from '../engine/decide.ts';
import { claimHomes } from '../engine/homes.ts';
import { isOver } from '../engine/hooksDue.ts';
import type { CampaignDocument } from '../engine/schemas.ts';
import { everything } from '../engine/targets.ts';
import { HandoverError } from '../errors.ts';
import { type CommandContext, change, record } from './change.ts';
import { checkPredecessors, checkReverse, commanded } from './commands.ts';
import { theCampaign } from './find.ts';

/**
 * Lets an open campaign go on under the newest version of its migration that there is. Quarantined records are tried again.
 *
 * While nothing was wanted at its new home, at once: copies that were made under another version are stale from then on, and
 * made anew. Whoever still acts under the version before is fenced as by any command. What lands late of it, where the store
 * takes no guards, says by its slot that it is of another version; and no record passes to a copy that does (rule 2).
 *
 * Later, a new home owns what has the shape of its version, and only that one knows the way back. So every record takes the
 * step by way of home: all come home under the version that they went by, as by `cancel`, and where that would close the
 * campaign the new version takes over. No two versions ever own at once, and nothing of the one before can land any more (P7).
 */
export async function upgrade(
  context: CommandContext,
  name: string,
  { reason }: { readonly reason?: string } = {},
): Promise<CampaignDocument> {
  const { id } = await theCampaign(context, name);
  return change(context, id, async (current) => {
    const migration = newest(context, current);
    const { before, after } = check(current, migration);
    await checkPredecessors(context, migration);
    const isAtOnce = !current.away && tellsCopies(before) && tellsCopies(after);
    if (!isAtOnce) await checkReverse(context, current);
    const next = (isAtOnce ? upgraded : throughHome)(context, current, migration, reason);
    // Last of all that may refuse. As before a start: all of its homes are claimed when the command takes effect.
    await claimHomes(context, migration, id);
    return triedAgain(next);
  });
}

const nameOf = ({ migrationVersion }: CampaignDocument, to: number) => `upgrade ${migrationVersion} to ${to}`;

/** All is tried again, what was skipped, too: that was said of the version before. A choice that was made stands. */
function triedAgain(campaign: CampaignDocument): CampaignDocument {
  if (!campaign.quarantines) return campaign;
  const { skips: _, retries = [], ...kept } = campaign;
  const generation = campaign.pending?.generation ?? campaign.generation;
  return { ...kept, retries: [...retries.filter(({ keep }) => keep), { generation, sweep: 1 }] };
}

/** At once, as one compare-and-set. */
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
  return {
    ...kept,
    ...next,
    generation,
    sweep: 1,
    versionSince: generation,
    migrationVersion: migration.version,
    firstVersion,
    definition: migration.fingerprint,
    outline: outlineOf(migration)!,
    switchGateOpen: false,
    ...record(context, { ...current, generation }, nameOf(current, migration.version), reason),
  };
}

/** As a command that brings everything home, after which the new version takes over. */
function throughHome(
  context: CommandContext,
  current: CampaignDocument,
  migration: Migration,
  reason: string | undefined,
): CampaignDocument {
  const { version, fingerprint: definition } = migration;
  const wanted = {
    what: nameOf(current, version),
    targets: [...everything('home')],
    leaveQuarantined: false,
    strip: false,
    upgradeTo: { version, definition, outline: outlineOf(migration)! },
  };
  return commanded(context, current, 'upgrade', wanted, reason === undefined ? {} : { reason });
}

/** The newest version there is. */
function newest({ migrations }: CommandContext, { migration }: CampaignDocument): Migration {
  const versions = migrations.filter(({ name }) => name === migration);
  const [found] = versions.sort((a, b) => b.version - a.version);
  if (found) return found;
  throw new HandoverError('definition.missing', `There is no migration ${JSON.stringify(migration)}.`);
}

/** What both versions must share. Throws `upgrade.refused`. */
function check(
  campaign: CampaignDocument,
  migration: Migration,
): { readonly before: Outline; readonly after: Outline } {
  const { id, closed, stage, migrationVersion, definition, outline: before } = campaign;
  const refusal = (why: string) => {
    const facts = { campaign: id, from: migrationVersion, to: migration.version };
    const detail = `Campaign ${id} cannot go on under version ${migration.version}: ${why}.`;
    return new HandoverError('upgrade.refused', detail, facts);
  };
  if (closed) throw refusal(`it is ${stage}, and closed`);
  if (isOver(campaign)) throw refusal(`it is ${stage}, and closes when its hook is done`);
  if (stage === 'draft') throw refusal('it has not begun, and `start` takes the definition that there is');
  if (stage === 'cancelling') throw refusal('it is cancelling');
  if (definition === migration.fingerprint) throw refusal('that is the one it runs under');
  if (migration.version <= migrationVersion)
    throw refusal(`it runs under version ${migrationVersion}; raise the version`);
  if (!before)
    throw refusal(
      'it has subscriptions; or a handover started it that could not upgrade. Cancel it, and start that version',
    );
  const why = unfit(before, migration);
  if (why) throw refusal(why);
  return { before, after: outlineOf(migration)! };
}
