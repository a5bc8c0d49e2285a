import { Choices } from '../../src/testing/choices.ts';
import { run } from '../../src/testing/run.ts';
import { SPACE } from '../../src/testing/scenario.ts';
import { byGroup, byRecord } from './subjects.ts';

const [first, last] = process.argv.slice(2).map(Number) as [number, number];
let n = 0;
for (let seed = first; seed <= last; seed++)
  for (const s of [byRecord, byGroup]) {
    const r = await run(s, Choices.seeded(seed), { ...SPACE, dispatches: ['post'] });
    n++;
    if (r.violation) console.log(s.migration.by, seed, r.violation.message.slice(0, 300), JSON.stringify(r.scenario));
  }
console.log('runs', n);
