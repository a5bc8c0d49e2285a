import { expect, test } from 'vitest';
import { start } from './program.ts';

test('the webhook sender: every event takes effect once at every subscriber while all is switched', {
  timeout: 400_000,
}, async () => {
  const demo = start('demo', ['--subscribers', '40', '--json'], {}, 'webhook-sender');
  const { code, out } = await demo.ended;
  const proof = JSON.parse(out.trim().split('\n').at(-1)!);
  expect(proof).toMatchObject({ subscribers: 40, switched: 39, refusing: 1, stayed: 1, quarantined: 1, records: 40 });
  expect(proof).toMatchObject({ effects: proof.addressed, invented: 0, forgeries: 0, holds: true });
  expect(proof.doubles).toBeGreaterThan(0);
  expect(code).toBe(0);
});
