import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Pool } from 'undici';

export type Version = 'v1' | 'v2' | 'v3';

interface Instance {
  readonly version: Version;
  readonly pool: Pool;
  readonly process: ChildProcess;
  readonly ended: Promise<unknown>;
}

/** The instances that run just now, each a process with a server of its own. */
export class Fleet {
  readonly #folder: string;
  #instances: readonly Instance[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Starts an instance of a version, beside those that run. */
  async deploy(version: Version): Promise<void> {
    const cli = join(dirname(createRequire(import.meta.url).resolve('jiti/package.json')), 'lib/jiti-cli.mjs');
    const service = resolve(import.meta.dirname, '../service.ts');
    const process_ = spawn(process.execPath, [cli, service, version, this.#folder], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(process_, 'close');
    const [url] = await Promise.race([once(createInterface(process_.stdout), 'line'), ended]);
    if (typeof url !== 'string') throw new Error(`An instance of ${version} ended before it listened.`);
    this.#instances = [...this.#instances, { version, pool: new Pool(url), process: process_, ended }];
  }

  /** Ends the instances of a version; what they have under way is answered. */
  async retire(version: Version): Promise<void> {
    const leaving = this.#instances.filter((each) => each.version === version);
    // Nobody is sent there any more.
    this.#instances = this.#instances.filter((each) => each.version !== version);
    // Not before its last answer is there, and no connection: a server that ends waits for those that are kept.
    await Promise.all(leaving.map(({ pool }) => pool.close()));
    for (const { process: leaver } of leaving) leaver.stdin!.end();
    await Promise.all(leaving.map(({ ended }) => ended));
  }

  get versions(): readonly Version[] {
    return [...new Set(this.#instances.map(({ version }) => version))];
  }

  /** One of those that run, in turn. */
  next(n: number): Instance {
    return this.#instances[n % this.#instances.length]!;
  }

  kill(): void {
    for (const { process: each } of this.#instances) each.kill('SIGKILL');
  }
}
