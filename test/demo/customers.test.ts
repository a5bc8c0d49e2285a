import { expect, test } from 'vitest';
import { start } from './program.ts';

test('subscriptions become records of their own while old code appends to the array', {
  timeout: 200_000,
}, async () => {
  const demo = start('demo', ['--customers', '200', '--json'], {}, 'subscriptions-out-of-customers');
  const { code, out, err } = await demo.ended;
  expect([code, err.split('\n').at(-2)]).toEqual([0, '  It holds.']);
  const proof = JSON.parse(out.trim().split('\n').at(-1)!);
  expect(proof).toMatchObject({ customers: 200, untouched: 200, leftByCancel: 0, wrong: 0, clean: true, holds: true });
  for (const count of ['listed', 'changed', 'ended', 'appended']) expect(proof[count], count).toBeGreaterThan(20);
});
