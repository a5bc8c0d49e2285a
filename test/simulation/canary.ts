import { register } from 'node:module';
import { MUTANTS } from './mutants.ts';

/**
 * canary.js NAME: runs seeds with that mutant in place, by record and by group in turn, until one breaks. Prints one line
 * of JSON: after how many, and what broke. Exits with 1 when none did.
 */
const mutant = MUTANTS[process.argv[2]!]!;
register('./mutate.js', { parentURL: import.meta.url, data: mutant });
const { simulate } = await import('../../src/testing/simulate.ts');
const { byRecord, byGroup } = await import('./subjects.ts');

const BLOCK = 50;
for (let first = 1; first <= mutant.within; first += BLOCK) {
  for (const subjects of [byRecord, byGroup]) {
    const { failure, tally } = await simulate({ ...subjects, first, seeds: BLOCK });
    if (!failure) continue;
    const { seed, invariant, trace } = failure;
    console.log(JSON.stringify({ seeds: first + tally.runs - 1, seed, by: subjects.migration.by, invariant, trace }));
    process.exit(0);
  }
}
process.exit(1);
