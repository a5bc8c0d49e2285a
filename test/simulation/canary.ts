import { register } from 'node:module';
import type { Found } from './canaries.ts';
import { MUTANTS } from './mutants.ts';

/**
 * canary.js NAME: runs seeds with that mutant in place, by record and by group in turn, until one breaks. Prints a line of
 * JSON, a `Found`. Exits with 1 when none did.
 */
const mutant = MUTANTS[process.argv[2]!]!;
register('./mutate.js', { parentURL: import.meta.url, data: mutant });
const { Choices } = await import('../../src/testing/choices.ts');
const { run, spaceOf } = await import('../../src/testing/run.ts');
const subjects = await import('./subjects.ts');
const { byRecord, byGroup, ledger, merged, referringByRecord, referringByGroup, splitUp } = subjects;
const { boundByRecord, boundByGroup, hookedByRecord, hookedByGroup, upgradedByRecord, upgradedByGroup } = subjects;

const SUBJECTS = {
  plain: [byRecord, byGroup],
  ledger: [ledger('record'), ledger('group')],
  parts: [splitUp(false), merged],
  references: [referringByRecord, referringByGroup],
  upgrades: [upgradedByRecord, upgradedByGroup],
  hooks: [hookedByRecord, hookedByGroup],
  bound: [boundByRecord, boundByGroup],
};
for (let seed = 1; seed <= mutant.within; seed++) {
  for (const simulated of SUBJECTS[mutant.subjects ?? 'plain']) {
    // Seeds are counted: what they were before there was a dispatch they are still.
    const space = { ...spaceOf(simulated), dispatches: ['local'] as const, ...mutant.space };
    const { violation } = await run(simulated, Choices.seeded(seed), space);
    if (!violation) continue;
    console.log(JSON.stringify({ seed, by: simulated.migration.by, invariant: violation.invariant } satisfies Found));
    process.exit(0);
  }
}
process.exit(1);
