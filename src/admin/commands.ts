import type { CampaignEvent } from '../../machines/campaign.ts';
import type { Target } from '../../machines/moves.ts';
import type { Clock } from '../clock.ts';
import type { Migration } from '../define/migration.ts';
import { campaignAt, campaignId, campaignsOf, updateCampaign } from '../engine/campaigns.ts';
import { campaignStep } from '../engine/decide.ts';
import { attempts, documentKey, list, save } from '../engine/documents.ts';
import { countModified } from '../engine/modified.ts';
import { countQuarantined } from '../engine/quarantine.ts';
import type { CampaignDocument, CampaignPace } from '../engine/schemas.ts';
import { isAskedFor, nameOf } from '../engine/sweep.ts';
import { aim, bringsBack, everything } from '../engine/targets.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { probe } from '../store/probe.ts';
import type { Store } from '../store/store.ts';

/**
 * Every verb of the operator. A command checks its gates, asks the campaign's machine, and writes the campaign's targets
 * by compare-and-set: nothing else. Workers see the new targets and act; a crash in between changes nothing.
 */
export interface CommandContext {
  readonly store: Store;
  readonly migrations: readonly Migration[];
  readonly clock: Clock;
  /** Who commands: written to the campaign's history. */
  readonly by: string;
}

export interface CommandOptions {
  readonly reason?: string;
  /** Percent of records (or of groups) that the command sends on, 0 < share <= 100. Default: 100. */
  readonly share?: number;
}

export interface PaceOptions {
  /** Operations a second of all workers together; `none` takes the ceiling away. */
  readonly ceiling?: number | 'none';
  /** Whether the pace rises slowly, by the ramp. */
  readonly ramp?: boolean;
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
  const migration = migrationNamed(context, name);
  await checkPredecessors(context, migration);
  const to = options.to ?? 'copied';
  const open = await openCampaign(context, name);
  const campaign = open ?? (await create(context, migration));
  const event = to === 'copied' ? 'start' : (`start.${to}` as const);
  // From a campaign on its way back, some records may be past what is wanted now.
  return command(context, campaign.id, event, to, options, 'home', async (current) => {
    if (current.stage !== 'draft') await checkReverse(context, campaign);
  });
}

/** Makes the new home the owner. Refused until a copy was complete and clean once. */
export async function switchOver(context: CommandContext, name: string, options: CommandOptions = {}) {
  const campaign = await theCampaign(context, name);
  return command(context, campaign.id, 'switch', 'switched', options, 'copied', async (current) => {
    if (!current.switchGateOpen) throw closed('the copy is not complete and clean yet; see `handover status`');
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
    if (!hasSettled(current)) throw closed('records are still on their way; see `handover status`');
    const left = leaveQuarantined ? 0 : await countQuarantined(context.store, current.id, 1);
    if (left > 0) {
      throw closed('records are quarantined and would stay in the old home; retry them, or pass --leave-quarantined');
    }
  };
  return command(context, campaign.id, 'complete', 'completed', options, 'switched', gate, { leaveQuarantined, strip });
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

/**
 * Sets how fast all workers of a campaign together may go, from now on. Of the records nothing changes, so nothing that
 * was swept counts less; what is under way in this moment is fenced like after any change, and begun anew.
 */
export async function setPace(
  context: CommandContext,
  name: string,
  options: PaceOptions & { readonly reason?: string },
): Promise<CampaignDocument> {
  checkPace(options);
  const { ceiling, ramp, reason } = options;
  if (ceiling === undefined && ramp === undefined) {
    throw new HandoverError('usage.invalid', 'Say --ceiling, --ramp or --no-ramp.');
  }
  const { id } = await theCampaign(context, name);
  const said = [
    ...(ceiling === undefined ? [] : [`ceiling ${ceiling}`]),
    ...(ramp === undefined ? [] : [ramp ? 'ramp' : 'no ramp']),
  ];
  return change(context, id, (current) => {
    if (current.closed) throw refused(current, 'pace');
    const pace = paceAfter(current.pace ?? { ramp: false, since: 0 }, options, context.clock.now());
    return { ...current, pace, ...record(context, current, `pace: ${said.join(', ')}`, reason) };
  });
}

/**
 * Tries quarantined records again: all of them, those with one cause, or one by its old key. Returns how many. Writes
 * down what is asked for, with a new sweep; the worker that begins that sweep takes the records off the list.
 */
export async function retry(
  context: CommandContext,
  name: string,
  which: { readonly code?: string; readonly key?: string } = {},
): Promise<number> {
  const campaign = await theCampaign(context, name);
  if (campaign.closed) throw refused(campaign, 'retry');
  const { id } = campaign;
  let count = 0;
  for await (const { value } of list(context.store, 'quarantine', id)) if (isAskedFor(which, value)) count++;
  if (count === 0) return 0;
  await retryAs(context, id, [which], `retry ${count}`);
  return count;
}

/** Has the next sweep take off the list what earlier ones have put there, and try it again. */
export async function retryAs(
  context: CommandContext,
  id: string,
  asked: readonly { readonly code?: string; readonly key?: string }[],
  what: string,
  reason?: string,
): Promise<void> {
  await change(context, id, (current) => {
    if (current.closed) throw refused(current, 'retry');
    const { settledAt: _, generation, ...unsettled } = current;
    const sweep = current.sweep + 1;
    // What an earlier `retry` asked for may not have been begun yet.
    const before = current.retry && nameOf(current.retry) === nameOf(current) ? current.retry.which : [];
    const retry = { generation, sweep, which: [...before, ...asked] };
    // What is tried again may move: nothing is proved of this generation any more.
    const lastSweep = current.lastSweep && { ...current.lastSweep, clean: false, inRow: 0 };
    return {
      ...unsettled,
      ...(lastSweep ? { lastSweep } : {}),
      generation,
      sweep,
      retry,
      ...record(context, current, what, reason),
    };
  });
}

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

const openCampaign = async (context: CommandContext, name: string) =>
  (await campaignsOf(context.store, name)).find(({ closed }) => !closed);

export function migrationNamed({ migrations }: Pick<CommandContext, 'migrations'>, name: string): Migration {
  const migration = migrations.find((candidate) => candidate.name === name);
  if (migration) return migration;
  const known = migrations.map((candidate) => candidate.name).join(', ') || 'none';
  throw new HandoverError('definition.missing', `There is no migration ${JSON.stringify(name)}; known: ${known}.`);
}

async function checkPredecessors(context: CommandContext, { after, name }: Migration): Promise<void> {
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

function checkPace({ ceiling }: PaceOptions): void {
  if (ceiling === undefined || ceiling === 'none' || ceiling > 0) return;
  throw new HandoverError('usage.invalid', `A ceiling is a number over 0, or none, not ${ceiling}.`);
}

/** A ramp that is turned on begins now. */
function paceAfter(before: CampaignPace, { ceiling, ramp = before.ramp }: PaceOptions, now: number): CampaignPace {
  const { ceilingPerSecond: kept, ...rest } = before;
  const ceilingPerSecond = ceiling === 'none' ? undefined : (ceiling ?? kept);
  const since = ramp && !before.ramp ? now : rest.since;
  return { ramp, since, ...(ceilingPerSecond === undefined ? {} : { ceilingPerSecond }) };
}

/**
 * The pace that goes with a command. The ramp begins anew where the command finds the campaign at rest: by then nothing
 * has come to its keys for a while, and the store may have merged what it had split.
 */
function paceOf({ store, clock }: CommandContext, current: CampaignDocument, options: PaceOptions): CampaignPace {
  const now = clock.now();
  const fresh = { ramp: current.stage === 'draft' && store.capabilities.warmsUp, since: now };
  const before = current.pace ?? fresh;
  return paceAfter(hasSettled(current) ? { ...before, since: now } : before, options, now);
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
  also: { readonly leaveQuarantined: boolean; readonly strip: boolean } = { leaveQuarantined: false, strip: false },
): Promise<CampaignDocument> {
  const share = shareOf(options);
  return change(context, id, async (current) => {
    if (current.stage !== 'draft') definitionOf(context, current);
    const step = campaignStep({ stage: current.stage, run: current.run }, event);
    if (!step) throw refused(current, event);
    await gate(current);
    const { settledAt: _, strip: __, ...unsettled } = current;
    const targets = [...aim(current.targets, target, share, rest)];
    const next = {
      ...unsettled,
      ...step.next,
      ...adopted(context, current),
      leaveQuarantined: also.leaveQuarantined,
      ...(also.strip ? { strip: { step: 0, stripped: 0, left: 0 } } : {}),
      targets,
      pace: paceOf(context, current, options),
    };
    next.generation++;
    next.sweep = 1;
    if (step.effects.some(({ type }) => type === 'close')) next.closed = true;
    // Who starts straight for a later stage wants no gate: each record is copied and checked on its own way.
    if (event.startsWith('start.')) next.switchGateOpen = true;
    return { ...next, ...record(context, next, share === 100 ? event : `${event} ${share} %`, options.reason) };
  });
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

/**
 * Changes the campaign once. Each call marks the entry it writes into the history: when an answer is lost and the look
 * that follows finds the mark, the command took effect, whatever its gates would say by now.
 */
export async function change(
  context: CommandContext,
  id: string,
  compute: (current: CampaignDocument) => CampaignDocument | Promise<CampaignDocument>,
): Promise<CampaignDocument> {
  const call = context.clock.id();
  return updateCampaign(context, id, async (current) => {
    if (current.history.some((entry) => entry.id === call)) return undefined;
    const next = await compute(current);
    const history = next.history.map((entry, i, all) => (i === all.length - 1 ? { ...entry, id: call } : entry));
    return { ...next, history };
  });
}

/** A draft has moved nothing: it takes the definition as it is now. */
function adopted({ migrations }: CommandContext, { stage, migration }: CampaignDocument): Partial<CampaignDocument> {
  const found = stage === 'draft' && migrations.find(({ name }) => name === migration);
  return found ? { definition: found.fingerprint, migrationVersion: found.version } : {};
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

/** The way back is checked before the first step of it: what has no backward transform must not have been modified. */
async function checkReverse(context: CommandContext, campaign: CampaignDocument): Promise<void> {
  const migration = definitionOf(context, campaign);
  const { count, samples } = await countModified(context.store, migration, campaign.id);
  if (count === 0) return;
  throw new HandoverError('reverse.missing', `${count} records, ${samples.join(', ')} among them.`, { count, samples });
}

/** The history with one more entry, the oldest forgotten. */
export function record(context: CommandContext, { history, targets }: CampaignDocument, what: string, reason?: string) {
  const entry = { at: context.clock.now(), by: context.by, what, ...(reason === undefined ? {} : { reason }), targets };
  return { history: [...history, entry].slice(-LIMITS.historyEntries) };
}

/** Whether this generation has come to rest, if only once: a campaign at rest is swept again and again. */
const hasSettled = ({ settledAt, lastSweep, generation }: CampaignDocument): boolean =>
  settledAt !== undefined || (lastSweep?.clean === true && lastSweep.generation === generation);

const closed = (why: string) => new HandoverError('gate.closed', `Not yet: ${why}.`);

export const refused = ({ id, stage, run, closed: over }: CampaignDocument, event: string) =>
  new HandoverError(
    'campaign.refused',
    `${event} is not possible: campaign ${id} is ${stage}${run === 'paused' ? ' and paused' : ''}${over ? ', and closed' : ''}.`,
    { stage, run, event },
  );
