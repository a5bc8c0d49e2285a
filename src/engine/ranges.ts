import type { Side } from '../../machines/moves.ts';
import { Key } from '../record/key.ts';
import type { Store } from '../store/store.ts';
import { sweepName } from './campaigns.ts';
import { addAll, type Counts } from './counts.ts';
import { decode, documentKey, loadMany, type Stored } from './documents.ts';
import type { CampaignDocument, RangeDocument, SweepDocument } from './schemas.ts';

/**
 * A range of a sweep as it is just now: one of the plan, or one that was cut off a range since. That one is implied by what
 * it was cut off: `cuts` of a range's document, in the order in which they were made, are keys. What lies behind the last
 * of them is no more its own: the n-th cut and all up to the one before it, or to the end, is the range `NAME.n`. So the
 * write that shortens a range is the one that makes the other; nothing lies in both, and nothing in none.
 */
export interface RangeLook {
  /** Its place in the plan, and for each time that it was cut off, which cut that was: `000003`, `000003.1`, `000003.1.2`. */
  readonly name: string;
  /** With its bounds before it was cut. */
  readonly plan: Planned;
  /** Unset: nobody has begun it. */
  readonly stored: Stored<'range'> | undefined;
}

export type Planned = SweepDocument['ranges'][number];

export const planName = (index: number): string => String(index).padStart(6, '0');

export const rangeKey = (campaign: CampaignDocument, name: string): Key =>
  documentKey('range', campaign.id, `${sweepName(campaign)}.${name}`);

/** Where it ends, since it was cut. */
export const endOf = ({ until }: Pick<Planned, 'until'>, { cuts }: Pick<RangeDocument, 'cuts'>): string | undefined =>
  cuts?.at(-1) ?? until;

/** Whether a cursor stands behind a cut. */
export const isPast = (cursor: string | undefined, cut: string): boolean =>
  cursor !== undefined && Key.parse(cursor).bytes.compare(Key.parse(cut).bytes) > 0;

/** Ranges of one turn are done before those of the next: what refers first, old homes, new homes, what refers last. */
export const turnOf = ({ home, refers }: Planned): number =>
  refers === 'first' ? 0 : refers === 'last' ? 3 : home === 'S' ? 1 : 2;

export interface Progress {
  readonly ranges: readonly RangeLook[];
  /** Everything the ranges have counted so far. */
  readonly counts: Counts;
  /** The part of it that is of old homes. */
  readonly oldHomes: Counts;
  readonly oldHomesDone: boolean;
  readonly done: boolean;
  /** 0 to 1, by ranges; a range under way counts for nothing. */
  readonly share: number;
}

/** A sweep, and the names of those of its ranges that are known. */
export interface KnownSweep {
  readonly campaign: CampaignDocument;
  readonly sweep: SweepDocument;
  readonly names: readonly string[];
}

export async function progressOf(store: Store, campaign: CampaignDocument, sweep: SweepDocument): Promise<Progress> {
  return progressIn(await allRanges(store, campaign, sweep, new Map()));
}

/**
 * The campaign and how far its sweep is, in one read; without the progress where the sweep under way is not the one that
 * `known` tells of. The campaign may be the older of the two: ranges of its sweep can only have come further.
 */
export async function lookAtCampaign(
  store: Store,
  id: string,
  known: KnownSweep | undefined,
): Promise<{ readonly campaign: Stored<'campaign'>; readonly progress?: Progress } | undefined> {
  const { names = [] } = known ?? {};
  const keys = known ? names.map((name) => rangeKey(known.campaign, name)) : [];
  const [first, ...others] = await store.read([documentKey('campaign', id), ...keys]);
  if (!first) return undefined;
  const campaign = decode('campaign', first);
  if (!known || sweepName(known.campaign) !== sweepName(campaign.value)) return { campaign };
  const read = new Map(names.map((name, i) => [name, others[i] && decode('range', others[i])]));
  return { campaign, progress: progressIn(await allRanges(store, campaign.value, known.sweep, read)) };
}

/**
 * All ranges of a sweep. Those of the plan are read, then those that were cut off them. A range is seen as it was at some
 * moment, and one that is done is never cut any more: so what is found done stays done, in whatever order they were read.
 */
async function allRanges(
  store: Store,
  campaign: CampaignDocument,
  sweep: SweepDocument,
  read: Map<string, Stored<'range'> | undefined>,
): Promise<readonly RangeLook[]> {
  for (;;) {
    const ranges = sweep.ranges.flatMap((plan, index) => withCuts(planName(index), plan, read));
    const unread = ranges.filter(({ name }) => !read.has(name));
    if (unread.length === 0) return ranges;
    const keys = unread.map(({ name }) => rangeKey(campaign, name));
    const found = await loadMany(store, 'range', keys);
    for (const [i, { name }] of unread.entries()) read.set(name, found[i]);
  }
}

/** A range, and what was cut off it. */
function withCuts(name: string, plan: Planned, read: ReadonlyMap<string, Stored<'range'> | undefined>): RangeLook[] {
  const stored = read.get(name);
  const cuts = stored?.value.cuts ?? [];
  const cutOff = cuts.flatMap((after, i) => {
    const until = cuts[i - 1] ?? plan.until;
    const { until: _, ...of } = plan;
    return withCuts(`${name}.${i + 1}`, { ...of, after, ...(until === undefined ? {} : { until }) }, read);
  });
  return [{ name, plan, stored }, ...cutOff];
}

function progressIn(ranges: readonly RangeLook[]): Progress {
  const counts: Counts = {};
  const oldHomes: Counts = {};
  for (const { plan, stored } of ranges) {
    addAll(counts, stored?.value.counts ?? {});
    if (plan.home === 'S') addAll(oldHomes, stored?.value.counts ?? {});
  }
  const doneAt = (home: Side) => ranges.every(({ plan, stored }) => plan.home !== home || stored?.value.done);
  const oldHomesDone = doneAt('S');
  return {
    ranges,
    counts,
    oldHomes,
    oldHomesDone,
    done: oldHomesDone && doneAt('T'),
    share: ranges.filter(({ stored }) => stored?.value.done).length / Math.max(1, ranges.length),
  };
}
