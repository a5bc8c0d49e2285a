#!/usr/bin/env node
// compiled.mjs FOLDER NAME [arguments]: builds, then runs FOLDER/NAME.ts in its compiled form, with what src/ compiles to.
// For benchmarks and simulations, whose speed is a result. Standard output is the program's alone.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const [folder, name, ...args] = process.argv.slice(2);
const names = readdirSync(join(root, folder))
  .filter((file) => /^[^.]+\.ts$/.test(file))
  .map((file) => file.slice(0, -'.ts'.length));

if (!names.includes(name)) {
  console.error(`There is no ${folder}/${name ?? ''} to run. There is: ${names.join(', ') || 'nothing'}.`);
  process.exit(64);
}
const run = (file, ...rest) => spawnSync(process.execPath, [file, ...rest], { stdio: 'inherit' });
const built = run(join(root, 'scripts/build.mjs'));
if (built.status !== 0) process.exit(built.status ?? 1);
const program = join(root, 'dist', folder, `${name}.js`);
if (!existsSync(program)) throw new Error(`The build made no ${program}.`);
// The same young generation as the command line has, see src/cli/main.ts; for the baselines too.
const { status, signal } = run('--max-semi-space-size=64', program, ...args);
if (signal) process.kill(process.pid, signal);
process.exit(status ?? 1);
