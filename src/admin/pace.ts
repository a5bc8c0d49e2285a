import { cleanBefore, sweepsToSettle } from '../engine/campaign.ts';
import type { CampaignDocument, CampaignPace } from '../engine/schemas.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Capabilities } from '../store/store.ts';
import { type CommandContext, change, record, refused } from './change.ts';
import { theCampaign } from './find.ts';

export interface PaceOptions {
  /** Operations a second of all workers together; `none` takes the ceiling away. */
  readonly ceiling?: number | 'none';
  /** Whether the pace rises slowly, by the ramp. */
  readonly ramp?: boolean;
  /**
   * Records move when they are used, by routers that are told to; only so many hours later workers look for those that were
   * not, at `LIMITS.lazyPerSecond` where no ceiling is set. The next command without it ends both.
   */
  readonly lazy?: number;
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
  const { ceiling, ramp, lazy, reason } = options;
  if (ceiling === undefined && ramp === undefined && lazy === undefined) {
    throw new HandoverError('usage.invalid', 'Say --ceiling, --ramp, --no-ramp or --lazy.');
  }
  const { id } = await theCampaign(context, name);
  const said = [
    ...(ceiling === undefined ? [] : [`ceiling ${ceiling}`]),
    ...(ramp === undefined ? [] : [ramp ? 'ramp' : 'no ramp']),
    ...(lazy === undefined ? [] : [`lazy for ${lazy} h`]),
  ];
  return change(context, id, (current) => {
    if (current.closed) throw refused(current, 'pace');
    const pace = paceAfter(current.pace ?? { ramp: false, since: 0 }, options, context.clock.now());
    return { ...current, pace, ...record(context, current, `pace: ${said.join(', ')}`, reason) };
  });
}

/** Throws `usage.invalid`. */
export function checkPace({ ceiling, lazy = 0 }: PaceOptions): void {
  if (!(lazy >= 0 && lazy <= LIMITS.lazyMostHours))
    throw new HandoverError('usage.invalid', `Lazy is for 0 to ${LIMITS.lazyMostHours} hours, not ${lazy}.`);
  if (ceiling === undefined || ceiling === 'none' || ceiling > 0) return;
  throw new HandoverError('usage.invalid', `A ceiling is a number over 0, or none, not ${ceiling}.`);
}

/** A ramp that is turned on begins now. */
function paceAfter(before: CampaignPace, options: PaceOptions, now: number): CampaignPace {
  const { ceiling, ramp = before.ramp, lazy } = options;
  const ceilingPerSecond = ceiling === 'none' ? undefined : (ceiling ?? before.ceilingPerSecond);
  const since = ramp && !before.ramp ? now : before.since;
  const sweepAt = lazy === undefined ? before.sweepAt : now + lazy * 3_600_000;
  const isSet = ceiling !== undefined || ceilingPerSecond !== undefined;
  const lazyPerSecond = isSet ? undefined : lazy === undefined ? before.lazyPerSecond : LIMITS.lazyPerSecond;
  return {
    ramp,
    since,
    ...(ceilingPerSecond === undefined ? {} : { ceilingPerSecond }),
    ...(sweepAt === undefined ? {} : { sweepAt }),
    ...(lazyPerSecond === undefined ? {} : { lazyPerSecond }),
  };
}

/**
 * The pace that goes with a command. The ramp begins anew where the command finds the campaign at rest: by then nothing
 * has come to its keys for a while, and the store may have merged what it had split.
 */
export function paceOf(
  { store, clock }: CommandContext,
  current: CampaignDocument,
  options: PaceOptions,
): CampaignPace {
  const now = clock.now();
  const fresh = { ramp: current.stage === 'draft' && store.capabilities.warmsUp, since: now };
  // What was lazy was the command before.
  const { sweepAt: _, lazyPerSecond: __, ...before }: CampaignPace = current.pace ?? fresh;
  return paceAfter(hasSettled(current, store.capabilities) ? { ...before, since: now } : before, options, now);
}

/**
 * Whether this generation has come to rest, and nothing was found since that unsettles it: a campaign at rest is swept
 * again and again, and such a sweep that is under way says nothing yet. Where scans lag one clean sweep is not enough.
 */
export const hasSettled = (campaign: CampaignDocument, capabilities: Capabilities): boolean =>
  campaign.settledAt !== undefined || cleanBefore(campaign) >= sweepsToSettle(capabilities);
