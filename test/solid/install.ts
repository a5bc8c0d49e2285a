import { spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const CACHE = resolve(import.meta.dirname, '../../node_modules/.cache/handover-solid');
const LOCK = 'package-lock.json';
const INSTALLED = join(CACHE, '.installed');

/**
 * Where the server's program is. Its 600 packages, 105 MB and half a minute, are none of the repository's own: they come
 * when these tests run for the first time. Throws what npm said.
 */
export function serverProgram(): string {
  const wanted = hash('sha256', readFileSync(join(import.meta.dirname, LOCK)));
  if (!existsSync(INSTALLED) || readFileSync(INSTALLED, 'utf8') !== wanted) {
    mkdirSync(CACHE, { recursive: true });
    for (const file of ['package.json', LOCK]) copyFileSync(join(import.meta.dirname, file), join(CACHE, file));
    const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel', 'error'];
    const { status, stderr, error } = spawnSync('npm', args, { cwd: CACHE, encoding: 'utf8' });
    if (status !== 0) throw new Error(`npm ci ended with ${status}: ${error?.message ?? stderr.slice(0, 500)}`);
    writeFileSync(INSTALLED, wanted);
  }
  return join(CACHE, 'node_modules/@solid/community-server/bin/server.js');
}
