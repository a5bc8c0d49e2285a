import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { migrationOf } from './feeds.ts';
import { Ledger } from './ledger.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Milliseconds to a first move: from the start of the process, and from when Node and the project were loaded. */
export interface FirstMove {
  readonly sinceSpawn: number;
  readonly sinceLoaded: number;
}

export interface WorkerProcess {
  readonly child: ChildProcess;
  /** Resolves with the first line of its log that tells of this event. */
  told(event: string): Promise<Readonly<Record<string, unknown>>>;
  /** What it calls itself; unset: it ended before it said so. */
  readonly id: Promise<string | undefined>;
  /** Resolves with its first move. */
  readonly firstMove: Promise<FirstMove>;
  /** Resolves when it is no more; with what it said, beside its log, where nobody has killed it. */
  readonly ended: Promise<string | undefined>;
}

export interface WriterProcess {
  readonly ledger: Ledger;
  /** Resolves when so many more writes were heard of. */
  after(writes: number): Promise<void>;
  /** Resolves when it has finished what was in flight. */
  stop(): Promise<void>;
  /** Rejects when it ends by itself. */
  readonly failed: Promise<never>;
}

/** How the project opens its store: what it imports, and the expression. */
interface Opening {
  readonly imports: string;
  readonly store: string;
  /** How it hands out work; unset: each worker looks for its own. */
  readonly dispatch?: string;
}

/** A user's project in a folder of its own, and the processes that are started in it. */
export class LiveProject {
  readonly folder = mkdtempSync(join(tmpdir(), 'handover-kill-'));
  readonly config = join(this.folder, 'handover.config.mjs');
  readonly #children = new Set<ChildProcess>();

  constructor(records: number, opening: (folder: string) => Opening) {
    const { imports, store, dispatch } = opening(this.folder);
    mkdirSync(join(this.folder, 'migrations'));
    mkdirSync(join(this.folder, 'node_modules'));
    symlinkSync(ROOT, join(this.folder, 'node_modules/handover'));
    copyFileSync(join(import.meta.dirname, 'writer.mjs'), join(this.folder, 'writer.mjs'));
    writeFileSync(join(this.folder, 'migrations/feeds.mjs'), migrationOf(records));
    writeFileSync(
      this.config,
      `import { defineConfig } from 'handover';
       ${imports}
       export default defineConfig({ store: () => ${store}${dispatch ? `, dispatch: () => ${dispatch}` : ''} });`,
    );
  }

  /** Of this build, or of another one; with this project's migrations, or with others that it has been given. */
  worker({ root = ROOT, config = this.config }: { root?: string; config?: string } = {}): WorkerProcess {
    const began = performance.now();
    const child = this.#start([join(root, 'dist/src/cli/main.js'), 'work', '--config', config]);
    let loaded = began;
    const said: string[] = [];
    const told = new Map<string, Readonly<Record<string, unknown>>>();
    const waiting = new Set<() => void>();
    const firstMove = new Promise<FirstMove>((done) => {
      createInterface({ input: child.stderr! }).on('line', (line) => {
        const now = performance.now();
        if (line.includes('"worker.started"')) loaded = now;
        if (line.includes('"move.made"')) done({ sinceSpawn: now - began, sinceLoaded: now - loaded });
        if (!line.startsWith('{')) return said.push(line);
        const happened = JSON.parse(line) as { readonly event: string };
        if (!told.has(happened.event)) told.set(happened.event, { ...happened });
        for (const look of waiting) look();
      });
    });
    const ended = once(child, 'close').then(([code, signal]) => {
      return signal === 'SIGKILL' ? undefined : `${code ?? signal}: ${said.join('\n')}`;
    });
    const eventOf = (event: string) =>
      new Promise<Readonly<Record<string, unknown>>>((done, failed) => {
        const look = () => {
          const found = told.get(event);
          if (found && waiting.delete(look)) done(found);
        };
        waiting.add(look);
        look();
        void ended.then((how) => failed(new Error(`It ended before ${event}: ${how ?? 'killed'}`)));
      });
    const id = eventOf('worker.started').then(
      ({ worker }) => String(worker),
      () => undefined,
    );
    return { child, id, told: eventOf, firstMove, ended };
  }

  /** A configuration beside this project's own, on the same store, with other migrations. */
  variant(name: string, migrations: Readonly<Record<string, string>>): string {
    const folder = join(this.folder, name);
    mkdirSync(join(folder, 'migrations'), { recursive: true });
    for (const [file, text] of Object.entries(migrations)) writeFileSync(join(folder, 'migrations', file), text);
    const config = join(folder, 'handover.config.mjs');
    writeFileSync(config, `export { default } from ${JSON.stringify(this.config)};\n`);
    return config;
  }

  /** `pauseMs`: of each of its clients between two writes. */
  writer(records: number, seed: number, pauseMs: number): WriterProcess {
    const child = this.#start([join(this.folder, 'writer.mjs'), ...[records, seed, pauseMs].map(String)]);
    const ledger = new Ledger();
    const waiting = new Set<{ readonly count: number; readonly reached: () => void }>();
    const heard = () => ledger.acknowledged + ledger.uncertain;
    const said: string[] = [];
    createInterface({ input: child.stderr! }).on('line', (line) => said.push(line));
    // By the end of the output all lines of it were read: `exit` may come before.
    const done = new Promise<boolean>((resolve) => {
      let finished = false;
      const lines = createInterface({ input: child.stdout! });
      lines.on('close', () => resolve(finished));
      lines.on('line', (line) => {
        if (line === 'done') finished = true;
        else ledger.enter(line);
        for (const each of waiting) if (heard() >= each.count && waiting.delete(each)) each.reached();
      });
    });
    const failed = done.then((finished) => {
      if (finished) return new Promise<never>(() => {});
      throw new Error(`The writer ended: ${said.join('\n')}`);
    });
    failed.catch(() => {});
    return {
      ledger,
      failed,
      after: (writes) => new Promise((reached) => waiting.add({ count: heard() + writes, reached })),
      stop: async () => {
        child.kill('SIGTERM');
        await Promise.race([done, failed]);
      },
    };
  }

  dispose(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  #start(args: readonly string[]): ChildProcess {
    const child = spawn(process.execPath, args, { cwd: this.folder, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }
}

export async function killed({ child, ended }: WorkerProcess): Promise<void> {
  child.kill('SIGKILL');
  await ended;
}
