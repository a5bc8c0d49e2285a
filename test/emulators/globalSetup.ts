import type { TestProject } from 'vitest/node';
import { type Emulator, MODES, type Mode, startEmulator, startPubsub } from './emulator.ts';
import { findSdk, GET_PUBSUB } from './sdk.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where each emulator listens, or why there is none. */
    readonly emulators: Readonly<Record<Mode, string>> | string;
    /** Where that of Cloud Pub/Sub listens; unset: there is none. */
    readonly pubsub: string | undefined;
  }
}

/** One emulator of each mode for a whole run. Tests use projects of their own in it, so none disturbs another. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const sdk = findSdk();
  if (typeof sdk === 'string') {
    if (process.env['CI'] === 'true') throw new Error(`The tests of Cloud Datastore cannot run: ${sdk}.`);
    console.warn(`The tests of Cloud Datastore are skipped: ${sdk}.`);
    project.provide('emulators', sdk);
    project.provide('pubsub', undefined);
    return undefined;
  }
  if (!sdk.pubsub && process.env['CI'] === 'true') throw new Error(`The tests of Pub/Sub cannot run: ${GET_PUBSUB}.`);
  if (!sdk.pubsub) console.warn(`The tests of Pub/Sub are skipped: ${GET_PUBSUB}.`);
  const starting = MODES.map((mode) => startEmulator(mode, sdk));
  const started = await Promise.allSettled([...starting, ...(sdk.pubsub ? [startPubsub(sdk.pubsub)] : [])]);
  const emulators = started.flatMap((each): Emulator[] => (each.status === 'fulfilled' ? [each.value] : []));
  const stopAll = async () => {
    await Promise.all(emulators.map((each) => each.stop()));
  };
  const failed = started.find((each) => each.status === 'rejected');
  if (failed) {
    await stopAll();
    throw failed.reason;
  }
  project.provide(
    'emulators',
    Object.fromEntries(MODES.map((mode, i) => [mode, emulators[i]!.host])) as Record<Mode, string>,
  );
  project.provide('pubsub', emulators[MODES.length]?.host);
  return stopAll;
}
