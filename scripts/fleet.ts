/**
 * `npm run fleet [-- --records N] [--workers N] [--seed N] [--life SECONDS] [--mode firestore|firestoreMode] [--json]`: a
 * campaign of N records on emulators of Cloud Datastore and Cloud Pub/Sub, whose workers are killed at random and started
 * again, as test/fleet/fleet.ts has it. Says how it goes on standard error; ends with 1 when anything is wrong, or when a
 * worker did less than half of an equal part.
 */
import { parseArgs } from 'node:util';
import { startEmulator, startPubsub } from '../test/emulators/emulator.ts';
import { findSdk, GET_PUBSUB } from '../test/emulators/sdk.ts';
import { fleet } from '../test/fleet/fleet.ts';

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '200000' },
    workers: { type: 'string', default: '4' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    life: { type: 'string', default: '60' },
    mode: { type: 'string', default: 'firestore' },
    json: { type: 'boolean', default: false },
  },
});
const [records, workers, seed, life] = [values.records, values.workers, values.seed, values.life].map(Number) as [
  number,
  number,
  number,
  number,
];
const mode = (['firestore', 'firestoreMode'] as const).find((each) => each === values.mode);
if (!mode || !(records > 0) || !(workers > 0) || !(life > 0) || !Number.isSafeInteger(seed)) {
  console.error('npm run fleet [-- --records N] [--workers N] [--seed N] [--life SECONDS] [--mode MODE] [--json]');
  process.exit(64);
}
const sdk = findSdk();
if (typeof sdk === 'string') throw new Error(sdk);
if (!sdk.pubsub) throw new Error(GET_PUBSUB);
const [datastore, pubsub] = await Promise.all([startEmulator(mode, sdk, 'load'), startPubsub(sdk.pubsub)]);
try {
  console.error(`seed ${seed}`);
  const report = await fleet({
    datastore: datastore.host,
    pubsub: pubsub.host,
    mode,
    records,
    workers,
    seed,
    lifeMs: life * 1_000,
    deadlineMs: 30_000,
    legMs: 7_200_000,
    pauseMs: 50,
    onProgress: (line) => console.error(`${new Date().toISOString().slice(11, 19)} ${line}`),
  });
  for (const problem of report.problems.slice(0, 20)) console.error(problem);
  console.log(values.json ? JSON.stringify(report) : report);
  const unfair = report.shares.some((share) => share < 0.5 / workers);
  if (unfair) console.error(`a worker did less than half of an equal part: ${report.shares.join(', ')}`);
  if (report.problems.length > 0 || unfair) process.exitCode = 1;
} finally {
  await Promise.all([datastore.stop(), pubsub.stop()]);
}
