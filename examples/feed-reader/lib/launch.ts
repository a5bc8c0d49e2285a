import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, extname, join, resolve } from 'node:path';

/**
 * Starts another program of this example in the way this one was started: compiled, or as TypeScript, which newer
 * versions of Node.js run as it is and older ones run with jiti.
 */
export function launch(program: string, args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  const extension = extname(import.meta.filename);
  const file = resolve(import.meta.dirname, '..', `${program}${extension}`);
  const command = extension === '.ts' && !runsTypeScript() ? [jitiCli(), file] : [file];
  return fork(command[0]!, [...command.slice(1), ...args], {
    env: { ...process.env, ...env },
    // Standard output is the parent's alone.
    stdio: ['ignore', 2, 2, 'ipc'],
  });
}

const runsTypeScript = (): boolean => Boolean((process.features as { typescript?: unknown }).typescript);

function jitiCli(): string {
  const { resolve: find } = createRequire(import.meta.url);
  return join(dirname(find('jiti/package.json')), 'lib/jiti-cli.mjs');
}
