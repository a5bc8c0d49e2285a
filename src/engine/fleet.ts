import type { Clock } from '../clock.ts';
import type { Answer, Dispatch, Hint } from '../dispatch/dispatch.ts';
import { HandoverError, unlessPassing } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { CampaignWork } from './campaignWork.ts';
import type { Tender } from './handOut.ts';
import type { CampaignDocument } from './schemas.ts';
import type { WorkerOptions } from './worker.ts';

interface FleetOptions extends Pick<WorkerOptions, 'clock' | 'events' | 'lanes'> {
  readonly dispatch: Dispatch;
  readonly workOn: (campaign: string) => CampaignWork;
  /** Ends on what is no store's doing. */
  readonly onBroken: (error: unknown) => void;
}

/**
 * One worker's part in a fleet: works on the ranges that are handed to it, and tends campaigns like everybody else. Whoever
 * is there may do any of it, and several at once do no harm: ending a sweep, planning the next, handing out its ranges are
 * compare-and-sets, and a message is a hint.
 */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #clock: Clock;
  readonly #lanes: number;
  readonly #inHand = new Set<Promise<Answer>>();
  /** Aborts when a range was ended: it may have been the last one of its turn. */
  #ended = new AbortController();
  #endings = 0;
  /** How many workers there were at the last look. */
  #workers = 1;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#lanes = options.lanes ?? LIMITS.lanes;
  }

  /** Works on what comes in until the signal aborts; resolves when all that is in hand was ended, or given back. */
  async receive(signal: AbortSignal): Promise<void> {
    const { dispatch, events } = this.#options;
    const onFaltered = (error: HandoverError) => events?.faltered?.(error);
    await dispatch.receive((hint) => this.#work(hint, signal), { lanes: this.#lanes, signal, onFaltered });
    await Promise.all(this.#inHand);
  }

  /** Ends sweeps, begins others, and hands out what may be worked on. */
  async tend({ id }: Pick<CampaignDocument, 'id'>, signal: AbortSignal): Promise<void> {
    const { dispatch, workOn, events } = this.#options;
    const help = (hint: Hint): boolean => {
      const may = this.#isIdle;
      if (may) void this.#work(hint, signal);
      return may;
    };
    const tender: Tender = {
      publish: (hints) => this.#orFalter(dispatch.publish(hints)),
      isIdle: () => this.#isIdle,
      help,
    };
    for (let endings = -1; endings !== this.#endings && !signal.aborted; ) {
      // What ends while it looks, it may not have seen.
      endings = this.#endings;
      const workers = await unlessPassing(workOn(id).tend(tender, signal), (error) => events?.faltered?.(error));
      this.#workers = workers ?? this.#workers;
    }
  }

  /** Until a range was ended here, or for as long as all workers together leave between two looks. */
  async untilNextLook(signal: AbortSignal): Promise<void> {
    const ended = this.#ended;
    const meanMs = Math.min(LIMITS.tendMs * this.#workers, LIMITS.tendMostMs);
    const chance = Number.parseInt(this.#clock.id(2), 16) / 0xffff;
    await this.#clock.sleep(Math.round(meanMs * (0.5 + chance)), AbortSignal.any([signal, ended.signal]));
    if (ended.signal.aborted) this.#ended = new AbortController();
  }

  /** A fleet that cannot be told of work finds it: see `handOut`. */
  async #orFalter(sent: Promise<void>): Promise<void> {
    await sent.catch((error) => {
      if (!(error instanceof HandoverError)) throw error;
      this.#options.events?.faltered?.(error);
    });
  }

  get #isIdle(): boolean {
    return this.#inHand.size < this.#lanes;
  }

  #work(hint: Hint, signal: AbortSignal): Promise<Answer> {
    const work = this.#take(hint, signal).catch((error): Answer => {
      this.#options.onBroken(error);
      return 'again';
    });
    this.#inHand.add(work);
    void work.finally(() => {
      this.#inHand.delete(work);
      this.#endings++;
      this.#ended.abort('ended');
    });
    return work;
  }

  async #take(hint: Hint, signal: AbortSignal): Promise<Answer> {
    const { workOn, events } = this.#options;
    if (signal.aborted) return 'again';
    const answer = await unlessPassing(workOn(hint.campaign).take(hint, signal), (error) => events?.faltered?.(error));
    // A message that comes back at once is of no use to a store that does not answer.
    if (answer === undefined) await this.#clock.sleep(LIMITS.idleMs, signal);
    return answer ?? 'again';
  }
}
