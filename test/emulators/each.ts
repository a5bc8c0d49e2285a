import { describe, inject } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { type DatastoreOptions, datastoreStore } from '../../src/store/datastore/datastore.ts';
import { MODES, type Mode } from './emulator.ts';

const emulators = inject('emulators');

/** The tests once for each mode; skipped where there are no emulators. */
export function describeEachMode(name: string, tests: (mode: Mode) => void, modes: readonly Mode[] = MODES): void {
  for (const mode of modes) describe.skipIf(typeof emulators === 'string')(`${name}, ${mode}`, () => tests(mode));
}

export function hostOf(mode: Mode): string {
  if (typeof emulators === 'string') throw new Error(emulators);
  return emulators[mode];
}

/** A project that nobody else uses, in an emulator: as good as an empty one. */
export function newProject(): string {
  return `test-${systemClock.id(8)}`;
}

/** A campaign waits before it closes for as long as a commit may take: not for long, here, */
export const DEADLINE_MS = 5_000;
/** and not for longer than that, where it closes by a clock that nobody moves. */
export const SHORT_MS = 2_000;

export function connectionTo(mode: Mode, projectId = newProject()) {
  return { projectId, emulatorHost: hostOf(mode), deadlineMs: DEADLINE_MS };
}

export const openStore = (mode: Mode, options: DatastoreOptions = {}) =>
  datastoreStore({ ...connectionTo(mode), ...options });
