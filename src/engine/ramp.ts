import { LIMITS } from '../limits.ts';

/**
 * How traffic to new keys is raised, so that a store that splits its ranges under load can follow: a rate to begin with,
 * multiplied at every interval, up to a ceiling.
 */
export interface Ramp {
  /** Over 0. */
  readonly startPerSecond: number;
  /** 1 or more. */
  readonly growth: number;
  /** Over 0. */
  readonly intervalMs: number;
  /** Over 0; `Infinity` for none. */
  readonly ceilingPerSecond: number;
}

export const RAMP: Ramp = {
  startPerSecond: LIMITS.rampStartPerSecond,
  growth: LIMITS.rampGrowth,
  intervalMs: LIMITS.rampIntervalMs,
  ceilingPerSecond: LIMITS.rampCeilingPerSecond,
};

/** Operations a second that the ramp allows so many milliseconds after its beginning. */
export function rateAt({ startPerSecond, growth, intervalMs, ceilingPerSecond }: Ramp, atMs: number): number {
  return Math.min(ceilingPerSecond, startPerSecond * growth ** Math.floor(Math.max(0, atMs) / intervalMs));
}

/** All operations that the ramp allows within so many milliseconds from its beginning. */
export function operationsBy(ramp: Ramp, ms: number): number {
  let operations = 0;
  for (const { fromMs, perSecond, lengthMs } of intervals(ramp)) {
    if (fromMs >= ms) break;
    operations += (perSecond * Math.min(lengthMs, ms - fromMs)) / 1000;
  }
  return operations;
}

/** Milliseconds that so many operations take under the ramp. */
export function timeFor(ramp: Ramp, operations: number): number {
  let left = operations;
  for (const { fromMs, perSecond, lengthMs } of intervals(ramp)) {
    const possible = (perSecond * lengthMs) / 1000;
    if (left <= possible) return fromMs + (left / perSecond) * 1000;
    left -= possible;
  }
  throw new RangeError('The ramp has an end.'); // its last interval is endless
}

/** The ramp's intervals, each with one rate; the last, from which on nothing grows, is endless. */
function* intervals(ramp: Ramp): Generator<{ fromMs: number; perSecond: number; lengthMs: number }> {
  for (let fromMs = 0; ; fromMs += ramp.intervalMs) {
    const perSecond = rateAt(ramp, fromMs);
    const last = ramp.growth === 1 || perSecond >= ramp.ceilingPerSecond;
    yield { fromMs, perSecond, lengthMs: last ? Number.POSITIVE_INFINITY : ramp.intervalMs };
    if (last) return;
  }
}
