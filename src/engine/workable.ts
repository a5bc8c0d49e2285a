import { LIMITS } from '../limits.ts';
import type { CampaignDocument } from './schemas.ts';
import { isStripping } from './strip.ts';

/** Whether there may be something to do for a campaign: not one that is over, paused, or at rest until later. */
export function isWorkable(campaign: CampaignDocument, now: number): boolean {
  const { closed, stage, run, settledAt } = campaign;
  if (closed) return isStripping(campaign);
  if (stage === 'draft' || run === 'paused' || isLazy(campaign, now)) return false;
  return settledAt === undefined || now - settledAt >= LIMITS.restSweepMs;
}

/** Whether records are left to be used for now, and nothing is swept. */
export const isLazy = ({ pace }: Pick<CampaignDocument, 'pace'>, now: number): boolean =>
  pace?.sweepAt !== undefined && pace.sweepAt > now;
