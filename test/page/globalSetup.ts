import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The browser's program, or why there is none. */
    readonly chromium: { readonly program: string } | { readonly missing: string };
  }
}

/** `CHROMIUM`, or Debian's; with `CI=true` Debian's is installed where it is missing and may be. */
export default function setup(project: TestProject): void {
  const program = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
  const isAsked = process.env['CI'] === 'true';
  if (!existsSync(program) && isAsked) {
    spawnSync('apt-get', ['install', '--yes', '--no-install-recommends', 'chromium'], { stdio: ['ignore', 2, 2] });
  }
  if (existsSync(program)) {
    project.provide('chromium', { program });
    return;
  }
  const missing = `${program} is missing: apt-get install chromium, or set CHROMIUM`;
  if (isAsked) throw new Error(`The tests of the web page cannot run: ${missing}.`);
  console.warn(`The tests of the web page are skipped: ${missing}.`);
  project.provide('chromium', { missing });
}
