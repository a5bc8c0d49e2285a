import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** All that a run leaves behind lies in one folder: LMDB's two files, what was seeded, and what was acknowledged. */
const DEFAULT_FOLDER = resolve(import.meta.dirname, '../.handover/feed-reader');

/** The folder that the environment names, or the example's own. */
export const folderOf = (env: NodeJS.ProcessEnv = process.env): string =>
  env['HANDOVER_DEMO_STORE'] ? resolve(env['HANDOVER_DEMO_STORE']) : DEFAULT_FOLDER;

export const logOf = (folder: string): string => join(folder, 'acknowledged.log');

export const appliedOf = (folder: string): string => join(folder, 'applied.log');

/** What the seed wrote. The rest is in the generator: `lib/records.ts` makes every record again from its number. */
export interface Manifest {
  readonly records: number;
  readonly users: number;
  readonly kinds: Readonly<Record<string, number>>;
  /** The edition of the data set. */
  readonly dataset: string;
}

const manifestOf = (folder: string): string => join(folder, 'manifest.json');

export function writeManifest(folder: string, manifest: Manifest): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(manifestOf(folder), `${JSON.stringify(manifest, null, 2)}\n`);
}

export function readManifest(folder: string): Manifest {
  try {
    return JSON.parse(readFileSync(manifestOf(folder), 'utf8')) as Manifest;
  } catch (cause) {
    throw new Error(`${folder} was not seeded: run seed.ts first, or name the folder in HANDOVER_DEMO_STORE.`, {
      cause,
    });
  }
}
