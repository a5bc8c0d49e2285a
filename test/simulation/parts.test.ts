import { describe, expect, test } from 'vitest';
import { defineMigration } from '../../src/define/migration.ts';
import { simulate } from '../../src/testing/simulate.ts';
import type { Subjects } from '../../src/testing/subject.ts';
import { merged, splitUp } from './subjects.ts';

const SEEDS = Number(process.env['SEEDS'] ?? 120);
const FIRST = Number(process.env['SEED'] ?? 1);

const byGroup = (subjects: Subjects): Subjects => {
  const { name, version, records } = subjects.migration;
  return { ...subjects, migration: defineMigration({ name, version, by: 'group', records }) };
};

describe.each([
  ['split', splitUp(false)],
  ['split below its container', splitUp(true)],
  ['merged', merged],
  ['split below its container by group', byGroup(splitUp(true))],
  ['merged by group', byGroup(merged)],
])('records inside one other, which all of them contend for, %s', (name, subjects) => {
  test('break no invariant', { timeout: 3_600_000 }, async () => {
    const replay = (seed: number) =>
      `SEED=${seed} SEEDS=1 npx vitest run test/simulation/parts.test.ts -t 'contend for, ${name} break'`;
    const { failure, tally } = await simulate({ ...subjects, first: FIRST, seeds: SEEDS, replay });
    expect(failure?.text).toBeUndefined();
    if (SEEDS < 120) return;
    for (const move of ['copied cede S', 'copiedStale refresh T', 'returned demote T'])
      expect(tally.moves[move], move).toBeGreaterThan(0);
    for (const answer of ['insert did true', 'delete did true', 'update over'])
      expect(tally.answers[answer], answer).toBeGreaterThan(0);
  });
});
