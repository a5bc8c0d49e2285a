import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Job } from './jobSchema.ts';
import { problemOf } from './problems.ts';

/** Lives in this process and ends with it. */
export interface Work {
  readonly what: string;
  readonly of: string;
  readonly by: string;
  /** What else makes it another job. */
  readonly input: unknown;
  run(progress: (seen: number, expected?: number) => void, signal: AbortSignal): Promise<unknown>;
}

interface Running {
  job: Job;
  readonly key: string;
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}

export class Jobs {
  readonly #clock: Clock;
  readonly #log: Pick<Logger, 'info' | 'error'>;
  /** The oldest first. */
  readonly #all = new Map<string, Running>();

  constructor(clock: Clock, log: Pick<Logger, 'info' | 'error'>) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Begins it, or finds the same where it runs already. Throws `job.refused` where too many run. */
  begin(work: Work): Job {
    const { what, of, by } = work;
    const key = JSON.stringify([what, of, work.input]);
    const running = [...this.#all.values()].filter(({ job }) => job.state === 'running');
    const same = running.find((each) => each.key === key);
    if (same) return same.job;
    if (running.length >= LIMITS.jobsAtOnce) throw new HandoverError('job.refused', `${running.length} are running.`);
    const abort = new AbortController();
    const startedAt = this.#clock.now();
    const job: Job = { id: this.#clock.id(16), what, of, by, startedAt, state: 'running', seen: 0 };
    const progress = (seen: number, expected?: number) => {
      entry.job = { ...entry.job, seen, ...(expected === undefined ? {} : { expected }) };
    };
    // Begun in a later turn, when `entry` is there to be told.
    const ended = Promise.resolve()
      .then(() => work.run(progress, abort.signal))
      .then(
        (result) => this.#end(entry, { state: 'done', result }),
        (error) => this.#broke(entry, error),
      );
    const entry: Running = { job, key, abort, ended };
    this.#all.set(job.id, entry);
    this.#forget();
    return job;
  }

  /** Throws `job.missing`. */
  at(id: string): Job {
    return this.#entry(id).job;
  }

  list(): readonly Job[] {
    return [...this.#all.values()].map(({ job: { result: _, ...job } }) => job);
  }

  /** Ends it, after the page under way. Throws `job.missing`. */
  async stop(id: string): Promise<Job> {
    const entry = this.#entry(id);
    entry.abort.abort();
    await entry.ended;
    return entry.job;
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#all.keys()].map((id) => this.stop(id)));
  }

  #entry(id: string): Running {
    const entry = this.#all.get(id);
    if (entry) return entry;
    throw new HandoverError('job.missing', `This server has no job ${JSON.stringify(id)}.`);
  }

  #broke(entry: Running, error: unknown): void {
    const { id, what, of } = entry.job;
    const wasTold = error instanceof HandoverError && error.code === 'wait.interrupted' && entry.abort.signal.aborted;
    if (wasTold) this.#log.info({ event: 'job.stopped', job: id, what, of });
    else this.#log.error({ event: 'job.failed', job: id, what, of, err: error });
    this.#end(entry, wasTold ? { state: 'stopped' } : { state: 'failed', problem: problemOf(error) });
  }

  #end(entry: Running, end: Pick<Job, 'state' | 'result' | 'problem'>): void {
    entry.job = { ...entry.job, ...end, endedAt: this.#clock.now() };
  }

  #forget(): void {
    for (const [id, { job }] of this.#all) {
      if (this.#all.size <= LIMITS.jobsKept) return;
      if (job.state !== 'running') this.#all.delete(id);
    }
  }
}
