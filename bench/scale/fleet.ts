import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { type RemoteStore, remoteStore } from './remoteStore.ts';

/** The folder of what was compiled. */
const DIST = resolve(import.meta.dirname, '../..');
/** The same young generation as the command line has, see src/cli/main.ts. */
const NODE = ['--max-semi-space-size=64'];

export interface FleetOptions {
  readonly records: number;
  readonly latencyMs: number;
  readonly atomic: 'group' | 'any';
}

/** What a process has used so far. */
export interface Used {
  readonly cpuMillis: number;
  /** The most that it ever had of its own, in MiB. */
  readonly peakMegabytes: number;
}

/** A stub's process with records in it, and `handover work` processes of a user's project on it. */
export class Fleet {
  readonly #folder: string;
  readonly #children: ChildProcess[] = [];
  readonly #socket: string;
  #stub!: ChildProcess;
  store!: RemoteStore;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#socket = join(folder, 'socket');
  }

  static async start({ records, latencyMs, atomic }: FleetOptions): Promise<Fleet> {
    const folder = mkdtempSync(join(tmpdir(), 'handover-scale-'));
    const fleet = new Fleet(folder);
    fleet.#writeProject();
    const args = [fleet.#socket, join(folder, 'data'), atomic, String(latencyMs), String(records)];
    fleet.#stub = fleet.#start([join(DIST, 'bench/scale/stub.js'), ...args]);
    await lineOf(fleet.#stub, 'stdout', 'ready');
    fleet.store = await remoteStore(fleet.#socket, 'bench');
    return fleet;
  }

  /** Resolves when all of them look for work. */
  async work(workers: number): Promise<readonly ChildProcess[]> {
    const main = join(DIST, 'src/cli/main.js');
    const config = join(this.#folder, 'handover.config.mjs');
    const all = Array.from({ length: workers }, () => this.#start([main, 'work', '--config', config]));
    await Promise.all(all.map((child) => lineOf(child, 'stderr', '"worker.started"')));
    return all;
  }

  get stub(): Used {
    return usedBy(this.#stub);
  }

  async stop(): Promise<void> {
    await this.store.close();
    await Promise.all(this.#children.map(ended));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A project as a user has it. */
  #writeProject(): void {
    const url = (path: string) => JSON.stringify(pathToFileURL(join(DIST, path)).href);
    mkdirSync(join(this.#folder, 'migrations'));
    writeFileSync(
      join(this.#folder, 'migrations/bench.mjs'),
      `export { migration as default } from ${url('bench/shared/feeds.js')};\n`,
    );
    writeFileSync(
      join(this.#folder, 'handover.config.mjs'),
      `import { defineConfig } from ${url('src/index.js')};
       import { remoteStore } from ${url('bench/scale/remoteStore.js')};
       export default defineConfig({ store: () => remoteStore(${JSON.stringify(this.#socket)}, 'worker ' + process.pid) });\n`,
    );
  }

  #start(args: readonly string[]): ChildProcess {
    const child = spawn(process.execPath, [...NODE, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#children.push(child);
    return child;
  }
}

/** Of a process that runs, where the system tells, as Linux does. */
export function usedBy({ pid }: ChildProcess): Used {
  const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ').slice(11, 13);
  const [, peak] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  // In hundredths of a second, and in KiB.
  return { cpuMillis: (Number(user) + Number(system)) * 10, peakMegabytes: Number(peak) / 1024 };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

/** Resolves with the first line that holds it, and goes on reading, so that nothing waits for a reader. Rejects at the end. */
function lineOf(child: ChildProcess, stream: 'stdout' | 'stderr', wanted: string): Promise<void> {
  const said: string[] = [];
  return new Promise((resolve, reject) => {
    for (const name of ['stdout', 'stderr'] as const) {
      if (child[name])
        createInterface({ input: child[name]! }).on('line', (line) => {
          if (name === stream && line.includes(wanted)) resolve();
          else said.push(line);
          if (said.length > 20) said.shift();
        });
    }
    child.once('exit', () => reject(new Error(`It ended too soon: ${said.join('\n')}`)));
  });
}
