import type { CampaignStatus, PaceStatus } from '../admin/inspect.ts';
import { count, many, moment } from './format.ts';

/** How fast it goes, what keeps it from going faster, and why. Undefined where there is nothing to do. */
export function paceText({ pace, migration, pausedBecause }: CampaignStatus): string | undefined {
  if (!pace) return undefined;
  const { limit, workers, perSecond } = pace;
  if (limit === 'paused') return `paused: ${pausedBecause ?? 'no reason given'}${bounds(pace)}`;
  if (pace.sweepAt !== undefined)
    return `lazy: records move when they are used; the others from ${moment(pace.sweepAt)} on`;
  if (limit === 'nobody works') return `nobody works on it just now${bounds(pace)}`;
  return `${rate(perSecond)} by ${many(workers, 'worker')}, limited by ${REASONS[limit](pace, migration)}`;
}

const REASONS: Readonly<
  Record<Exclude<PaceStatus['limit'], 'paused' | 'nobody works'>, (pace: PaceStatus, migration: string) => string>
> = {
  exhausted: (pace) => `the store, which is exhausted: ${backOff(pace)}`,
  contention: (pace) => {
    const groups = pace.cooling ? `${many(pace.cooling, 'group')} cool down while others write there` : '';
    return `contention: ${[groups, pace.factor === undefined ? '' : backOff(pace)].filter(Boolean).join('; ')}`;
  },
  ceiling: ({ ceilingPerSecond }, migration) =>
    `the ceiling of ${rate(ceilingPerSecond!)}: handover pace ${migration} --ceiling`,
  ramp: ({ ramp }) => `the ramp: ${rate(ramp!.perSecond)}, from ${moment(ramp!.nextAt)} ${rate(ramp!.nextPerSecond)}`,
  store: (pace) => `nothing but the store and the workers${bounds(pace)}`,
};

const backOff = ({ factor = 1 }: PaceStatus): string =>
  `down to ${Math.max(1, Math.round(factor * 100))} % of what was too much, rising by 10 % a second`;

const bounds = ({ allowedPerSecond }: PaceStatus): string =>
  allowedPerSecond === undefined ? '' : ` (${rate(allowedPerSecond)} allowed)`;

const rate = (perSecond: number): string => `${count(perSecond)}/s`;
