import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const SOURCES = [
  'src',
  'machines',
  'test/intents',
  'tsconfig.json',
  'tsconfig.build.json',
  'scripts/build.mjs',
  'scripts/page.mjs',
];
const BUILT = 'dist/src/index.js';

/** Tests of the command line start `node dist/src/cli/main.js`: once per run, dist/ is brought up to date. */
export default function setup(): void {
  const built = existsSync(join(root, BUILT)) ? statSync(join(root, BUILT)).mtimeMs : 0;
  if (SOURCES.every((source) => changedAt(join(root, source)) <= built)) return;
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`The build ended with ${status}: run \`npm run build\`.`);
}

/** When a file, or anything under a folder, was changed last. A folder changes when an entry comes or goes. */
function changedAt(path: string): number {
  const own = statSync(path);
  if (!own.isDirectory()) return own.mtimeMs;
  return Math.max(own.mtimeMs, ...readdirSync(path).map((entry) => changedAt(join(path, entry))));
}
