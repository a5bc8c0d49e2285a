import { LIMITS } from '../limits.ts';
import { count, many, moment } from './format.ts';
import type { CampaignStatus } from './types.ts';

type Pace = NonNullable<CampaignStatus['pace']>;

const rate = (perSecond: number): string => `${count(Math.round(perSecond))} operations a second`;

/** What limits the pace, and why: a headline and a reason. */
export function limits({ pace, pausedBecause }: CampaignStatus): { readonly what: string; readonly why: string } {
  if (!pace) return { what: 'Nothing to do', why: 'Workers look everything over again once a minute.' };
  const { limit, perSecond, workers } = pace;
  if (limit === 'paused') return { what: 'Paused', why: pausedBecause ?? 'No reason was given.' };
  if (pace.sweepAt !== undefined)
    return {
      what: 'Lazy',
      why: `Records move when they are used; workers look for the others from ${moment(pace.sweepAt)} on.`,
    };
  if (limit === 'nobody works')
    return { what: 'Nobody works on it', why: 'No worker runs, or none has claimed a part yet.' };
  return { what: `${rate(perSecond)} by ${many(workers, 'worker')}`, why: WHY[limit](pace) };
}

/** What was set, where nothing moves that it could hold. */
export function atRest({ paceSettings: { ceilingPerSecond, ramp } }: CampaignStatus): string {
  const ceiling = ceilingPerSecond === undefined ? 'There is no ceiling' : `The ceiling is ${rate(ceilingPerSecond)}`;
  return `${ceiling}${ramp ? ', with the ramp' : ''}.`;
}

const WHY: Readonly<Record<Exclude<Pace['limit'], 'paused' | 'nobody works'>, (pace: Pace) => string>> = {
  exhausted: (pace) => `The store is exhausted and asked for less. ${backOff(pace)}`,
  contention: (pace) =>
    `Others write to the same records. ${pace.cooling ? `${many(pace.cooling, 'group')} are left alone for a while. ` : ''}${pace.factor === undefined ? '' : backOff(pace)}`,
  ceiling: ({ ceilingPerSecond = 0 }) => `The ceiling holds it: ${rate(ceilingPerSecond)}.`,
  ramp: ({ ramp }) =>
    ramp
      ? `The ramp holds it: ${rate(ramp.perSecond)} now, ${rate(ramp.nextPerSecond)} from ${moment(ramp.nextAt)}.`
      : 'The ramp holds it.',
  store: ({ allowedPerSecond }) =>
    `Nothing holds it but the store and the workers themselves.${allowedPerSecond === undefined ? '' : ` ${rate(allowedPerSecond)} are allowed.`}`,
};

const backOff = ({ factor = 1 }: Pace): string =>
  `Down to ${Math.max(1, Math.round(factor * 100))} % of what was too much, rising by 10 % a second.`;

/** What was seen of a sweep, and when. */
export interface Sample {
  readonly at: number;
  readonly sweep: string;
  readonly seen: number;
}

export const sampleOf = ({ sweep }: CampaignStatus, at: number): Sample => ({
  at,
  sweep: `${sweep.generation}.${sweep.number}`,
  seen: sweep.seen,
});

/** The samples of the sweep under way that are recent enough to tell how fast it goes, with this one. */
export function sampled(before: readonly Sample[], sample: Sample): readonly Sample[] {
  const kept = before.filter(({ at, sweep }) => sweep === sample.sweep && sample.at - at <= LIMITS.pageRateMs);
  return [...kept, sample];
}

/** Records a second that were looked at lately; undefined while that cannot be told. */
export function rateOf(samples: readonly Sample[], now: number): number | undefined {
  const first = samples[0];
  const last = samples.at(-1);
  if (!first || !last || now - first.at < 1_000) return undefined;
  return ((last.seen - first.seen) * 1000) / (now - first.at);
}

/** Milliseconds to the end of the sweep at this rate. */
export function timeLeft({ sweep }: CampaignStatus, perSecond: number | undefined): number | undefined {
  if (!sweep.running || !sweep.expected || !perSecond) return undefined;
  return (Math.max(0, sweep.expected - sweep.seen) / perSecond) * 1000;
}
