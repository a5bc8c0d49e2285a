import { describe, expect, test } from 'vitest';
import { simulate } from '../../src/testing/simulate.ts';
import { merged, splitUp } from './subjects.ts';

const SEEDS = Number(process.env['SEEDS'] ?? 400);
const FIRST = Number(process.env['SEED'] ?? 1);

describe.each([
  ['split', splitUp(false)],
  ['split below its container', splitUp(true)],
  ['merged', merged],
])('records inside one other, which all of them contend for, %s', (name, subjects) => {
  test('break no invariant', { timeout: 3_600_000 }, async () => {
    const replay = (seed: number) =>
      `SEED=${seed} SEEDS=1 npx vitest run test/simulation/parts.test.ts -t 'contend for, ${name} '`;
    const { failure, tally } = await simulate({ ...subjects, first: FIRST, seeds: SEEDS, replay });
    expect(failure?.text).toBeUndefined();
    if (SEEDS < 400) return;
    for (const move of ['copied cede S', 'reversible cede T', 'copiedStale refresh T', 'returned demote T'])
      expect(tally.moves[move], move).toBeGreaterThan(0);
    for (const answer of ['insert did true', 'delete did true', 'update over'])
      expect(tally.answers[answer], answer).toBeGreaterThan(0);
  });
});
