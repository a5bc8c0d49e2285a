import { GROUP_STATES } from '../../machines/group.ts';
import { commandsOf } from '../engine/audit.ts';
import { inPlaceOf, statesOf, subscriptionsOf } from '../engine/counts.ts';
import { documentKey, list, load } from '../engine/documents.ts';
import { isHookDue } from '../engine/hooksDue.ts';
import { hasInvariants, lastTaking } from '../engine/invariants.ts';
import { isSkipped } from '../engine/quarantine.ts';
import type { CampaignDocument } from '../engine/schemas.ts';
import { isStripping } from '../engine/strip.ts';
import { HandoverError } from '../errors.ts';
import type { CommandContext } from './change.ts';
import { inboxStatus } from './deliveries.ts';
import { campaigns } from './find.ts';
import { hookStatus } from './hookStatus.ts';
import { hasSettled } from './pace.ts';
import { paceSettings, paceStatus } from './paceStatus.ts';
import type { CampaignStatus, Status } from './statusSchema.ts';
import { stuckIn } from './stuck.ts';
import { isByGroup, lookAtSweep, sweepStatus } from './sweepStatus.ts';

type Context = Pick<CommandContext, 'store' | 'migrations' | 'clock'>;

/** All campaigns, or those of one migration. Throws `campaign.missing` when that has none. */
export async function status(context: Context, name?: string): Promise<Status> {
  const all = await campaigns(context);
  const wanted = all.filter(({ id, migration }) => name === undefined || id === name || migration === name);
  const known = context.migrations.some((migration) => migration.name === name);
  if (name !== undefined && wanted.length === 0 && !known) {
    throw new HandoverError('campaign.missing', `There is no campaign and no migration ${JSON.stringify(name)}.`);
  }
  const found: CampaignStatus[] = [];
  for (const campaign of wanted) found.push(await campaignStatus(context, campaign));
  const unstarted = context.migrations
    .filter((migration) => name === undefined || migration.name === name)
    .filter((migration) => !all.some((campaign) => campaign.migration === migration.name));
  const inbox = await inboxStatus(context);
  return {
    campaigns: found,
    unstarted: unstarted.map(({ name, version, after }) => ({ name, version, after })),
    ...(inbox ? { inbox } : {}),
  };
}

export async function campaignStatus(context: Context, campaign: CampaignDocument): Promise<CampaignStatus> {
  const blocked = campaign.closed && !isStripping(campaign) ? undefined : blockOf(context, campaign);
  const look = await lookAtSweep(context, campaign);
  const sweep = sweepStatus(context, campaign, look);
  const stuck = sweep.running ? stuckIn(context, look) : [];
  const pace = paceStatus(campaign, look?.progress, context.clock.now());
  const mismatches = await load(context.store, 'mismatch', documentKey('mismatch', campaign.id, 'last'));
  const has = context.migrations.some((each) => each.name === campaign.migration && hasInvariants(each));
  const invariants = has ? await lastTaking(context.store, campaign) : undefined;
  const hook = await hookStatus(context.store, campaign);
  // A sweep that is over says all; one that runs says only what it came by so far.
  const counts = campaign.lastSweep?.counts ?? (sweep.seen > 0 ? sweep.counts : undefined);
  const states = statesOf(counts ?? {});
  const inPlace = inPlaceOf(counts ?? {});
  const subscriptions = subscriptionsOf(counts ?? {});
  return {
    campaign: campaign.id,
    migration: campaign.migration,
    version: campaign.migrationVersion,
    ...(campaign.upgradeTo ? { upgradesTo: campaign.upgradeTo.version } : {}),
    stage: campaign.stage,
    run: campaign.run,
    ...(campaign.pausedBecause === undefined ? {} : { pausedBecause: campaign.pausedBecause }),
    closed: campaign.closed,
    settled: hasSettled(campaign, context.store.capabilities) && !isHookDue(campaign),
    ...(campaign.settledAt === undefined ? {} : { settledAt: campaign.settledAt }),
    switchGateOpen: campaign.switchGateOpen,
    targets: campaign.targets,
    ...(blocked ? { blocked } : {}),
    sweep,
    ...(pace ? { pace } : {}),
    paceSettings: paceSettings(campaign),
    records: Object.values(states).reduce((sum, n) => sum + n, 0),
    states,
    countedIn: campaign.lastSweep ? 'last sweep' : counts ? 'running sweep' : 'nothing yet',
    quarantined: await quarantinedBy(context, campaign),
    ...(stuck.length > 0 ? { stuck } : {}),
    ...(mismatches ? { mismatches: { count: mismatches.value.count, last: mismatches.value.last } } : {}),
    ...(invariants ? { invariants } : {}),
    ...(Object.keys(inPlace).length > 0 ? { inPlace } : {}),
    ...(Object.keys(subscriptions).length > 0 ? { subscriptions } : {}),
    ...(counts?.['topicless'] ? { topicless: counts['topicless'] } : {}),
    ...(isByGroup(context, campaign) ? await groupsBy(context, campaign) : {}),
    ...(hook ? { hook } : {}),
    ...(campaign.strip ? { strip: stripOf(campaign.strip) } : {}),
    createdAt: campaign.createdAt,
    commands: commandsOf(campaign),
    history: campaign.history,
  };
}

const stripOf = ({ stripped, left, doneAt }: NonNullable<CampaignDocument['strip']>) => ({
  stripped,
  left,
  ...(doneAt === undefined ? {} : { doneAt }),
});

function blockOf({ migrations }: Context, { migration, definition, id }: CampaignDocument) {
  const named = migrations.filter(({ name }) => name === migration);
  if (named.some(({ fingerprint }) => fingerprint === definition)) return undefined;
  return named.length === 0
    ? { code: 'definition.missing' as const, detail: `Campaign ${id} needs migration ${migration}, which is not here.` }
    : {
        code: 'definition.changed' as const,
        detail: `Campaign ${id} was started with another definition of ${migration}.`,
      };
}

async function quarantinedBy({ store }: Context, campaign: CampaignDocument): Promise<CampaignStatus['quarantined']> {
  const byCode: Record<string, number> = {};
  let [count, skipped] = [0, 0];
  for await (const { value } of list(store, 'quarantine', campaign.id)) {
    count++;
    if (isSkipped(campaign, value)) skipped++;
    byCode[value.code] = (byCode[value.code] ?? 0) + 1;
  }
  return { count, skipped, byCode };
}

async function groupsBy(
  { store }: Context,
  { id, versionSince = 0 }: CampaignDocument,
): Promise<Pick<CampaignStatus, 'groups' | 'groupHooks'>> {
  let groupHooks = 0;
  const groups: Record<string, number> = Object.fromEntries(GROUP_STATES.map((state) => [state, 0]));
  for await (const { value } of list(store, 'group', id)) {
    if (value.generation < versionSince) continue;
    groups[value.state]!++;
    if (value.whole?.due) groupHooks++;
  }
  return { groups, ...(groupHooks > 0 ? { groupHooks } : {}) };
}
