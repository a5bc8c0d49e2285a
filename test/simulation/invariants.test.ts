import { describe, expect, test } from 'vitest';
import { simulate } from '../../src/testing/simulate.ts';
import { ledger } from './subjects.ts';

const SEEDS = Number(process.env['SEEDS'] ?? 400);
const FIRST = Number(process.env['SEED'] ?? 1);

describe.each(['record', 'group'] as const)('a ledger by %s', (by) => {
  test('whose clients keep its totals is never paused over them, whatever befalls it', {
    timeout: 600_000,
  }, async () => {
    const replay = (seed: number) =>
      `SEED=${seed} SEEDS=1 npx vitest run test/simulation/invariants.test.ts -t 'by ${by}'`;
    const { failure } = await simulate({ ...ledger(by), first: FIRST, seeds: SEEDS, replay });
    expect(failure?.text).toBeUndefined();
  });

  test('with a transform that cuts cents off is paused within a few seeds', { timeout: 120_000 }, async () => {
    const cutOff = ledger(by, (amount) => Math.trunc(Number(amount)) * 100);
    const { failure } = await simulate({ ...cutOff, seeds: 20 });
    expect(failure?.invariant).toBe('invariant');
    expect(failure?.text).toMatch(/invariant "cents" is broken: u\d: \d+ where \d+ is expected/);
  });
});
