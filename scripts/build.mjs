#!/usr/bin/env node
// Compiles src/, machines/, bench/ and test/simulation/ into dist/, and bundles the page. The new dist/ is made aside and put in place as a
// whole, so that a program started from the old one in the meantime never finds half of it.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildPage } from './page.mjs';

const root = resolve(import.meta.dirname, '..');
const dist = join(root, 'dist');
const next = join(root, `dist.next.${process.pid}`);
const old = join(root, `dist.old.${process.pid}`);

try {
  process.exitCode = compile();
  if (process.exitCode === 0) {
    nameEmittedFiles();
    await buildPage(join(next, 'src/page'));
    const cli = join(next, 'src/cli/main.js');
    if (existsSync(cli)) chmodSync(cli, 0o755);
    putInPlace();
  }
} finally {
  for (const left of [next, old]) rmSync(left, { recursive: true, force: true });
}

function compile() {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const args = [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', next];
  return spawnSync(process.execPath, args, { stdio: ['ignore', 2, 2] }).status ?? 1;
}

/** The compiler rewrites `./x.ts` to `./x.js` in what runs, but not in declarations. */
function nameEmittedFiles() {
  for (const entry of readdirSync(next, { recursive: true })) {
    if (!entry.endsWith('.d.ts')) continue;
    const file = join(next, entry);
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace(/((?:from |import |import\()['"]\.{1,2}\/[^'"]+)\.ts(?=['"])/g, '$1.js'));
  }
}

/** Another build may be doing the same: whoever finds dist/ in place again moves that one aside too. */
function putInPlace() {
  for (let attempt = 0; ; attempt++) {
    try {
      rmSync(old, { recursive: true, force: true });
      if (existsSync(dist)) renameSync(dist, old);
      renameSync(next, dist);
      return;
    } catch (error) {
      if (attempt === 20 || !['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(error.code) || !existsSync(next)) throw error;
    }
  }
}
