import type { TestProject } from 'vitest/node';
import { type Emulator, MODES, type Mode, startEmulator } from './emulator.ts';
import { findSdk } from './sdk.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where each emulator listens, or why there is none. */
    readonly emulators: Readonly<Record<Mode, string>> | string;
  }
}

/** One emulator of each mode for a whole run. Tests use projects of their own in it, so none disturbs another. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const sdk = findSdk();
  if (typeof sdk === 'string') {
    if (process.env['CI'] === 'true') throw new Error(`The tests of Cloud Datastore cannot run: ${sdk}.`);
    console.warn(`The tests of Cloud Datastore are skipped: ${sdk}.`);
    project.provide('emulators', sdk);
    return undefined;
  }
  const started = await Promise.allSettled(MODES.map((mode) => startEmulator(mode, sdk)));
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
  return stopAll;
}
