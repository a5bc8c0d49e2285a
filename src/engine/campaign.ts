import type { CampaignEvent } from '../../machines/campaign.ts';
import type { Clock } from '../clock.ts';
import type { Migration } from '../define/migration.ts';
import { LIMITS } from '../limits.ts';
import type { Capabilities, Store } from '../store/store.ts';
import { entered } from './audit.ts';
import { sweepName, updateCampaign } from './campaigns.ts';
import { type Counts, populationOf } from './counts.ts';
import { campaignStep } from './decide.ts';
import { dropsOf } from './dropping.ts';
import { sameSweep } from './fence.ts';
import { afterSettled, isAfterDue, nextGeneration } from './hooksDue.ts';
import type { Taking } from './invariantSchema.ts';
import { heldUpBy } from './invariants.ts';
import { brokenText } from './invariantTaking.ts';
import { countQuarantined, isLeftBehind, isSkipped } from './quarantine.ts';
import type { CampaignDocument, QuarantineDocument } from './schemas.ts';
import { uniform } from './targets.ts';

/** What workers do to a campaign: end a sweep, begin another, pause. Whoever is first does it, by compare-and-set. */
export interface SweepEnd {
  readonly campaign: CampaignDocument;
  readonly clean: boolean;
  /** Whether it was this worker that ended the sweep. */
  readonly first: boolean;
  /** That this very call has paused the campaign. */
  readonly paused: Paused | undefined;
}

/**
 * Ends a sweep: the campaign comes to rest, or the next sweep begins; or it pauses over what was found of its invariants,
 * and the sweep that follows when it is resumed looks again. `whole`: all of its ranges were done; `by`: who found out.
 */
export async function endSweep(
  store: Store,
  clock: Clock,
  swept: CampaignDocument,
  migration: Pick<Migration, 'references' | 'hooks'>,
  { counts, whole, by }: { readonly counts: Counts; readonly whole: boolean; readonly by: string },
  taking?: Taking,
): Promise<SweepEnd> {
  const call = taking?.state === 'broken' ? clock.id() : '';
  let clean = false;
  let settles = false;
  let first = false;
  const campaign = await updateCampaign({ store, clock }, swept.id, async (current) => {
    first = sameSweep(current, swept);
    if (!first) return undefined;
    clean = isClean(current, counts, store.capabilities);
    const { generation, sweep } = current;
    const at = clock.now();
    const drops = dropsOf(current, migration);
    if (drops === 'never' || (drops === 'only' && !clean)) {
      clean = false;
      return { ...current, ...beforeDrop(current, drops, { counts, whole, at }, store.capabilities) };
    }
    const inRow = clean ? cleanBefore(current) + 1 : 0;
    const lastSweep = { generation, sweep, at, clean, inRow, counts };
    settles = clean && inRow >= sweepsToSettle(store.capabilities);
    const next = { generation, sweep: sweep + 1 };
    const again = { lastSweep, ...next, ...(drops ? { dropIn: sweepName(next) } : {}) };
    if (!settles) return { ...current, ...again };
    const heldUp = heldUpBy(taking, current);
    if (heldUp === 'broken')
      return { ...pausedOver(current, clock, taking!.by, brokenText(taking!), 'invariant.broken', call), ...again };
    if (heldUp) return { ...current, ...again };
    const settled = { ...current, lastSweep, population: { at, records: populationOf(counts) } };
    // What is quarantined is nobody's to close over: the campaign rests open, so that it can be retried, or left behind.
    const isOpen = (entry: QuarantineDocument) => !isLeftBehind(current, entry);
    const leftovers = isClosing(current) && (await countQuarantined(store, current.id, 1, isOpen)) > 0;
    if (leftovers) return { ...settled, settledAt: at };
    const rested = settle(settled, migration, at);
    if (rested.definition === current.definition) return rested;
    // When the next version took over, for whoever looks whether routers of it may run.
    const entry = { what: `version ${rested.migrationVersion}`, from: { way: 'worker' as const } };
    return { ...rested, ...entered({ clock, by }, rested, entry) };
  });
  return { campaign, clean, first, paused: call === '' ? undefined : pauseOf(campaign, call) };
}

/** Whether a finished sweep proves that the campaign rests: then its invariants are taken. */
export const wouldSettle = (campaign: CampaignDocument, counts: Counts, capabilities: Capabilities): boolean =>
  isClean(campaign, counts, capabilities) && cleanBefore(campaign) + 1 >= sweepsToSettle(capabilities);

/**
 * Where records are referred to, a sweep that keeps both sides is followed by one that drops: when all references were
 * looked at after all records, and none was rewritten, and nothing was left behind or may still land. What that one had
 * to leave, as it was inserted since, the next one brings there before references are looked at again.
 */
function beforeDrop(
  campaign: CampaignDocument,
  drops: 'never' | 'only',
  { counts, whole, at }: { readonly counts: Counts; readonly whole: boolean; readonly at: number },
  capabilities: Capabilities,
): Pick<CampaignDocument, 'lastSweep' | 'sweep' | 'dropIn'> {
  const { generation, sweep, lastSweep: before } = campaign;
  const pending = (counts.unresolved ?? 0) + (counts.rewritten ?? 0) + (drops === 'never' ? (counts.doubtful ?? 0) : 0);
  // What was seen under the commands before this one may land in its first sweep, where nothing is guarded.
  const ready = pending === 0 && whole && (capabilities.guards || sweep > 1);
  const inRow = ready && drops === 'never' ? (before?.generation === generation ? (before.ready ?? 0) : 0) + 1 : 0;
  const dropNext = drops === 'only' ? pending === 0 : inRow >= sweepsToSettle(capabilities);
  const next = { generation, sweep: sweep + 1 };
  return {
    lastSweep: { generation, sweep, at, clean: false, ready: inRow, counts },
    sweep: next.sweep,
    ...(dropNext ? { dropIn: sweepName(next) } : {}),
  };
}

/**
 * One clean sweep proves what it saw. A scan that may lag behind shows less than there is: rows are missing, others are
 * old. What an old row shows is found out by its compare-and-set; what is missing shows in a later scan, so that several
 * clean sweeps in a row are asked for. More than that cannot be proved on such a store.
 */
export const sweepsToSettle = ({ scans }: Capabilities): number => (scans === 'strong' ? 1 : LIMITS.eventualSweeps);

/** How many clean sweeps of this generation there were in a row. */
export const cleanBefore = ({ lastSweep, generation }: CampaignDocument): number =>
  lastSweep?.generation === generation && lastSweep.clean ? (lastSweep.inRow ?? 1) : 0;

/** Whether its definition is over when the campaign comes to rest: it closes then, or another one takes over. */
export const isClosing = ({ stage }: CampaignDocument): boolean =>
  stage === 'completing' || stage === 'upgrading' || stage === 'cancelling';

/**
 * Whether a finished sweep proves that the campaign rests. Every record that existed when it began was seen, and rested
 * when it was seen; live traffic may have unsettled some since, or before the sweep came by, which is what the moves
 * were for. `home` and `completed` must see a sweep without any move: one that moved something was shown what those before
 * it were not, and where scans lag there may be more. The others need one with few moves, or, so that traffic cannot keep
 * them for ever, one that was no longer much better than the sweep before.
 */
export function isClean(campaign: CampaignDocument, counts: Counts, capabilities: Capabilities): boolean {
  if ((counts.unresolved ?? 0) > 0) return false;
  if (isClosing(campaign) && !provesRest(campaign, counts, capabilities)) return false;
  const moved = changedIn(counts);
  if (moved === 0) return true;
  const target = uniform(campaign.targets);
  if (target === 'home' || target === 'completed') return false;
  if (moved <= LIMITS.cleanShare * (counts.seen ?? 0)) return true;
  const before = campaign.lastSweep;
  return before?.generation === campaign.generation && campaign.sweep >= 3 && moved * 2 >= changedIn(before.counts);
}

/** A record that was rewritten for what it refers to may have a copy, which is stale now. */
const changedIn = ({ moved = 0, rewritten = 0 }: Counts): number => moved + rewritten;

/**
 * After a campaign has closed nobody looks again, so nothing may land any more (P7); nor once another definition has taken
 * over, by which it would be read wrongly. What was seen before this sweep
 * cannot (rule 4); without guards that is so from the second sweep on, which waits for it. And within this sweep nobody
 * may have begun a move: no answer was lost, no range changed hands, and no insert is under way.
 */
function provesRest({ sweep }: CampaignDocument, counts: Counts, { guards }: Capabilities): boolean {
  const underWay = (counts.doubtful ?? 0) + (counts['S.birth'] ?? 0);
  return underWay === 0 && (guards || sweep > 1);
}

/** A campaign at rest is looked over now and then: copies go stale, and strangers write where they should not. */
export async function sweepAgain(store: Store, clock: Clock, swept: CampaignDocument): Promise<true> {
  const { id, generation, sweep } = swept;
  await updateCampaign({ store, clock }, id, (current) => {
    if (current.generation !== generation || current.sweep !== sweep || current.settledAt === undefined)
      return undefined;
    const { settledAt: _, ...rest } = current;
    return { ...rest, sweep: sweep + 1 };
  });
  return true;
}

export interface Paused {
  readonly because: string;
  readonly command: number;
}

/**
 * Pauses a campaign that has more quarantined records, not skipped, than its migration allows. Resolves with why, and with
 * the number of the command in its audit trail, where this very call has paused it.
 */
export async function checkBudget(
  store: Store,
  clock: Clock,
  campaign: CampaignDocument,
  { errorBudget }: Migration,
  by: string,
): Promise<Paused | undefined> {
  const { id } = campaign;
  const isOver = async (now: CampaignDocument) =>
    (await countQuarantined(store, id, errorBudget + 1, (entry) => !isSkipped(now, entry))) > errorBudget;
  if (!(await isOver(campaign))) return undefined;
  const because = `more than ${errorBudget} records are quarantined`;
  const call = clock.id();
  const paused = await updateCampaign({ store, clock }, id, async (current) => {
    if (!campaignStep(current, 'budget.exceeded')) return undefined;
    // Some may have been skipped meanwhile.
    if (current.skips?.length !== campaign.skips?.length && !(await isOver(current))) return undefined;
    return pausedOver(current, clock, by, because, 'budget.exceeded', call);
  });
  // Several lanes find out at once, and one is the first.
  return pauseOf(paused, call);
}

/** Pauses it over a hook that has failed too often; each pause begins a round of attempts anew. */
export async function pauseOverHook(
  { store, clock, by }: { readonly store: Store; readonly clock: Clock; readonly by: string },
  { id, hookRound: round = 0 }: CampaignDocument,
  still: (now: CampaignDocument) => boolean,
  because: string,
): Promise<Paused | undefined> {
  const call = clock.id();
  const paused = await updateCampaign({ store, clock }, id, (current) => {
    if (!still(current) || (current.hookRound ?? 0) !== round || !campaignStep(current, 'hook.failed'))
      return undefined;
    return { ...pausedOver(current, clock, by, because, 'hook.failed', call), hookRound: round + 1 };
  });
  return pauseOf(paused, call);
}

function pausedOver(
  current: CampaignDocument,
  clock: Clock,
  by: string,
  because: string,
  over: 'budget.exceeded' | 'invariant.broken' | 'hook.failed',
  call: string,
): CampaignDocument {
  const entry = { what: 'pause', reason: because, from: { way: 'worker' as const }, id: call };
  const { next } = campaignStep(current, over)!;
  return { ...current, ...next, pausedBecause: because, ...entered({ clock, by }, current, entry) };
}

/** What a campaign was paused for by this very call, if it was. */
function pauseOf({ history, archived = 0 }: CampaignDocument, call: string): Paused | undefined {
  const at = history.findIndex(({ id }) => id === call);
  return at < 0 ? undefined : { because: history[at]!.reason!, command: archived + at };
}

/** Every record rests at its target: what that means for the campaign is the machine's to say. It closes after its hook. */
function settle(campaign: CampaignDocument, migration: Pick<Migration, 'hooks'>, now: number): CampaignDocument {
  const step = campaignStep({ stage: campaign.stage, run: campaign.run }, settledEvent(campaign));
  const effects = step?.effects ?? [];
  const settled = { ...campaign, ...step?.next, settledAt: now };
  if (effects.some(({ type }) => type === 'adopt')) return adopted(settled);
  const due = afterSettled(settled, migration);
  return {
    ...settled,
    ...due,
    switchGateOpen: campaign.switchGateOpen || effects.some(({ type }) => type === 'openSwitchGate'),
    closed: effects.some(({ type }) => type === 'close') && !isAfterDue({ ...settled, ...due }),
  };
}

/**
 * Nothing is left that was made by the definition before, and nothing was swept by the one that takes over: a worker that
 * has it looks at everything first, and calls the hook that it has for what is at home.
 */
function adopted(campaign: CampaignDocument): CampaignDocument {
  const { upgradeTo, away: _, settledAt: __, firstVersion = campaign.migrationVersion, ...rest } = campaign;
  const { version, definition, outline } = upgradeTo!;
  const generation = nextGeneration(campaign);
  return {
    ...rest,
    migrationVersion: version,
    firstVersion,
    definition,
    outline,
    generation,
    versionSince: generation,
    sweep: 1,
    switchGateOpen: false,
  };
}

function settledEvent({ targets }: CampaignDocument): CampaignEvent['type'] {
  if (uniform(targets)) return 'sweep.settled';
  const away = targets.some(({ target }) => target === 'switched' || target === 'completed');
  return away ? 'sweep.settledPartlySwitched' : 'sweep.settledPartlyCopied';
}
