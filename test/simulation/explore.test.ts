import { describe, expect, test } from 'vitest';
import { explore } from '../../src/testing/explore.ts';
import { BOUNDS } from './bounds.ts';
import { byRecord } from './subjects.ts';

/** Small enough for every run of the tests; `npm run explore` goes through all of them. */
const SMALL = [
  'an update during the copy, snapshots',
  'a delete and a read, snapshots',
  'a delete and an insert, snapshots',
  'two inserts of one key, snapshots',
  'called home under an update, together',
  'an update whose answer is lost during the move, together',
  'a delete while reversing, together',
];

describe('every order of the calls of production code keeps the invariants', () => {
  test.each(SMALL)('%s', { timeout: 120_000 }, async (name) => {
    const { violation, schedules, states, ended } = await explore(byRecord, BOUNDS[name]!);
    expect(violation?.message, violation?.trace.join('\n')).toBeUndefined();
    expect(ended).toBe(true);
    // As many schedules as lead through these states: many more than there are states.
    expect(schedules).toBeGreaterThan(BigInt(states));
  });
});

test('a client whose way back forgets something is found, with the steps that lead there', async () => {
  const change = (record: { readonly user: string; readonly name: string }, n: number) => ({
    ...record,
    name: `low ${n}`,
  });
  const { violation } = await explore({ ...byRecord, change }, BOUNDS['called home under an update, together']!);
  expect(violation?.message).toMatch(/^P[23]:/);
  expect(violation?.trace.length).toBeGreaterThan(2);
});

test('what is cut off says so, and counts what it went through', async () => {
  const bounds = BOUNDS['a delete while reversing, together']!;
  const whole = await explore(byRecord, bounds);
  const cut = await explore(byRecord, bounds, 50);
  expect(cut).toMatchObject({ ended: false, violation: undefined });
  expect(cut.states).toBeGreaterThanOrEqual(50);
  expect(cut.states).toBeLessThan(whole.states);
  expect(cut.schedules).toBeGreaterThan(0n);
  expect(cut.schedules).toBeLessThan(whole.schedules);
});
