import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';

export const ROOT = resolve(import.meta.dirname, '../..');
export const DEPLOY = join(ROOT, 'examples/deploy');

// biome-ignore lint/suspicious/noExplicitAny: what a manifest holds is for the schemas to say
export type Manifest = Record<string, any>;

/** A manifest, and where it stands: `kubernetes/workers.yaml#1`. */
export interface Found {
  readonly place: string;
  readonly manifest: Manifest;
}

/** All manifests of a folder. Throws what is no YAML, or says one thing twice. */
export function manifestsIn(folder: string): Found[] {
  return readdirSync(join(DEPLOY, folder))
    .filter((name) => name.endsWith('.yaml'))
    .flatMap((name) => parsed(readFileSync(join(DEPLOY, folder, name), 'utf8'), `${folder}/${name}`));
}

export function parsed(text: string, place: string): Found[] {
  return parseAllDocuments(text, { strict: true, uniqueKeys: true }).map((document, i) => {
    for (const problem of [...document.errors, ...document.warnings]) throw new Error(`${place}: ${problem.message}`);
    return { place: `${place}#${i}`, manifest: document.toJS() as Manifest };
  });
}

/** The pods that it describes: what its containers are, and who they are. */
export const podOf = ({ spec }: Manifest): Manifest | undefined => spec?.template?.spec;
