import { describe, expect, test } from 'vitest';
import { entity } from '../../src/define/entity.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { key } from '../../src/record/key.ts';
import { Choices } from '../../src/testing/choices.ts';
import { FAULTS } from '../../src/testing/faults.ts';
import { run } from '../../src/testing/run.ts';
import { simulate } from '../../src/testing/simulate.ts';
import {
  boundByGroup,
  boundByRecord,
  byGroup,
  byRecord,
  hookedByGroup,
  hookedByRecord,
  referringByGroup,
  referringByRecord,
  upgradedByGroup,
  upgradedByRecord,
} from './subjects.ts';

const SEEDS = Number(process.env['SEEDS'] ?? 400);
const FIRST = Number(process.env['SEED'] ?? 1);

describe.each([
  ['by record', byRecord],
  ['by group', byGroup],
])('workers, clients and an operator, with every fault, %s', (name, subjects) => {
  test('break no invariant', { timeout: 600_000 }, async () => {
    const replay = (seed: number) =>
      `SEED=${seed} SEEDS=1 npx vitest run test/simulation/simulate.test.ts -t '${name}'`;
    const { failure, tally } = await simulate({ ...subjects, first: FIRST, seeds: SEEDS, replay });
    expect(failure?.text).toBeUndefined();
    if (SEEDS < 400) return;
    // In no other way would their hazards have been met.
    for (const move of [
      'copied cede S',
      'reversible cede T',
      'copiedStale refresh T',
      'returned demote T',
      'atHome pass T',
    ])
      expect(tally.moves[move], move).toBeGreaterThan(0);
    for (const fault of FAULTS)
      expect(
        Object.keys(tally.faults).some((each) => each.startsWith(`${fault} `)),
        fault,
      ).toBe(true);
    for (const answer of ['insert did true', 'insert did false', 'delete did true', 'update over', 'update open'])
      expect(tally.answers[answer], answer).toBeGreaterThan(0);
  });
});

/** What is simulated, what is to be true of it, and the part of the seeds that it is simulated with. */
const OTHERS = [
  ['records that others refer to, by record, leave no reference behind', referringByRecord, 4],
  ['records that others refer to, by group, leave no reference behind', referringByGroup, 4],
  ['a campaign that is upgraded, by record, is of one version at a time', upgradedByRecord, 4],
  ['a campaign that is upgraded, by group, is of one version at a time', upgradedByGroup, 4],
  ['a campaign with hooks that fail, by record, calls none that nobody would know of', hookedByRecord, 6],
  ['a campaign with hooks that fail, by group, calls none that nobody would know of', hookedByGroup, 6],
  ['a campaign that bounds its pace, by record, comes to its end', boundByRecord, 6],
  ['a campaign that bounds its pace, by group, comes to its end', boundByGroup, 6],
] as const;

test.each(OTHERS)('%s', { timeout: 600_000 }, async (name, subjects, part) => {
  const replay = (seed: number) =>
    `SEED=${seed} SEEDS=${part} npx vitest run test/simulation/simulate.test.ts -t '${name}'`;
  const { failure } = await simulate({ ...subjects, first: FIRST, seeds: Math.ceil(SEEDS / part), replay });
  expect(failure?.text).toBeUndefined();
});

test('a seed is the same run each time', async () => {
  for (const seed of [3, 14, 159]) {
    const [one, two] = [Choices.seeded(seed), Choices.seeded(seed)];
    const first = await run(byRecord, one);
    expect((await run(byRecord, two)).trace).toEqual(first.trace);
    expect(two.given).toEqual(one.given);
    expect((await run(byRecord, Choices.replayed(one.given))).trace).toEqual(first.trace);
  }
});

describe('a migration with a mistake', () => {
  const records = [1, 2].map((n) => ({ key: key('Note', n), record: { user: 'ann', text: `note ${n}`, stars: n } }));
  interface Note {
    user: string;
    text: string;
    stars: number;
  }

  test('whose way back forgets a property is found, shrunk, and told with the seed and the command that replays it', {
    timeout: 120_000,
  }, async () => {
    const migration = defineMigration({
      name: 'notes',
      version: 1,
      records: [
        entity<Note, Note>({
          from: 'Note',
          into: 'User/Note',
          to: (note, old) => key('User', note.user, 'Note', old.id),
          forward: (note) => ({ ...note, text: note.text.trim() }),
          backward: ({ user, text }) => ({ user, text, stars: 0 }),
        }),
      ],
    });
    const change = (note: Note, n: number) => ({ ...note, text: `write ${n}` });
    const { failure } = await simulate({ migration, records, change, seeds: 200, replay: (seed) => `again ${seed}` });
    const lines = failure!.text.split('\n');
    expect(lines[0]).toBe(`seed ${failure!.seed}`);
    expect(lines.at(-1)).toBe(`replay: again ${failure!.seed}`);
    expect(['P2', 'P3']).toContain(failure!.invariant);
    expect(failure!.trace.length).toBeLessThanOrEqual(30);
    const again = await simulate({ migration, records, change, first: failure!.seed, seeds: 1 });
    expect(again.failure?.trace).toEqual(failure!.trace);
  });

  test('that no rule of it is about is refused', async () => {
    const { migration, change } = byRecord;
    await expect(simulate({ migration, change, records, seeds: 1 })).rejects.toMatchObject({
      code: 'definition.invalid',
    });
  });
});
