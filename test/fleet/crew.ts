import { systemClock } from '../../src/clock.ts';
import { killed, type WorkerProcess } from '../kill/processes.ts';

interface CrewOptions {
  readonly size: number;
  readonly start: () => WorkerProcess;
  /** 0 to 1. */
  readonly random: () => number;
  /** A worker lives up to so long from its first move on. */
  readonly lifeMs: number;
}

/** A number of places, each of which has a worker, whatever happens to the one before. */
export class Crew {
  readonly #options: CrewOptions;
  readonly #over = new AbortController();
  readonly #places: Promise<void>[];
  /** The place of each worker that there ever was, by its name. */
  readonly placeOf = new Map<string, number>();
  /** What those said that ended by themselves. */
  readonly ended: string[] = [];
  kills = 0;

  constructor(options: CrewOptions) {
    this.#options = options;
    this.#places = Array.from({ length: options.size }, (_, place) => this.#live(place));
  }

  /** Ends them all; these are no kills. */
  async stop(): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#places);
  }

  /** Life after life. */
  async #live(place: number): Promise<void> {
    const { start, random, lifeMs } = this.#options;
    const { signal } = this.#over;
    while (!signal.aborted) {
      const worker = start();
      void worker.id.then((id) => id !== undefined && this.placeOf.set(id, place));
      const old = async () => {
        await Promise.race([worker.firstMove, systemClock.sleep(lifeMs, signal)]);
        await systemClock.sleep(random() * lifeMs, signal);
        return 'old' as const;
      };
      const said = await Promise.race([worker.ended, old()]);
      if (said === 'old') await killed(worker);
      else this.ended.push(said ?? 'it was killed by somebody else');
      if (said === 'old' && !signal.aborted) this.kills++;
    }
  }
}
