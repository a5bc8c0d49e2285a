import type { Run, Stage } from '../../machines/campaign.ts';
import { GROUP_STATES } from '../../machines/group.ts';
import type { Migration } from '../define/migration.ts';
import { commandsOf } from '../engine/audit.ts';
import { statesOf, subscriptionsOf } from '../engine/counts.ts';
import { documentKey, list, load } from '../engine/documents.ts';
import { isSkipped } from '../engine/quarantine.ts';
import type { CampaignDocument, Document } from '../engine/schemas.ts';
import { isStripping } from '../engine/strip.ts';
import type { Targets } from '../engine/targets.ts';
import { type ErrorCode, HandoverError } from '../errors.ts';
import type { CommandContext } from './change.ts';
import { type InboxStatus, inboxStatus } from './deliveries.ts';
import { campaigns } from './find.ts';
import { type PaceStatus, paceStatus } from './paceStatus.ts';
import { isByGroup, lookAtSweep, type SweepStatus, sweepStatus } from './sweepStatus.ts';

type Context = Pick<CommandContext, 'store' | 'migrations' | 'clock'>;

export interface CampaignStatus {
  readonly campaign: string;
  readonly migration: string;
  readonly version: number;
  readonly stage: Stage;
  readonly run: Run;
  readonly pausedBecause?: string;
  readonly closed: boolean;
  /** Every record rests at its target, as far as the last sweep saw. */
  readonly settled: boolean;
  readonly settledAt?: number;
  readonly switchGateOpen: boolean;
  readonly targets: Targets;
  /** Why no worker and no command goes on with it: its definition is missing or was changed. */
  readonly blocked?: { readonly code: ErrorCode; readonly detail: string };
  readonly sweep: SweepStatus;
  /** What limits the pace now; unset where nothing is to be done. */
  readonly pace?: PaceStatus;
  /** Records that are not quarantined, by the sweep in `countedIn`. */
  readonly records: number;
  /**
   * Records per state. Each is counted once a sweep: in its old home, or, where that holds nothing of it, in its new
   * home. So the population is the sum of `S.<state>` except `S.completed` (the sweep of the new home counts those
   * again), and of `T.<state>`; while a sweep runs or when its second half was skipped, what was completed is known from
   * one side only.
   */
  readonly states: Readonly<Record<string, number>>;
  readonly countedIn: 'last sweep' | 'running sweep' | 'nothing yet';
  /** `skipped` of them may stay in the old home. */
  readonly quarantined: {
    readonly count: number;
    readonly skipped: number;
    readonly byCode: Readonly<Record<string, number>>;
  };
  /** Copies that shadow reads of a router found to say something else than they should; the last ones, with both values. */
  readonly mismatches?: Omit<Document<'mismatch'>, 'v'>;
  /** Subscriptions per state, by the same sweep, where the campaign has some. */
  readonly subscriptions?: Readonly<Record<string, number>>;
  /** Of these, those whose topic could not be fetched, or says what was not delivered: it is asked again, after a pause. */
  readonly topicless?: number;
  /** Groups per state, where the campaign goes by groups. */
  readonly groups?: Readonly<Record<string, number>>;
  /** Whether the state is being taken off its entities, or was: so many, and so many that were not its to take. */
  readonly strip?: { readonly stripped: number; readonly left: number; readonly doneAt?: number };
  readonly createdAt: number;
  /** How many commands it was given: `handover audit` lists them. */
  readonly commands: number;
  /** The newest of them. */
  readonly history: CampaignDocument['history'];
}

export interface Status {
  readonly campaigns: readonly CampaignStatus[];
  /** Migrations that were never started. */
  readonly unstarted: readonly Pick<Migration, 'name' | 'version' | 'after'>[];
  /** Of the inbox, whichever campaign its subscriptions belong to; unset where nothing waits and nothing is wrong. */
  readonly inbox?: InboxStatus;
}

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
  const pace = paceStatus(campaign, look?.progress, context.clock.now());
  const mismatches = await load(context.store, 'mismatch', documentKey('mismatch', campaign.id, 'last'));
  // A sweep that is over says all; one that runs says only what it came by so far.
  const counts = campaign.lastSweep?.counts ?? (sweep.seen > 0 ? sweep.counts : undefined);
  const states = statesOf(counts ?? {});
  const subscriptions = subscriptionsOf(counts ?? {});
  return {
    campaign: campaign.id,
    migration: campaign.migration,
    version: campaign.migrationVersion,
    stage: campaign.stage,
    run: campaign.run,
    ...(campaign.pausedBecause === undefined ? {} : { pausedBecause: campaign.pausedBecause }),
    closed: campaign.closed,
    settled: campaign.settledAt !== undefined,
    ...(campaign.settledAt === undefined ? {} : { settledAt: campaign.settledAt }),
    switchGateOpen: campaign.switchGateOpen,
    targets: campaign.targets,
    ...(blocked ? { blocked } : {}),
    sweep,
    ...(pace ? { pace } : {}),
    records: Object.values(states).reduce((sum, n) => sum + n, 0),
    states,
    countedIn: campaign.lastSweep ? 'last sweep' : counts ? 'running sweep' : 'nothing yet',
    quarantined: await quarantinedBy(context, campaign),
    ...(mismatches ? { mismatches: { count: mismatches.value.count, last: mismatches.value.last } } : {}),
    ...(Object.keys(subscriptions).length > 0 ? { subscriptions } : {}),
    ...(counts?.['topicless'] ? { topicless: counts['topicless'] } : {}),
    ...(isByGroup(context, campaign) ? { groups: await groupsBy(context, campaign.id) } : {}),
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

async function groupsBy({ store }: Context, campaign: string): Promise<Record<string, number>> {
  const groups: Record<string, number> = Object.fromEntries(GROUP_STATES.map((state) => [state, 0]));
  for await (const { value } of list(store, 'group', campaign)) groups[value.state]!++;
  return groups;
}
