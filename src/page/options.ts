import type { CampaignStatus } from './types.ts';

/** What goes with a command, as the API takes it; `keys`: one command each. */
export interface Options {
  readonly share?: number;
  readonly to?: 'copied' | 'switched' | 'completed';
  readonly leaveQuarantined?: boolean;
  readonly strip?: boolean;
  readonly ceiling?: number | 'none';
  readonly ramp?: boolean;
  readonly keep?: 'old' | 'new';
  readonly code?: string;
  readonly keys?: readonly string[];
}

/** Of what is asked for the pace, that which is not so already: nothing else is sent. */
export function paceChanges({ ceiling, ramp }: Options, settings: CampaignStatus['paceSettings']): Options {
  const now = settings.ceilingPerSecond ?? 'none';
  return {
    ...(ceiling === undefined || ceiling === now ? {} : { ceiling }),
    ...(ramp === undefined || ramp === settings.ramp ? {} : { ramp }),
  };
}
