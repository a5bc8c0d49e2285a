import { LIMITS } from '../limits.ts';
import { isHookDue, isOver } from './hooksDue.ts';
import type { CampaignDocument } from './schemas.ts';
import { isStripping } from './strip.ts';

/** Whether there may be something to do for a campaign: not one that is over, paused, or at rest until later. */
export function isWorkable(campaign: CampaignDocument, now: number): boolean {
  const { closed, stage, run } = campaign;
  if (closed) return isStripping(campaign);
  if (run === 'paused') return false;
  if (isHookDue(campaign)) return true;
  if (stage === 'draft' || isLazy(campaign, now)) return false;
  return isSweepDue(campaign, now);
}

/** At rest it is looked over again now and then; not while a command waits, nor when every record has arrived for good. */
export function isSweepDue(campaign: CampaignDocument, now: number): boolean {
  const { settledAt, pending } = campaign;
  if (pending || isOver(campaign)) return false;
  return settledAt === undefined || now - settledAt >= LIMITS.restSweepMs;
}

/** Whether records are left to be used for now, and nothing is swept. */
export const isLazy = ({ pace }: Pick<CampaignDocument, 'pace'>, now: number): boolean =>
  pace?.sweepAt !== undefined && pace.sweepAt > now;
