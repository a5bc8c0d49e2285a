import { expect, it } from 'vitest';
import { start } from '../demo/program.ts';
import { describeEachMode, hostOf, newProject } from '../emulators/each.ts';

/** Few, and few requests: an emulator takes long over each. */
const RECORDS = 60;
const RATE = 20;
/** Half a minute on a quiet machine. */
const ENDS_MS = 240_000;

describeEachMode(
  'datastore: the feed reader',
  (mode) => {
    it('moves its users while pages are read and written, and proves it', { timeout: ENDS_MS }, async () => {
      const env = { DATASTORE_EMULATOR_HOST: hostOf(mode), GOOGLE_CLOUD_PROJECT: newProject() };
      const { code, out, err } = await start('demo', ['--records', `${RECORDS}`, '--rate', `${RATE}`, '--json'], env)
        .ended;
      expect({ code, err }).toMatchObject({ code: 0, err: expect.stringContaining('The proof') });
      expect(JSON.parse(out.trim().split('\n').at(-1)!)).toMatchObject({
        started: RECORDS,
        completed: RECORDS,
        requestsFailed: 0,
        changedTogether: 3,
        subscriptions: 1,
      });
    });
  },
  ['firestore'],
);
