import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { operationsBy, RAMP, type Ramp, rateAt, timeFor } from '../../src/engine/ramp.ts';

const endless: Ramp = { ...RAMP, ceilingPerSecond: Number.POSITIVE_INFINITY };
const minutes = (n: number) => n * 60_000;

const ramps: fc.Arbitrary<Ramp> = fc.record({
  startPerSecond: fc.integer({ min: 1, max: 2_000 }),
  growth: fc.oneof(fc.constant(1), fc.double({ min: 1.01, max: 4, noNaN: true })),
  intervalMs: fc.integer({ min: 1, max: 600_000 }),
  ceilingPerSecond: fc.oneof(fc.integer({ min: 1, max: 1_000_000 }), fc.constant(Number.POSITIVE_INFINITY)),
});
const times = fc.integer({ min: 0, max: 86_400_000 });

describe('500/50/5', () => {
  it('begins at 500 operations a second and grows by half every five minutes', () => {
    expect([0, 4.9, 5, 10, 15].map((at) => rateAt(endless, minutes(at)))).toEqual([500, 500, 750, 1125, 1687.5]);
  });

  it('allows what its intervals add up to', () => {
    expect(operationsBy(endless, minutes(1))).toBe(30_000);
    expect(operationsBy(endless, minutes(5))).toBe(150_000);
    expect(operationsBy(endless, minutes(12))).toBe(150_000 + 225_000 + 135_000);
  });

  it('tells how long so many operations take', () => {
    expect(timeFor(endless, 0)).toBe(0);
    expect(timeFor(endless, 30_000)).toBe(minutes(1));
    expect(timeFor(endless, 510_000)).toBe(minutes(12));
  });

  it('goes on at its ceiling', () => {
    const low = { ...RAMP, ceilingPerSecond: 600 };
    expect(rateAt(low, minutes(600))).toBe(600);
    expect(timeFor(low, 150_000 + 600 * 3600)).toBe(minutes(65));
    expect(timeFor({ ...RAMP, ceilingPerSecond: 100 }, 6_000)).toBe(minutes(1));
  });
});

describe('any ramp', () => {
  it('never grows past its ceiling, and never shrinks', () => {
    fc.assert(
      fc.property(ramps, times, times, (ramp, a, b) => {
        expect(rateAt(ramp, a)).toBeLessThanOrEqual(ramp.ceilingPerSecond);
        expect(rateAt(ramp, Math.max(a, b))).toBeGreaterThanOrEqual(rateAt(ramp, Math.min(a, b)));
      }),
    );
  });

  it('takes for what it allows by a time just that time', () => {
    fc.assert(
      fc.property(
        ramps,
        fc.integer({ min: 0, max: 200 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (ramp, n, part) => {
          const ms = (n + part) * ramp.intervalMs;
          const operations = operationsBy(ramp, ms);
          if (!Number.isFinite(operations)) return;
          expect(Math.abs(timeFor(ramp, operations) - ms)).toBeLessThanOrEqual(1e-6 * Math.max(1, ms));
        },
      ),
    );
  });

  it('allows between two times no more than its rate at the later one, and no less than at the earlier', () => {
    fc.assert(
      fc.property(
        ramps,
        fc.integer({ min: 0, max: 5_000_000 }),
        fc.integer({ min: 0, max: 100_000 }),
        (ramp, at, ms) => {
          fc.pre(at / ramp.intervalMs < 500);
          const allowed = operationsBy(ramp, at + ms) - operationsBy(ramp, at);
          const slack = 1e-9 * operationsBy(ramp, at + ms) + 1e-9;
          expect(allowed).toBeLessThanOrEqual((rateAt(ramp, at + ms) * ms) / 1000 + slack);
          expect(allowed).toBeGreaterThanOrEqual((rateAt(ramp, at) * ms) / 1000 - slack);
        },
      ),
    );
  });

  it('takes longer for more, and less time with a higher ceiling', () => {
    fc.assert(
      fc.property(
        ramps,
        fc.integer({ min: 0, max: 10 ** 12 }),
        fc.integer({ min: 1, max: 10 ** 6 }),
        (ramp, n, more) => {
          expect(timeFor(ramp, n + more)).toBeGreaterThan(timeFor(ramp, n));
          const higher = { ...ramp, ceilingPerSecond: ramp.ceilingPerSecond * 2 };
          expect(timeFor(higher, n)).toBeLessThanOrEqual(timeFor(ramp, n));
        },
      ),
    );
  });
});
