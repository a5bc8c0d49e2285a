import { HandoverError, messageOf } from '../errors.ts';
import type { Tables } from './lmdbTables.ts';

const STATE = Buffer.from('state');

interface Job {
  readonly work: () => unknown;
  readonly lost: (cause: string) => unknown;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The only place that writes. What is handed in during one turn of the event loop becomes one transaction with one
 * flush (group commit); every job decides within it what it applies, and no other process can write meanwhile.
 *
 * Why each answer is true:
 * - `transactionSync` returned: written, flushed, visible, in this order. The answers are given out after that.
 * - a job threw: the transaction is aborted before anything of it was written; all of its jobs are rejected, none has
 *   been applied.
 * - the commit itself threw (disk full, I/O error): LMDB tries to take the meta page back, and cannot know whether it
 *   reached the disk. Every job is told `unknown`, and this store writes no more: lmdb's binding does not check whether
 *   a transaction could begin in a damaged environment. Open it again: LMDB takes the newest whole state.
 */
export class Writer {
  readonly #tables: Tables;
  #jobs: Job[] = [];
  #flushing: Promise<void> | undefined;
  #broken: string | undefined;
  #version = 0;
  #generation = 0;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  /**
   * A version that no entity has had: the counter is part of the transaction that uses it, whichever process runs it.
   * Only inside a job; `versionUsed` says that it was taken.
   */
  get nextVersion(): number {
    return this.#version + 1;
  }

  versionUsed(): void {
    this.#version++;
  }

  /** Grows whenever an index is declared, by any process. Only inside a job. */
  get generation(): number {
    return this.#generation;
  }

  newGeneration(): number {
    return ++this.#generation;
  }

  /** At once, on its own. */
  now<T>(work: () => T): T {
    return this.#tables.transactionSync(() => this.#run([{ work }])[0] as T);
  }

  /** What `work` answers, once it is durable; what `lost` answers, if nobody can say whether it is. */
  submit<T>(work: () => T, lost: (cause: string) => T): Promise<T> {
    if (this.#broken !== undefined) return Promise.reject(broken(this.#broken));
    return new Promise<T>((resolve, reject) => {
      this.#jobs.push({ work, lost, resolve, reject });
      this.#flushing ??= new Promise((done) => {
        setImmediate(() => {
          this.#flushing = undefined;
          this.#flush();
          done();
        });
      });
    });
  }

  async drain(): Promise<void> {
    await this.#flushing;
  }

  #flush(): void {
    const jobs = this.#jobs;
    this.#jobs = [];
    let answers: unknown[] | undefined;
    try {
      this.#tables.transactionSync(() => {
        answers = this.#run(jobs);
      });
    } catch (error) {
      if (answers === undefined) {
        for (const job of jobs) job.reject(error);
        return;
      }
      const cause = `the commit failed: ${messageOf(error)}`;
      this.#broken = cause;
      for (const job of jobs) settle(job, () => job.lost(cause));
      return;
    }
    for (let i = 0; i < jobs.length; i++) jobs[i]!.resolve(answers![i] as never);
  }

  #run(jobs: readonly Pick<Job, 'work'>[]): unknown[] {
    const { meta } = this.#tables;
    [this.#version, this.#generation] = readState(meta);
    const version = this.#version;
    const generation = this.#generation;
    const answers = jobs.map((job) => job.work());
    // Nothing was applied: then nothing is written, and LMDB drops the empty transaction without a flush.
    if (version !== this.#version || generation !== this.#generation) {
      const state = Buffer.alloc(16);
      state.writeDoubleLE(this.#version, 0);
      state.writeDoubleLE(this.#generation, 8);
      meta.putSync(STATE, state);
    }
    return answers;
  }
}

/** The version counter and the generation of the declared indexes. */
export function readState(meta: Tables['meta']): [version: number, generation: number] {
  const stored = meta.get(STATE);
  return stored ? [stored.readDoubleLE(0), stored.readDoubleLE(8)] : [0, 0];
}

function settle(job: Job, answer: () => unknown): void {
  try {
    job.resolve(answer() as never);
  } catch (error) {
    job.reject(error);
  }
}

function broken(cause: string): HandoverError {
  return new HandoverError('store.closed', `It takes no writes since ${cause}. Open it again.`);
}
