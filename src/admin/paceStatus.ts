import { liveWorkers } from '../engine/openRanges.ts';
import { allowedAt } from '../engine/pace.ts';
import { RAMP } from '../engine/ramp.ts';
import type { Progress } from '../engine/ranges.ts';
import type { CampaignDocument, PaceNote } from '../engine/schemas.ts';

import type { PaceSettings, PaceStatus } from './statusSchema.ts';

/** The gravest first: what one worker was told by the store will be told to the others. */
const GRAVEST = ['exhausted', 'contention', 'ceiling', 'ramp', 'store'] as const;

/** Undefined where there is nothing to do: a draft, a campaign at rest, or one that is over. */
export function paceStatus(
  campaign: CampaignDocument,
  progress: Progress | undefined,
  now: number,
): PaceStatus | undefined {
  const { stage, closed, settledAt, pace } = campaign;
  if (stage === 'draft' || closed || settledAt !== undefined) return undefined;
  const workers = progress ? [...liveWorkers(progress, now).values()] : [];
  const notes = workers.flatMap((note) => (note ? [note] : []));
  const allowed = allowedAt(pace, now).perSecond;
  const ceiling = pace?.ceilingPerSecond ?? pace?.lazyPerSecond;
  const factor = Math.min(1, ...notes.map((note) => note.factor ?? 1));
  const cooling = notes.reduce((most, note) => Math.max(most, note.cooling ?? 0), 0);
  return {
    limit: limitOf(campaign, workers.length, notes),
    workers: workers.length,
    perSecond: notes.reduce((sum, { perSecond }) => sum + perSecond, 0),
    ...(allowed === Number.POSITIVE_INFINITY ? {} : { allowedPerSecond: allowed }),
    ...(ceiling === undefined ? {} : { ceilingPerSecond: ceiling }),
    ...(pace?.sweepAt !== undefined && pace.sweepAt > now ? { sweepAt: pace.sweepAt } : {}),
    ...(pace?.ramp ? { ramp: rampOf(pace.since, now) } : {}),
    ...(factor < 1 ? { factor } : {}),
    ...(cooling > 0 ? { cooling } : {}),
  };
}

/** What operators have set, at rest too. */
export const paceSettings = ({ pace }: CampaignDocument): PaceSettings => ({
  ramp: pace?.ramp ?? false,
  ...(pace?.ceilingPerSecond === undefined ? {} : { ceilingPerSecond: pace.ceilingPerSecond }),
});

function limitOf({ run }: CampaignDocument, workers: number, notes: readonly PaceNote[]): PaceStatus['limit'] {
  if (run === 'paused') return 'paused';
  if (workers === 0) return 'nobody works';
  return GRAVEST.find((limit) => notes.some((note) => note.limit === limit)) ?? 'store';
}

function rampOf(since: number, now: number): NonNullable<PaceStatus['ramp']> {
  const endless = { ramp: true, since };
  const nextAt = since + (Math.floor(Math.max(0, now - since) / RAMP.intervalMs) + 1) * RAMP.intervalMs;
  const perSecond = allowedAt(endless, now).perSecond;
  return { perSecond, nextAt, nextPerSecond: perSecond * RAMP.growth };
}
