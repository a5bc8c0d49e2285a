const isEvery = process.env['EVERY'] !== undefined;

/** How long they may take, together. */
export const PATIENCE_MS = isEvery ? 900_000 : 120_000;

/**
 * Which of so many runs are made: all with `EVERY=1`; else each twelfth, another one for each kind of fault, for the whole
 * suite is to end in ten minutes.
 */
export function partOf(runs: number, kind: number): number[] {
  const every = isEvery ? 1 : 12;
  return Array.from({ length: runs }, (_, i) => i).filter((i) => i % every === kind % every);
}
