import { describe, expect, test } from 'vitest';
import { Choices } from '../../src/testing/choices.ts';
import { run } from '../../src/testing/run.ts';
import { simulate } from '../../src/testing/simulate.ts';
import { ledger } from './subjects.ts';

const SEEDS = Number(process.env['SEEDS'] ?? 100);
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
    // What it cuts off shows as a truth that changed, too (P2): whichever comes first in a seed.
    const found: string[] = [];
    for (let seed = 1; seed <= 20; seed++) {
      const { violation } = await run(cutOff, Choices.seeded(seed));
      if (violation) found.push(violation.message);
    }
    expect(found).toContainEqual(
      expect.stringMatching(/^invariant: .*invariant "cents" is broken: u\d: \d+ where \d+ is expected/),
    );
  });
});
