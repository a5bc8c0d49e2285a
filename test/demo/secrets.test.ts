import { expect, test } from 'vitest';
import { start } from './program.ts';

test('every secret is encrypted anew while instances of two versions serve it', { timeout: 200_000 }, async () => {
  const demo = start('demo', ['--tenants', '300', '--json'], {}, 'reencrypt-secrets');
  const { code, out, err } = await demo.ended;
  expect([code, err.split('\n').at(-2)]).toEqual([0, '  It holds.']);
  const proof = JSON.parse(out.trim().split('\n').at(-1)!);
  expect(proof).toMatchObject({ tenants: 300, sealed: 300, left: 0, wrong: 0, clean: true, holds: true });
  for (const version of ['v1', 'v2', 'v3']) expect(proof.answered[version], version).toBeGreaterThan(50);
  expect(proof.changed).toBeGreaterThan(50);
});
