import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');

export interface Source {
  /** From the repository's root, with slashes. */
  readonly path: string;
  readonly text: string;
  /** The text without its comments. */
  readonly code: string;
  /** What it imports, as written. */
  readonly imports: readonly string[];
}

/** Every TypeScript file under a folder of the repository. */
export function sourcesOf(folder: string): Source[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file) && !file.split(sep).includes('node_modules'))
    .map((file) => read(join(ROOT, folder, file)));
}

function read(file: string): Source {
  const text = readFileSync(file, 'utf8');
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
  const imports = [...code.matchAll(/(?:\bfrom|\bimport\(?)\s*['"]([^'"]+)['"]/g)].map(([, name]) => name!);
  return { path: relative(ROOT, file).split(sep).join('/'), text, code, imports };
}

/** The file that a relative import means, from the repository's root. */
export function meant({ path }: Source, name: string): string {
  return join(dirname(path), name).split(sep).join('/');
}

export const isRelative = (name: string): boolean => name.startsWith('.');
