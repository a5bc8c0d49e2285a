import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Choices } from '../../src/testing/choices.ts';
import { run, spaceOf } from '../../src/testing/run.ts';
import { MUTANTS } from './mutants.ts';
import { byRecord, ledger, upgradedByRecord } from './subjects.ts';

const ROOT = resolve(import.meta.dirname, '../..');

describe('a mutant still fits its file', () => {
  test.each(Object.entries(MUTANTS))('%s', (_, { file, find }) => {
    const parts = readFileSync(join(ROOT, 'dist', file), 'utf8').split(find);
    expect(parts.length - 1, `${file} has: ${find}`).toBe(1);
  });
});

describe('without the mutant, the part of the scenarios that it is looked for in breaks nothing', () => {
  test.each(Object.entries(MUTANTS).filter(([, { space }]) => space))('%s', { timeout: 120_000 }, async (_, mutant) => {
    const subjects = mutant.subjects === 'upgrades' ? upgradedByRecord : mutant.subjects ? ledger('record') : byRecord;
    for (let seed = 1; seed <= 30; seed++) {
      const space = { ...spaceOf(subjects), dispatches: ['local'] as const, ...mutant.space };
      const { violation } = await run(subjects, Choices.seeded(seed), space);
      expect(violation?.message, `seed ${seed}`).toBeUndefined();
    }
  });
});

describe('what is known to be wrong is found by the simulator', () => {
  // Some of those that take a moment; `npm run canaries` looks for all of them.
  test.each(['promoteUnceded', 'cedeEarly', 'halfPass', 'deleteOutright', 'believesCeded'])(
    '%s',
    { timeout: 120_000 },
    (name) => {
      const program = join(ROOT, 'dist/test/simulation/canaries.js');
      const { stdout, status } = spawnSync(process.execPath, [program, name], { encoding: 'utf8' });
      expect(stdout).toContain('found 1 of 1');
      expect(status).toBe(0);
    },
  );
});
