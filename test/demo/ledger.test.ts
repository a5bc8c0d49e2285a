import { expect, test } from 'vitest';
import { start } from './program.ts';

test('the ledger: a transform that cuts cents off is caught, and the books balance at every moment and to the cent', {
  timeout: 300_000,
}, async () => {
  const demo = start('demo', ['--movements', '2000', '--json'], {}, 'ledger');
  const { code, out, err } = await demo.ended;
  expect(err).toContain('verify: broken    cents per currency, 2 of 2 groups differ');
  const proof = JSON.parse(out.trim().split('\n').at(-1)!);
  expect(proof).toMatchObject({ wrong: [], leftBehind: 0, holds: true });
  expect(proof.caught).toMatch(/^invariant "cents per currency" is broken: (EUR|CHF): \d+ where \d+ is expected/);
  expect(proof.movements).toBe(2000 + proof.booked - proof.voided);
  for (const met of ['booked', 'corrected', 'voided', 'audits', 'balanced'])
    expect(proof[met], met).toBeGreaterThan(10);
  expect(code).toBe(0);
});
