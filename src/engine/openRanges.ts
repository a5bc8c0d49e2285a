import { hash } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { LIMITS } from '../limits.ts';
import type { Store } from '../store/store.ts';
import { claimOf, isLive, type Lane, type Sightings, workerOf } from './claim.ts';
import { add } from './counts.ts';
import { type Stored, save } from './documents.ts';
import { type Progress, type RangeLook, rangeKey, turnOf } from './ranges.ts';
import type { CampaignDocument, PaceNote, RangeDocument } from './schemas.ts';

/** The ranges that may be worked on now: those of the first turn that is not done. */
export function openRanges({ ranges }: Progress): readonly RangeLook[] {
  const undone = ranges.filter(({ stored }) => !stored?.value.done);
  const turn = Math.min(...undone.map(({ plan }) => turnOf(plan)));
  return undone.filter(({ plan }) => turnOf(plan) === turn);
}

/** Those of them that nobody holds, and that are not stuck. `claimMs`: how long a claim of whoever asks would last. */
export function freeRanges(
  progress: Progress,
  sightings: Sightings,
  claimMs: number,
  clock: Pick<Clock, 'now' | 'ticks'>,
): readonly RangeLook[] {
  const now = clock.now();
  return openRanges(progress).filter(({ name, stored }) => {
    const claim = stored?.value.claim;
    if (isLive(claim, now) || (claim && sightings.isYoung(name, claimMs, clock.ticks()))) return false;
    return !stored || (!isStuck(stored.value, now) && !isLeftAlone(stored.value, now));
  });
}

/**
 * Whether a range is set aside: so many took it and were not heard of again, without one page of it done, that the next
 * one would fare no better. A process that dies over a page, or an author's function that never returns, does that.
 */
export const isStuck = ({ done, claim, tries = 0 }: RangeDocument, now: number): boolean =>
  !done && tries >= LIMITS.rangeTries && !isLive(claim, now);

/** Whether some took it and got nowhere: it may be what ails them. */
export const isSuspect = ({ tries = 0 }: Pick<RangeDocument, 'tries'> = {}): boolean => tries >= SUSPECT_TRIES;

const SUSPECT_TRIES = LIMITS.rangeTries / 2;

/** A suspect is left alone for a while: it may be something that passes. */
function isLeftAlone(range: RangeDocument, now: number): boolean {
  const { claim, tries = 0 } = range;
  const more = tries - SUSPECT_TRIES;
  if (!claim || !isSuspect(range) || claim.untilMs > now + LIMITS.longestClaimMs) return false;
  return now < claim.untilMs + Math.min(LIMITS.rangePauseMs * 2 ** more, LIMITS.rangePauseMostMs);
}

/**
 * Each worker has an order of its own for the ranges, and each of its lanes takes another of the first: so of those who look
 * at one moment, as at the beginning of a sweep, few want the same.
 */
export function choiceOf(free: readonly RangeLook[], lane: string): RangeLook | undefined {
  const worker = workerOf(lane);
  const placed = free.map((range) => [hash('sha1', `${worker} ${range.name}`, 'hex'), range] as const);
  placed.sort(([a], [b]) => (a < b ? -1 : 1));
  return placed[Number(lane.slice(worker.length + 1)) % placed.length]?.[1];
}

/**
 * This worker's claim on a range that nobody holds; 'lost' when somebody was faster, 'busy' when nobody knows. Claims only keep workers
 * out of each other's way: two that work on one range lose time, never data. Whoever takes a range over cannot know what
 * the one before moved there and did not live to count, so that such a sweep proves less: it is `doubtful`.
 */
export async function claimRange(
  store: Store,
  campaign: CampaignDocument,
  { name, stored: before }: Pick<RangeLook, 'name' | 'stored'>,
  lane: Lane,
  now: number,
): Promise<Stored<'range'> | 'busy' | 'lost'> {
  const counts = { ...before?.value.counts };
  if (before?.value.claim) add(counts, 'doubtful');
  const tries = (before?.value.tries ?? 0) + 1;
  const value: RangeDocument = { v: 1, done: false, ...before?.value, counts, tries, claim: claimOf(lane, now) };
  const key = rangeKey(campaign, name);
  const saved = await save<'range'>(store, key, value, before?.version);
  if (saved.status === 'applied') return { key, value, version: saved.version };
  return saved.status === 'conflict' ? 'lost' : 'busy';
}

/** Those who hold a range just now, with what each said last of its pace. */
export function liveWorkers({ ranges }: Progress, now: number): ReadonlyMap<string, PaceNote | undefined> {
  const claims = ranges.flatMap(({ stored }) => (isLive(stored?.value.claim, now) ? [stored!.value.claim!] : []));
  claims.sort((a, b) => a.untilMs - b.untilMs);
  return new Map(claims.map(({ by, pace }) => [workerOf(by), pace]));
}
