import { describe, expect, inject, it } from 'vitest';
import { hostOf } from '../emulators/each.ts';
import { fleet } from '../fleet/fleet.ts';

const SEED = Number(process.env['SEED'] ?? 20261126);
const pubsub = inject('pubsub');

describe.skipIf(pubsub === undefined)('datastore: a fleet', () => {
  it('loses nothing, although its workers are killed and the application writes', async () => {
    const report = await fleet({
      datastore: hostOf('firestore'),
      pubsub: pubsub!,
      mode: 'firestore',
      records: 300,
      workers: 2,
      seed: SEED,
      lifeMs: 2_000,
      deadlineMs: 2_000,
      legMs: 100_000,
      pauseMs: 20,
    });
    const replay = `SEED=${SEED} npx vitest run test/datastore/fleet.test.ts`;
    process.stdout.write(`${JSON.stringify(report)}\n`);
    expect(report, replay).toMatchObject({ problems: [], clean: true });
    expect(report.kills, replay).toBeGreaterThan(0);
    expect(Math.min(...report.shares), replay).toBeGreaterThan(0);
  });
});
