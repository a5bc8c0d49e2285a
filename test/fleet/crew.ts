import { once } from 'node:events';
import { systemClock } from '../../src/clock.ts';
import { killed, type WorkerProcess } from '../kill/processes.ts';

interface CrewOptions {
  readonly size: number;
  readonly start: () => WorkerProcess;
  /** 0 to 1. */
  readonly random: () => number;
  /** The first worker of a place lives up to so long from when it is at work, each later one longer. */
  readonly lifeMs: number;
}

/** However little a machine gets done between two kills, in the end it is enough. */
const LONGER = 1.5;

/** A number of places, each of which has a worker, whatever happens to the one before. */
export class Crew {
  readonly #options: CrewOptions;
  readonly #over = new AbortController();
  readonly #isOver = once(this.#over.signal, 'abort');
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
    for (let life = lifeMs; !signal.aborted; life *= LONGER) {
      const worker = start();
      void worker.id.then((id) => id !== undefined && this.placeOf.set(id, place));
      const old = async () => {
        await Promise.race([worker.id, this.#isOver]);
        await systemClock.sleep(random() * life, signal);
        return 'old' as const;
      };
      const said = await Promise.race([worker.ended, old()]);
      if (said === 'old') await killed(worker);
      else this.ended.push(said ?? 'it was killed by somebody else');
      if (said === 'old' && !signal.aborted) this.kills++;
    }
  }
}
