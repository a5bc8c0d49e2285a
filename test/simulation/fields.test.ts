import { expect, test } from 'vitest';
import { Choices } from '../../src/testing/choices.ts';
import { runFields } from './fields.ts';

const SEEDS = Number(process.env['SEEDS'] ?? 500);
const FIRST = Number(process.env['SEED'] ?? 1);

test('in place, with instances of two versions and every fault, nothing is lost and no invariant breaks', {
  timeout: 600_000,
}, async () => {
  const states = new Set<string>();
  const answers = new Set<string>();
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const run = await runFields(Choices.seeded(seed));
    for (const name of run.states.keys()) states.add(name);
    for (const name of run.answers.keys()) answers.add(name);
    if (!run.violation) continue;
    const replay = `SEED=${seed} SEEDS=1 npx vitest run test/simulation/fields.test.ts`;
    expect.fail(`seed ${seed}\n${run.violation}\n${run.trace.slice(-200).join('\n')}\nreplay: ${replay}`);
  }
  if (SEEDS < 500) return;
  for (const state of ['atHome', 'copied', 'copiedStale', 'switched', 'overwritten', 'completed', 'gone'])
    expect(states, state).toContain(state);
  for (const answer of ['insert did true', 'insert did false', 'delete did true', 'update over', 'get value'])
    expect(answers, answer).toContain(answer);
});
