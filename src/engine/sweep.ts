import { hash } from 'node:crypto';
import type { Side } from '../../machines/moves.ts';
import type { Clock } from '../clock.ts';
import { type Migration, movedBy } from '../define/migration.ts';
import { LIMITS } from '../limits.ts';
import { Key } from '../record/key.ts';
import type { KeyRange, Store } from '../store/store.ts';
import { sweepName } from './campaigns.ts';
import { claimOf, isLive, type Lane, type Sightings, workerOf } from './claim.ts';
import { add, addAll, type Counts } from './counts.ts';
import { attempts, decode, documentKey, erase, list, load, loadMany, type Stored, save } from './documents.ts';
import { dropsOf } from './dropping.ts';
import { Fence, Fenced, type Hand, sameSweep } from './fence.ts';
import { releaseRetried } from './retried.ts';
import type { CampaignDocument, PaceNote, RangeDocument, SweepDocument } from './schemas.ts';
import { subscribersOf } from './subscribers.ts';

/**
 * Where a sweep is kept: one look at every record of a campaign, all old homes, then all new ones, cut into ranges that
 * workers share. A range's checkpoint and its counts are one document, advanced by compare-and-set after its pages are done: a page
 * may be done twice after a crash, which changes nothing, but is counted once.
 */
export const sweepKey = (campaign: CampaignDocument): Key => documentKey('sweep', campaign.id, sweepName(campaign));

const rangeKey = (campaign: CampaignDocument, index: number): Key =>
  documentKey('range', campaign.id, `${sweepName(campaign)}.${String(index).padStart(6, '0')}`);

/** The number of the first rule of what is rewritten in place. */
export const firstField = ({ records, subscriptions }: Migration): number => records.length + subscriptions.length;

/** The number of the first form of what refers to records. */
export const firstReferring = (migration: Migration): number => firstField(migration) + migration.fields.length;

/**
 * All keys of one home of one rule; or, numbered on from the rules, of the records that have subscriptions, of those that are
 * rewritten in place, and of what refers to records.
 */
export function homeRange(migration: Migration, rule: number, home: Side): KeyRange {
  const { namespace, records, subscriptions, fields, references } = migration;
  const moved = records[rule];
  const staying = [...subscriptions, ...fields, ...references][rule - records.length];
  const kinds = moved ? moved[home === 'S' ? 'from' : 'into'] : staying!.of;
  const kind = kinds[kinds.length - 1]!;
  // One kind of what refers stands for all paths that end in it.
  return rule >= firstReferring(migration) && kinds.length === 1
    ? { namespace, kind }
    : { namespace, kind, rootKind: kinds[0]! };
}

/** What a sweep goes through for one home of one rule: records, or what was noted of such as have subscriptions. */
export function sweptRange(migration: Migration, campaign: string, rule: number, home: Side): KeyRange {
  const subscribed = migration.subscriptions[rule - migration.records.length];
  const noted = subscribed && (home === 'T' || movedBy(migration, subscribed));
  return noted ? subscribersOf(campaign, rule) : homeRange(migration, rule, home);
}

/** The sweep under way, planned by whoever comes first: one document holds all bounds, so all workers share one plan. Throws `Fenced`. */
export async function currentSweep(hand: Hand): Promise<SweepDocument> {
  const { store, clock, migration, look, signal } = hand;
  const campaign = look.campaign.value;
  const fence = Fence.by(look, { store, clock, still: (now) => sameSweep(now, campaign) });
  const key = sweepKey(campaign);
  return attempts(clock, key, signal, async () => {
    const stored = await load(store, 'sweep', key);
    if (stored) return { done: stored.value };
    // Before the sweep begins: what it finds again is listed under its own name, and no late hand releases that.
    await releaseRetried(hand, fence);
    const sweep: SweepDocument = {
      v: 1,
      startedAt: clock.now(),
      ranges: await planRanges(store, migration, campaign),
    };
    // Under the campaign that all of it was asked for by: else something may have been asked for that nobody did.
    fence.check();
    const saved = await save<'sweep'>(store, key, sweep, undefined, fence.guard);
    if (saved.status === 'fenced') throw new Fenced();
    return saved.status === 'applied' ? { done: sweep } : saved;
  });
}

async function planRanges(
  store: Store,
  migration: Migration,
  campaign: CampaignDocument,
): Promise<SweepDocument['ranges']> {
  const ranges: SweepDocument['ranges'] = [];
  const { records, fields, references } = migration;
  const homes = 2 * (records.length + migration.subscriptions.length) + fields.length + references.length;
  const most = Math.min(LIMITS.rangesPerHomeMost, Math.floor(LIMITS.rangesPerSweep / homes));
  const finer = { most, entities: LIMITS.rangeRecords };
  const cut = async (rule: number, about: Pick<SweepDocument['ranges'][number], 'home' | 'refers'>) => {
    const whole = sweptRange(migration, campaign.id, rule, about.home);
    for (const { after, until } of await store.split(whole, LIMITS.rangesPerHome, finer)) {
      ranges.push({
        rule,
        ...about,
        ...(after ? { after: after.toString() } : {}),
        ...(until ? { until: until.toString() } : {}),
      });
    }
  };
  const refers = dropsOf(campaign, migration) === 'only' ? 'first' : 'last';
  for (const home of ['S', 'T'] as const) {
    // By group, what was noted of its subscriptions leads to groups, as records at their new home do.
    const subscriptions = home === 'S' || migration.by === 'group' ? migration.subscriptions : [];
    const fields = home === 'S' ? migration.fields : [];
    for (const rule of [...migration.records, ...subscriptions, ...fields].keys()) await cut(rule, { home });
  }
  for (const i of migration.references.keys()) await cut(firstReferring(migration) + i, { home: 'T', refers });
  return ranges;
}

/** Ranges of one turn are done before those of the next: what refers first, old homes, new homes, what refers last. */
const turnOf = ({ home, refers }: SweepDocument['ranges'][number]): number =>
  refers === 'first' ? 0 : refers === 'last' ? 3 : home === 'S' ? 1 : 2;

/** What is left of a range after its checkpoint. */
export function remaining(
  migration: Migration,
  campaign: string,
  range: SweepDocument['ranges'][number],
  cursor: string | undefined,
): KeyRange {
  const after = cursor ?? range.after;
  return {
    ...sweptRange(migration, campaign, range.rule, range.home),
    ...(after === undefined ? {} : { after: Key.parse(after) }),
    ...(range.until === undefined ? {} : { until: Key.parse(range.until) }),
  };
}

export interface Progress {
  readonly ranges: readonly (Stored<'range'> | undefined)[];
  /** Everything the ranges have counted so far. */
  readonly counts: Counts;
  /** The part of it that is of old homes. */
  readonly oldHomes: Counts;
  readonly oldHomesDone: boolean;
  readonly done: boolean;
  /** 0 to 1, by ranges; a range under way counts for nothing. */
  readonly share: number;
}

export async function progressOf(store: Store, campaign: CampaignDocument, sweep: SweepDocument): Promise<Progress> {
  return progressIn(sweep, await loadMany(store, 'range', rangeKeys(campaign, sweep)));
}

/**
 * The campaign and how far its sweep is, in one read; without the progress where the sweep under way is not the one that
 * `known` tells of. The campaign may be the older of the two: ranges of its sweep can only have come further.
 */
export async function lookAtCampaign(
  store: Store,
  id: string,
  known: { readonly campaign: CampaignDocument; readonly sweep: SweepDocument } | undefined,
): Promise<{ readonly campaign: Stored<'campaign'>; readonly progress?: Progress } | undefined> {
  const keys = known ? rangeKeys(known.campaign, known.sweep) : [];
  const [first, ...others] = await store.read([documentKey('campaign', id), ...keys]);
  if (!first) return undefined;
  const campaign = decode('campaign', first);
  if (!known || sweepName(known.campaign) !== sweepName(campaign.value)) return { campaign };
  return {
    campaign,
    progress: progressIn(
      known.sweep,
      others.map((entity) => entity && decode('range', entity)),
    ),
  };
}

const rangeKeys = (campaign: CampaignDocument, { ranges }: SweepDocument): readonly Key[] =>
  ranges.map((_, i) => rangeKey(campaign, i));

function progressIn(sweep: SweepDocument, ranges: Progress['ranges']): Progress {
  const counts: Counts = {};
  const oldHomes: Counts = {};
  ranges.forEach((range, i) => {
    addAll(counts, range?.value.counts ?? {});
    if (sweep.ranges[i]!.home === 'S') addAll(oldHomes, range?.value.counts ?? {});
  });
  const doneAt = (home: Side) => sweep.ranges.every((range, i) => range.home !== home || ranges[i]?.value.done);
  const oldHomesDone = doneAt('S');
  return {
    ranges,
    counts,
    oldHomes,
    oldHomesDone,
    done: oldHomesDone && doneAt('T'),
    share: ranges.filter((range) => range?.value.done).length / Math.max(1, ranges.length),
  };
}

/**
 * A range to work on, with this worker's claim on it; 'busy' when others hold all that is left, or the store has no room;
 * 'lost' when somebody else was faster: what else was free by this look may be taken as well, so look again. Claims only keep workers
 * out of each other's way: two that work on one range lose time, never data. Whoever takes a range over cannot know what
 * the one before moved there and did not live to count, so that such a sweep proves less: it is `doubtful`.
 */
export async function claimRange(
  store: Store,
  campaign: CampaignDocument,
  sweep: SweepDocument,
  progress: Progress,
  lane: Lane,
  sightings: Sightings,
  clock: Pick<Clock, 'now' | 'ticks'>,
): Promise<{ index: number; stored: Stored<'range'> } | 'busy' | 'lost'> {
  const undone = sweep.ranges.map((_, index) => index).filter((index) => !progress.ranges[index]?.value.done);
  const turn = Math.min(...undone.map((index) => turnOf(sweep.ranges[index]!)));
  const open = undone.filter((index) => turnOf(sweep.ranges[index]!) === turn);
  const now = clock.now();
  const free = open.filter((index) => {
    const claim = progress.ranges[index]?.value.claim;
    return !isLive(claim, now) && !(claim && sightings.isYoung(index, lane.pulse.claimMs, clock.ticks()));
  });
  const index = choiceOf(free, lane.name);
  if (index === undefined) return 'busy';
  const before = progress.ranges[index];
  const counts = { ...before?.value.counts };
  if (before?.value.claim) add(counts, 'doubtful');
  const value: RangeDocument = {
    v: 1,
    done: false,
    ...before?.value,
    counts,
    claim: claimOf(lane, now),
  };
  const key = rangeKey(campaign, index);
  const saved = await save<'range'>(store, key, value, before?.version);
  if (saved.status === 'applied') return { index, stored: { key, value, version: saved.version } };
  return saved.status === 'conflict' ? 'lost' : 'busy';
}

/**
 * Each worker has an order of its own for the ranges, and each of its lanes takes another of the first: so of those who look
 * at one moment, as at the beginning of a sweep, few want the same.
 */
function choiceOf(free: readonly number[], lane: string): number | undefined {
  const worker = workerOf(lane);
  const placed = free.map((index) => [hash('sha1', `${worker} ${index}`, 'hex'), index] as const);
  placed.sort(([a], [b]) => (a < b ? -1 : 1));
  return placed[Number(lane.slice(worker.length + 1)) % placed.length]?.[1];
}

/** Those who hold a range just now, with what each said last of its pace. */
export function liveWorkers({ ranges }: Progress, now: number): ReadonlyMap<string, PaceNote | undefined> {
  const claims = ranges.flatMap((range) => (isLive(range?.value.claim, now) ? [range!.value.claim!] : []));
  claims.sort((a, b) => a.untilMs - b.untilMs);
  return new Map(claims.map(({ by, pace }) => [workerOf(by), pace]));
}

/** Deletes the documents of sweeps that are over. */
export async function forgetOldSweeps(store: Store, campaign: CampaignDocument): Promise<void> {
  const current = sweepName(campaign);
  for (const kind of ['sweep', 'range'] as const) {
    const old: Stored<typeof kind>[] = [];
    for await (const stored of list(store, kind, campaign.id)) {
      // Older names only: whoever is late with this must not touch a sweep that began since.
      if (String(stored.key.id) < current) old.push(stored);
    }
    await erase(store, old);
  }
}
