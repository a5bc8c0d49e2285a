import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A program of the example, started as `scripts/demo` starts it, with a temporary directory of its own. */
class Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly temporary = mkdtempSync(join(tmpdir(), 'handover-test-demo-'));
  #out = '';
  #err = '';

  constructor(
    name: string,
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
    example = 'feed-reader',
  ) {
    const file = join(root, 'examples', example, `${name}.ts`);
    this.child = spawn(process.execPath, [join(root, 'node_modules/jiti/lib/jiti-cli.mjs'), file, ...args], {
      cwd: root,
      env: { ...process.env, TMPDIR: this.temporary, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout!.on('data', (data) => {
      this.#out += data;
    });
    this.child.stderr!.on('data', (data) => {
      this.#err += data;
    });
    this.ended = new Promise((done) => {
      this.child.on('close', (code) => done({ code, out: this.#out, err: this.#err }));
    });
  }

  /** What the pattern finds in what it has written, as soon as it is there. */
  async says(pattern: RegExp, stream: 'out' | 'err' = 'out'): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(stream === 'out' ? this.#out : this.#err);
      if (found) return found;
      if (this.child.exitCode !== null)
        throw new Error(`It ended before it said ${pattern}:\n${this.#out}${this.#err}`);
      await new Promise((done) => setTimeout(done, 20));
    }
  }
}

export async function isGone(pid: number, withinMs: number): Promise<boolean> {
  for (const until = Date.now() + withinMs; Date.now() < until; ) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await new Promise((done) => setTimeout(done, 50));
  }
  return false;
}

/** One that ends with its test, and leaves nothing behind. */
export function start(...args: ConstructorParameters<typeof Program>): Program {
  const program = new Program(...args);
  onTestFinished(() => {
    program.child.kill('SIGKILL');
    rmSync(program.temporary, { recursive: true, force: true });
  });
  return program;
}
