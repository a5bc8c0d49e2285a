import type { Campaign } from '../../src/admin/commands.ts';
import { systemClock } from '../../src/clock.ts';
import { type FirstMove, killed, type WorkerProcess } from './processes.ts';

interface KillerOptions {
  readonly start: () => WorkerProcess;
  readonly campaign: () => Promise<Campaign>;
  readonly moment: Moment;
  /** After so many milliseconds a leg is not going to come to rest. */
  readonly legMs: number;
}

/** Resolves when a worker's time has come. */
export type Moment = (worker: WorkerProcess, death: Death) => Promise<unknown>;

interface Death {
  /** How many there were before it, in all. */
  readonly kills: number;
  /** Whether it is the first of its leg: in a short leg only that one is sure to fall. */
  readonly first: boolean;
  /** How many times longer it may live than the first one. */
  readonly longer: number;
}

const LONGER = 1.25;

/** Keeps two workers running, and kills them one after the other. */
export class Killer {
  readonly #options: KillerOptions;
  readonly #workers: [WorkerProcess, WorkerProcess];
  #over = false;
  readonly firstMoves: FirstMove[] = [];
  /** By the stage of the campaign in which they fell. */
  readonly byStage = new Map<string, number>();
  /** What those said that ended by themselves, and were started again. */
  readonly ended: string[] = [];
  kills = 0;

  constructor(options: KillerOptions) {
    this.#options = options;
    this.#workers = [this.#start(0), this.#start(1)];
  }

  /**
   * Kills until the campaign has come to rest, or so many times. Each worker may live longer than the one before, so that
   * rest is come to however little a machine gets done between two kills.
   */
  async leg(kills = Number.POSITIVE_INFINITY): Promise<void> {
    const over = new AbortController();
    const rest = this.rest(over.signal).then(() => 'rest' as const);
    for (let longer = 1, n = 0; n < kills; n++, longer *= LONGER) {
      const at = this.kills % 2;
      const moment = this.#options.moment(this.#workers[at]!, { kills: this.kills, first: n === 0, longer });
      if ((await Promise.race([moment, rest])) === 'rest') break;
      await this.#kill(at);
    }
    over.abort();
  }

  /** Resolves when the campaign rests, or is closed. */
  async rest(signal?: AbortSignal): Promise<void> {
    const deadline = performance.now() + this.#options.legMs;
    while (!signal?.aborted) {
      const campaign = await this.#options.campaign();
      if (rests(campaign)) return;
      if (performance.now() > deadline) throw new Error(`The campaign never came to rest: ${JSON.stringify(campaign)}`);
      await systemClock.sleep(20, signal);
    }
  }

  /** Ends the workers that run; these are no kills. */
  async stop(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#workers.map(killed));
  }

  async #kill(at: number): Promise<void> {
    const campaign = await this.#options.campaign();
    if (rests(campaign)) return;
    const { stage } = campaign;
    this.byStage.set(stage, (this.byStage.get(stage) ?? 0) + 1);
    this.kills++;
    await killed(this.#workers[at]!);
  }

  /** Whoever ends, in whatever way, is followed by another. */
  #start(at: number): WorkerProcess {
    const worker = this.#options.start();
    void worker.firstMove.then((first) => this.firstMoves.push(first));
    void worker.ended.then((said) => {
      if (said !== undefined) this.ended.push(said);
      if (!this.#over) this.#workers[at] = this.#start(at);
    });
    return worker;
  }
}

const rests = ({ settledAt, closed }: Campaign): boolean => settledAt !== undefined || closed;
