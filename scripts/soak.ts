/**
 * `npm run soak -- datastore [--records N] [--rounds R] [--mode legacy|firestoreMode|firestore] [--seed N] [--json]`: R
 * campaigns of N records, one after the other, as test/soak/soak.ts has it. Says how it goes on standard error; ends with
 * 1 when anything is wrong. A query of an emulator looks at every entity of its kind, so that more records take more time
 * by their square; and in more rounds, by their number.
 */
import { parseArgs } from 'node:util';
import { type Emulator, MODES, startEmulator } from '../test/emulators/emulator.ts';
import { findSdk } from '../test/emulators/sdk.ts';
import { type SoakReport, soak } from '../test/soak/soak.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    records: { type: 'string', default: '5000' },
    rounds: { type: 'string', default: '1' },
    mode: { type: 'string', default: 'firestore' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    json: { type: 'boolean', default: false },
  },
});
const mode = MODES.find((each) => each === values.mode);
const [records, rounds, firstSeed] = [values.records, values.rounds, values.seed].map(Number) as [
  number,
  number,
  number,
];
if (
  positionals.join() !== 'datastore' ||
  !mode ||
  !(records > 0) ||
  !(rounds > 0) ||
  !Number.isSafeInteger(firstSeed)
) {
  console.error(`npm run soak -- datastore [--records N] [--rounds R] [--mode ${MODES.join('|')}] [--seed N] [--json]`);
  process.exit(64);
}

/** A worker that is killed every few seconds, and networks as bad as that, leave an emulator time to work. */
const TROUBLE = {
  weather: { cut: 20_000, delay: 1_000, swallow: 20_000 },
  deadlineMs: 10_000,
  stallMs: 3_000,
  lifeMs: 10_000,
  legMs: 900_000,
};
const say = (line: string) => console.error(`${new Date().toISOString().slice(11, 19)} ${line}`);

/** The first round that fails is the last. */
async function round(emulator: Emulator, seed: number): Promise<SoakReport | undefined> {
  console.error(`seed ${seed}`);
  await emulator.reset();
  try {
    const report = await soak({ host: emulator.host, mode: mode!, records, seed, ...TROUBLE, onProgress: say });
    for (const problem of report.problems.slice(0, 20)) console.error(problem);
    return report;
  } catch (error) {
    console.error(error);
    return undefined;
  } finally {
    console.error(`replay: npm run soak -- datastore --records ${records} --mode ${mode} --seed ${seed}`);
  }
}

async function main(): Promise<void> {
  const sdk = findSdk();
  if (typeof sdk === 'string') throw new Error(sdk);
  const emulator = await startEmulator(mode!, sdk, 'load');
  try {
    for (let i = 0; i < rounds && process.exitCode === undefined; i++) {
      const report = await round(emulator, firstSeed + i);
      if (report) console.log(values.json ? JSON.stringify(report) : report);
      if (report?.problems.length !== 0) process.exitCode = 1;
    }
  } finally {
    await emulator.stop();
  }
}

await main();
