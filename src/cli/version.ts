import { existsSync, readFileSync } from 'node:fs';

/** The package's version, from `src` as from `dist`, which is one folder further from the root. */
export function version(): string {
  for (const path of ['../../package.json', '../../../package.json']) {
    const file = new URL(path, import.meta.url);
    if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  }
  return 'unknown';
}
