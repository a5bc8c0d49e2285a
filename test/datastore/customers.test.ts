import { expect, test } from 'vitest';
import { start } from '../demo/program.ts';
import { describeEachMode, hostOf, newProject } from '../emulators/each.ts';

describeEachMode(
  'datastore: the example that takes subscriptions out of customers',
  (mode) => {
    test('runs on an emulator as it does on LMDB', { timeout: 300_000 }, async () => {
      const env = { DATASTORE_EMULATOR_HOST: hostOf(mode), GOOGLE_CLOUD_PROJECT: newProject() };
      const args = ['--customers', '20', '--hands', '1', '--json'];
      const demo = start('demo', args, env, 'subscriptions-out-of-customers');
      const { code, out, err } = await demo.ended;
      expect([code, err.split('\n').at(-2)]).toEqual([0, '  It holds.']);
      const proof = JSON.parse(out.trim().split('\n').at(-1)!);
      expect(proof).toMatchObject({ untouched: 20, leftByCancel: 0, wrong: 0, clean: true });
    });
  },
  ['firestore'],
);
