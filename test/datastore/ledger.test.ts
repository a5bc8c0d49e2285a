import { expect, it } from 'vitest';
import { start } from '../demo/program.ts';
import { describeEachMode, hostOf, newProject } from '../emulators/each.ts';

describeEachMode(
  'datastore: the ledger of the examples',
  (mode) => {
    it('is moved while it is written, a mistake is caught, and the books balance', { timeout: 600_000 }, async () => {
      const env = { DATASTORE_EMULATOR_HOST: hostOf(mode), GOOGLE_CLOUD_PROJECT: newProject() };
      const demo = start('demo', ['--movements', '100', '--json'], env, 'ledger');
      const { code, out, err } = await demo.ended;
      expect(err).toContain('verify: broken    cents per currency, 2 of 2 groups differ');
      const proof = JSON.parse(out.trim().split('\n').at(-1)!);
      expect(proof).toMatchObject({ wrong: [], leftBehind: 0, holds: true });
      expect(proof.movements).toBe(100 + proof.booked - proof.voided);
      expect(code).toBe(0);
    });
  },
  // One of them shows many pages of one moment. With `EVERY=1` the one that does not is tried, too.
  process.env['EVERY'] ? ['firestoreMode', 'firestore'] : ['firestore'],
);
