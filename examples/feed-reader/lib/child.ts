import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, extname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';

/** How long a child that was told to stop may take for what it has under way. */
const STOP_MS = 10_000;

/** A program from elsewhere, which has no word for its parent and is in no family of processes. */
export interface Foreign {
  readonly file: string;
  readonly execArgv: readonly string[];
}

/**
 * Another program of this example, as its parent sees it. It is started in the way this one was: compiled, or as
 * TypeScript, which newer versions of Node.js run as it is and older ones run with jiti.
 */
export class Child<Message> {
  readonly #process: ChildProcess;
  /** Resolves when it ended because it was told to; rejects when it ended otherwise. */
  readonly ended: Promise<void>;
  #stopping = false;

  constructor(
    program: string,
    folder: string,
    args: readonly string[],
    onMessage: (message: Message) => void,
    foreign?: Foreign,
  ) {
    const [file, ...rest] = foreign ? [foreign.file] : commandOf(program);
    this.#process = fork(file!, [...rest, ...args], {
      env: { ...process.env, HANDOVER_DEMO_STORE: folder },
      // A page of records lives for some milliseconds; with V8's own 16 MB they are copied about meanwhile.
      execArgv: ['--max-semi-space-size=64', ...(foreign?.execArgv ?? [])],
      // Standard output is the parent's alone.
      stdio: foreign ? ['ignore', 'ignore', 'pipe', 'ipc'] : ['ignore', 2, 2, 'ipc'],
      // Ctrl-C reaches the whole family; this one would not leave it to its parent to say when it is to stop.
      detached: foreign !== undefined,
    });
    this.#process.on('message', onMessage);
    this.ended = new Promise((done, failed) => {
      this.#process.on('error', failed);
      // Not before all is read that it has said.
      this.#process.on('close', (code, signal) => {
        if (this.#stopping && code === 0) done();
        else
          failed(new Error(`The ${program} (process ${this.pid}) ended by itself: ${signal ?? `exit code ${code}`}.`));
      });
    });
    // Who waits for it learns of a failure; it is no reason to end the process by itself.
    this.ended.catch(() => {});
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** What a foreign one says on standard error. */
  get errors(): Readable | null {
    return this.#process.stderr;
  }

  tell(message: object): void {
    this.#process.send(message);
  }

  /** Lets it finish what is under way. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.kill(), STOP_MS);
    await this.ended.finally(() => clearTimeout(timer));
  }

  /** Ends exactly this process, at once. */
  kill(): void {
    if (this.#process.exitCode === null && this.#process.signalCode === null) this.#process.kill('SIGKILL');
  }
}

function commandOf(program: string): readonly string[] {
  const extension = extname(import.meta.filename);
  const file = resolve(import.meta.dirname, '..', `${program}${extension}`);
  return extension === '.ts' && !runsTypeScript() ? [jitiCli(), file] : [file];
}

const runsTypeScript = (): boolean => Boolean((process.features as { typescript?: unknown }).typescript);

function jitiCli(): string {
  const { resolve: find } = createRequire(import.meta.url);
  return join(dirname(find('jiti/package.json')), 'lib/jiti-cli.mjs');
}
