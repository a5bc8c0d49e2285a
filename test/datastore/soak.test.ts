import { expect, it } from 'vitest';
import { describeEachMode, hostOf } from '../emulators/each.ts';
import { soak } from '../soak/soak.ts';

const SEED = Number(process.env['SEED'] ?? 20261125);

describeEachMode(
  'datastore: a soak',
  (mode) => {
    it('workers are killed and answers are lost under a live writer, and no write is', async () => {
      const report = await soak({
        host: hostOf(mode),
        mode,
        records: 600,
        seed: SEED,
        deadlineMs: 2_000,
        stallMs: 1_500,
        weather: { cut: 6_000, delay: 500, swallow: 6_000 },
        lifeMs: 2_500,
        legMs: 200_000,
      });
      const replay = `SEED=${SEED} npx vitest run test/datastore/soak.test.ts`;
      process.stdout.write(`${JSON.stringify(report)}\n`);
      expect(report, replay).toMatchObject({ problems: [], clean: true });
      const { kills, network, acknowledged } = report;
      const { cuts, delays, swallowedAnswers } = network;
      for (const count of [kills, cuts, delays, swallowedAnswers, acknowledged])
        expect(count, replay).toBeGreaterThan(4);
    });
  },
  ['firestore'],
);
