import { register } from 'node:module';
import { BOUNDS } from './bounds.ts';
import type { Found } from './canaries.ts';
import { MUTANTS } from './mutants.ts';

/**
 * canary.js NAME: looks for a violation with that mutant in place, in seeds, by record and by group in turn, or with the
 * explorer. Prints a line of JSON, a `Found`. Exits with 1 when there was none.
 */
const mutant = MUTANTS[process.argv[2]!]!;
register('./mutate.js', { parentURL: import.meta.url, data: mutant });
const { Choices } = await import('../../src/testing/choices.ts');
const { explore } = await import('../../src/testing/explore.ts');
const { run } = await import('../../src/testing/run.ts');
const { SPACE } = await import('../../src/testing/scenario.ts');
const { byRecord, byGroup } = await import('./subjects.ts');

function end(found: Found): never {
  console.log(JSON.stringify(found));
  process.exit(0);
}

if (mutant.bounds) {
  const { violation, states } = await explore(byRecord, BOUNDS[mutant.bounds]!);
  if (violation && states <= mutant.within) end({ at: `state ${states}`, invariant: violation.message.split(':')[0]! });
  process.exit(1);
}
const space = { ...SPACE, ...mutant.space };
for (let seed = 1; seed <= mutant.within; seed++) {
  for (const subjects of [byRecord, byGroup]) {
    const { violation } = await run(subjects, Choices.seeded(seed), space);
    if (violation) end({ at: `seed ${seed}, by ${subjects.migration.by}`, invariant: violation.invariant });
  }
}
process.exit(1);
