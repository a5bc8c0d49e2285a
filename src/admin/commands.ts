import type { CampaignEvent } from '../../machines/campaign.ts';
import type { Target } from '../../machines/moves.ts';
import type { Migration } from '../define/migration.ts';
import { outlineOf } from '../define/outline.ts';
import { campaignId, campaignsOf, updateCampaign } from '../engine/campaigns.ts';
import { campaignStep } from '../engine/decide.ts';
import { attempts, documentKey, save } from '../engine/documents.ts';
import { checkHomes, claimHomes } from '../engine/homes.ts';
import { hooksBefore, isAfterDue, nextGeneration, takenOver } from '../engine/hooksDue.ts';
import { checkInvariants, checkStart } from '../engine/invariants.ts';
import { countModified } from '../engine/modified.ts';
import { countQuarantined, isSkipped } from '../engine/quarantine.ts';
import type { CampaignDocument, QuarantineDocument } from '../engine/schemas.ts';
import { aim, bringsBack, everything } from '../engine/targets.ts';
import { HandoverError } from '../errors.ts';
import { probe } from '../store/probe.ts';
import { type CommandContext, change, record, refused } from './change.ts';
import { definitionOf, migrationNamed, openCampaign, theCampaign } from './find.ts';
import { checkPace, hasSettled, type PaceOptions, paceOf } from './pace.ts';

export type { CommandContext } from './change.ts';
export { campaigns, migrationNamed, theCampaign } from './find.ts';
export { type PaceOptions, setPace } from './pace.ts';
export { retry } from './retry.ts';

/**
 * Every verb of the operator. A command checks its gates, asks the campaign's machine, and writes the campaign's targets
 * by compare-and-set: nothing else. Workers see the new targets and act; a crash in between changes nothing.
 */
export interface CommandOptions {
  readonly reason?: string;
  /** Percent of records (or of groups) that the command sends on, 0 < share <= 100. Default: 100. */
  readonly share?: number;
}

export type Campaign = CampaignDocument;

/**
 * Starts copying. `to` goes on to `switched` or `completed` without resting in between. The pace rises by the ramp where
 * the store asks for it, unless `ramp` says otherwise.
 */
export async function start(
  context: CommandContext,
  name: string,
  options: CommandOptions & PaceOptions & { readonly to?: 'copied' | 'switched' | 'completed' } = {},
): Promise<CampaignDocument> {
  shareOf(options);
  checkPace(options);
  const open = await openCampaign(context, name);
  // Beside the version that a campaign runs under there may be one that it is to be upgraded to.
  const migration = open && open.stage !== 'draft' ? definitionOf(context, open) : migrationNamed(context, name);
  const to = options.to ?? 'copied';
  checkStart(migration, to);
  await checkPredecessors(context, migration);
  if (!open || open.stage === 'draft') await checkHomes(context.store, migration, open?.id);
  const campaign = open ?? (await create(context, migration));
  // What is past `draft` holds its homes already.
  if (campaign.stage === 'draft') await claimHomes(context, migration, campaign.id);
  const event = to === 'copied' ? 'start' : (`start.${to}` as const);
  // From a campaign on its way back, some records may be past what is wanted now.
  return command(context, campaign.id, event, to, options, 'home', async (current) => {
    if (current.stage !== 'draft') await checkReverse(context, campaign);
  });
}

/** Makes the new home the owner. Refused until a copy was complete and clean once. */
export async function switchOver(context: CommandContext, name: string, options: CommandOptions & PaceOptions = {}) {
  checkPace(options);
  const campaign = await theCampaign(context, name);
  return command(context, campaign.id, 'switch', 'switched', options, 'copied', async (current) => {
    if (!current.switchGateOpen) throw closed('the copy is not complete and clean yet; see `handover status`');
    checkAfter(context, current);
    await checkInvariants(context.store, definitionOf(context, current), current, 'must not be broken');
    const next = aim(current.targets, 'switched', shareOf(options), 'copied');
    if (bringsBack(current.targets, next)) await checkReverse(context, campaign);
  });
}

/** Brings records home, with what was written since. With a share, the others stay where they are wanted. */
export async function reverse(context: CommandContext, name: string, options: CommandOptions = {}) {
  const campaign = await theCampaign(context, name);
  return command(context, campaign.id, 'reverse', 'home', options, undefined, () => checkReverse(context, campaign));
}

/**
 * Drops the old home. The point of no return: refused while anything is unsettled or quarantined. `strip`: when the
 * campaign has closed, the state is taken off its entities, too.
 */
export async function complete(
  context: CommandContext,
  name: string,
  options: CommandOptions & { readonly leaveQuarantined?: boolean; readonly strip?: boolean } = {},
) {
  const campaign = await theCampaign(context, name);
  const { leaveQuarantined = false, strip = false } = options;
  const gate = async (current: CampaignDocument) => {
    if (!hasSettled(current, context.store.capabilities))
      throw closed('records are still on their way; see `handover status`');
    checkAfter(context, current);
    const isOpen = (entry: QuarantineDocument) => !isSkipped(current, entry);
    const left = leaveQuarantined ? 0 : await countQuarantined(context.store, current.id, 1, isOpen);
    if (left > 0)
      throw closed(
        'records are quarantined and would stay in the old home; retry or skip them, or pass --leave-quarantined',
      );
  };
  const whole = async (current: CampaignDocument) => {
    await gate(current);
    await checkInvariants(context.store, definitionOf(context, current), current, 'must have held');
  };
  return command(context, campaign.id, 'complete', 'completed', options, 'switched', whole, {
    leaveQuarantined,
    strip,
  });
}

/** Brings everything home and closes the campaign. */
export async function cancel(context: CommandContext, name: string, options: { readonly reason?: string } = {}) {
  const campaign = await theCampaign(context, name);
  return command(context, campaign.id, 'cancel', 'home', options, undefined, async (current) => {
    if (current.stage !== 'draft') await checkReverse(context, campaign);
  });
}

export async function pause(context: CommandContext, name: string, options: { readonly reason?: string } = {}) {
  return runOrPause(context, name, 'pause', options.reason);
}

export async function resume(context: CommandContext, name: string, options: { readonly reason?: string } = {}) {
  return runOrPause(context, name, 'resume', options.reason);
}

export async function checkPredecessors(context: CommandContext, { after, name }: Migration): Promise<void> {
  for (const before of after) {
    migrationNamed(context, before);
    const done = (await campaignsOf(context.store, before)).some(({ stage }) => stage === 'completed');
    if (!done)
      throw new HandoverError('definition.dependency', `${name} comes after ${before}, which is not completed.`);
  }
}

async function create(context: CommandContext, migration: Migration): Promise<CampaignDocument> {
  const { store, clock } = context;
  // Before the first record is touched: a store that ignores a conflict would lose writes.
  await probe(store, clock);
  const name = documentKey('campaign', migration.name);
  return attempts(clock, name, undefined, async () => {
    const runs = await campaignsOf(store, migration.name);
    const last = runs.at(-1);
    // Somebody else's `start`, or our own whose answer was lost: either way it is the one to go on with.
    if (last && !last.closed) return { done: last };
    // First of all: a client that still moves late inserts under the one before is fenced by it.
    if (last && !last.succeeded) await updateCampaign(context, last.id, (current) => ({ ...current, succeeded: true }));
    const campaign: CampaignDocument = {
      v: 1,
      id: campaignId(migration.name, runs.length + 1),
      migration: migration.name,
      migrationVersion: migration.version,
      definition: migration.fingerprint,
      ...outlined(migration),
      stage: 'draft',
      run: 'running',
      targets: [...everything('home')],
      generation: 0,
      sweep: 1,
      switchGateOpen: false,
      closed: false,
      createdAt: clock.now(),
      history: [],
    };
    const saved = await save<'campaign'>(store, documentKey('campaign', campaign.id), campaign, undefined);
    return saved.status === 'applied' ? { done: campaign } : saved;
  });
}

function shareOf({ share = 100 }: CommandOptions): number {
  if (share > 0 && share <= 100) return share;
  throw new HandoverError('usage.invalid', `A share is over 0 and up to 100, not ${share}.`);
}

/** One transition of the campaign, with the targets that go with it, in one compare-and-set. */
async function command(
  context: CommandContext,
  id: string,
  event: CampaignEvent['type'],
  target: Target,
  options: CommandOptions & PaceOptions,
  rest: Target | undefined,
  gate: (current: CampaignDocument) => Promise<void> = async () => {},
  also: Pick<Wish, 'leaveQuarantined' | 'strip'> = { leaveQuarantined: false, strip: false },
): Promise<CampaignDocument> {
  const share = shareOf(options);
  return change(context, id, async (current) => {
    stepOf(context, current, event);
    await gate(current);
    const targets = [...aim(current.targets, target, share, rest)];
    const what = share === 100 ? event : `${event} ${share} %`;
    return commanded(context, current, event, { ...also, what, targets }, options);
  });
}

/** Throws where the command is not possible. */
function stepOf(context: CommandContext, current: CampaignDocument, event: CampaignEvent['type']) {
  if (current.stage !== 'draft') definitionOf(context, current);
  const step = campaignStep({ stage: current.stage, run: current.run }, event);
  if (!step) throw refused(current, event);
  return step;
}

type Wish = NonNullable<CampaignDocument['pending']>;

/** The campaign with a command that its gates have let through: it waits for its hooks, or takes effect. */
export function commanded(
  context: CommandContext,
  current: CampaignDocument,
  event: CampaignEvent['type'],
  wanted: Pick<Wish, 'what' | 'targets' | 'leaveQuarantined' | 'strip' | 'upgradeTo'>,
  options: CommandOptions & PaceOptions,
): CampaignDocument {
  const { what, targets } = wanted;
  const step = stepOf(context, current, event);
  const wish = {
    ...wanted,
    stage: step.next.stage,
    hooks: event === 'cancel' ? [] : hooksBefore(migrationOf(context, current), current.targets, targets),
    generation: nextGeneration(current),
    // Who starts straight for a later stage wants no gate: each record is copied and checked on its own way.
    switchGateOpen: current.switchGateOpen || event.startsWith('start.'),
  };
  const { after: _, ...kept } = current;
  const isAway = targets.some(({ target }) => target === 'switched' || target === 'completed');
  const wished = {
    ...kept,
    ...asItIs(context, current),
    pace: paceOf(context, current, options),
    pending: wish,
    ...(isAway ? { away: true } : {}),
  };
  const next = wish.hooks.length > 0 ? wished : takenOver(wished);
  if (step.effects.some(({ type }) => type === 'close')) next.closed = true;
  return { ...next, ...record(context, { ...next, targets }, what, options.reason) };
}

async function runOrPause(context: CommandContext, name: string, event: 'pause' | 'resume', reason?: string) {
  const { id } = await theCampaign(context, name);
  return change(context, id, (current) => {
    const step = campaignStep({ stage: current.stage, run: current.run }, event);
    if (!step || current.closed) throw refused(current, event);
    const { pausedBecause: _, ...kept } = current;
    const because = event === 'pause' ? { pausedBecause: reason ?? `paused by ${context.by}` } : {};
    // While it was paused the store has cooled down.
    const pace = event === 'resume' && kept.pace ? { pace: { ...kept.pace, since: context.clock.now() } } : {};
    return { ...kept, ...step.next, ...because, ...pace, ...record(context, current, event, reason) };
  });
}

/** A draft has moved nothing: it takes the definition as it is now. */
function asItIs({ migrations }: CommandContext, { stage, migration }: CampaignDocument): Partial<CampaignDocument> {
  const found = stage === 'draft' && migrations.find(({ name }) => name === migration);
  if (!found) return {};
  return { definition: found.fingerprint, migrationVersion: found.version, outline: outlineOf(found) };
}

/** What a campaign may be upgraded by. */
const outlined = (migration: Migration) => {
  const outline = outlineOf(migration);
  return outline ? { outline } : {};
};

/** The way back is checked before the first step of it: what has no backward transform must not have been modified. */
export async function checkReverse(context: CommandContext, campaign: CampaignDocument): Promise<void> {
  const migration = definitionOf(context, campaign);
  const { count, samples } = await countModified(context.store, migration, campaign.id);
  if (count === 0) return;
  throw new HandoverError('reverse.missing', `${count} records, ${samples.join(', ')} among them.`, { count, samples });
}

/** What goes on waits for the hook of where it is; what comes back does not. */
function checkAfter(context: CommandContext, current: CampaignDocument): void {
  const { after } = current;
  if (after && isAfterDue(current) && migrationOf(context, current).hooks[after.hook])
    throw closed(`hook ${after.hook} is not done; see \`handover status\``);
}

/** A draft takes the definition as it is now. */
const migrationOf = (context: CommandContext, current: CampaignDocument): Migration =>
  current.stage === 'draft' ? migrationNamed(context, current.migration) : definitionOf(context, current);

const closed = (why: string) => new HandoverError('gate.closed', `Not yet: ${why}.`);
