import type { Move } from '../../machines/moves.ts';
import type { Clock } from '../clock.ts';
import type { HookName } from '../define/hooks.ts';
import type { Migration } from '../define/migration.ts';
import type { Answer, Dispatch, Hint, Letter } from '../dispatch/dispatch.ts';
import { type HandoverError, unlessPassing } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Store } from '../store/store.ts';
import { CampaignWork } from './campaignWork.ts';
import type { Counts } from './counts.ts';
import { list } from './documents.ts';
import { Fleet } from './fleet.ts';
import { InHand } from './inHand.ts';
import type { CampaignDocument, QuarantineDocument } from './schemas.ts';
import type { Handling } from './subscription.ts';
import { isLazy, isWorkable } from './workable.ts';

/** What the worker tells about its work: for logs and progress. Nothing of it decides anything. */
export interface WorkerEvents {
  /** `rewrite`: of what refers to records. */
  moved?(campaign: string, type: Move['type'] | 'rewrite', count: number): void;
  /** A page is done and checkpointed; `records` is how many were seen. */
  paged?(campaign: string, records: number): void;
  swept?(campaign: CampaignDocument, counts: Counts, clean: boolean): void;
  /** A record cannot be moved, and this worker has listed it. */
  quarantined?(entry: QuarantineDocument): void;
  /** This worker has paused it; `command`: the number of its entry in the audit trail. */
  paused?(campaign: string, because: string, facts: { readonly migration: string; readonly command: number }): void;
  /** It has called a hook; `cause`: why that failed. */
  hooked?(facts: HookFacts): void;
  /** This worker has set a range aside, which so many took and got nowhere with. */
  setAside?(letter: Letter): void;
  /** This worker has not the definition that the campaign was started with; told once. */
  refused?(campaign: CampaignDocument): void;
  /** The store did not answer, or the dispatch; the worker will look again. */
  faltered?(error: HandoverError): void;
  /** Runs a page's way, from its scan to its last commit, once: for traces. */
  page?<R>(page: PageFacts, act: () => Promise<R>): Promise<R>;
}

export interface HookFacts {
  readonly campaign: string;
  readonly hook: HookName;
  /** The idempotency key. */
  readonly key: string;
  readonly attempt: number;
  readonly cause?: string;
}

export interface PageFacts {
  readonly campaign: string;
  readonly sweep: string;
  readonly home: 'S' | 'T';
  readonly worker: string;
}

export interface WorkerOptions {
  readonly store: Store;
  readonly migrations: readonly Migration[];
  readonly clock: Clock;
  readonly events?: WorkerEvents;
  /** Letters and digits. Default: a fresh one. */
  readonly id?: string;
  /** Takes in what a topic says now, as if it had been delivered; returns how much was new. Unset: nothing is fetched. */
  readonly takeIn?: Handling['takeIn'];
  /** Ranges in hand at once, for each campaign; or of all campaigns, where they are handed out. Default: `LIMITS.lanes`. */
  readonly lanes?: number;
  /** Hands out ranges to a fleet of workers. Unset: each worker looks for its own, as often as it likes. */
  readonly dispatch?: Dispatch;
}

/**
 * One worker: looks for open campaigns and works on each of them. Any number of workers in any number of processes may
 * run; none knows of another, and each may die at any step. There is no recovery: a worker that starts just looks.
 */
export class Worker {
  readonly id: string;
  readonly #options: WorkerOptions;
  /** What this worker knows of each campaign that it has met. */
  readonly #works = new Map<string, CampaignWork>();
  readonly #inHand = new InHand();

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.id = options.id ?? `w${options.clock.id(4)}`;
  }

  /**
   * Works until the signal aborts; a page under way is finished first. Campaigns are worked on side by side, so that one
   * which never rests, or is slow on purpose, holds up no other. Throws what is no store's doing, when all have stopped.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, dispatch } = this.#options;
    const broken = new AbortController();
    const all = AbortSignal.any([signal, broken.signal]);
    const orBreak = (work: Promise<unknown>) =>
      work.then(
        () => undefined,
        (error) => broken.abort(error),
      );
    const onBroken = (error: unknown) => broken.abort(error);
    const fleet = dispatch && new Fleet({ ...this.#options, dispatch, workOn: (id) => this.#workOn(id), onBroken });
    const received = fleet && orBreak(fleet.receive(all));
    const underWay = new Map<string, Promise<void>>();
    const begin = (campaign: CampaignDocument) => {
      if (underWay.has(campaign.id)) return;
      const work = orBreak(fleet ? fleet.tend(campaign, all) : this.step(campaign, all)).finally(() =>
        underWay.delete(campaign.id),
      );
      underWay.set(campaign.id, work);
    };
    while (!all.aborted) {
      // A store that does not answer is no reason to die: nothing is known, so look again a little later.
      const look = unlessPassing(this.#lookForWork(begin), (error) => this.#options.events?.faltered?.(error));
      await look.catch((error) => broken.abort(error));
      await (fleet ? fleet.untilNextLook(all) : clock.sleep(LIMITS.idleMs, all));
    }
    await Promise.all([received, ...underWay.values()]);
    if (broken.signal.aborted) throw broken.signal.reason;
  }

  /** Works on one campaign as long as there is something to do for it; false when there was nothing. */
  async step({ id }: Pick<CampaignDocument, 'id'>, signal: AbortSignal): Promise<boolean> {
    return this.#workOn(id).step(signal);
  }

  /** For whoever is handed one message at a time. Throws what is no store's doing. */
  async take(hint: Hint, signal: AbortSignal): Promise<Answer> {
    const taken = this.#workOn(hint.campaign).take(hint, signal);
    return (await unlessPassing(taken, (error) => this.#options.events?.faltered?.(error))) ?? 'again';
  }

  /**
   * Tends all campaigns once: ends what is at its end, begins what is due, and hands out ranges, without working on any.
   * Needs a dispatch. Throws what is no store's doing.
   */
  async tend(signal: AbortSignal): Promise<void> {
    const { dispatch, events } = this.#options;
    const tending: Promise<unknown>[] = [];
    const tender = {
      publish: async (hints: readonly Hint[]) => dispatch?.publish(hints),
      isIdle: () => true,
      help: () => false,
    };
    const faltered = (error: HandoverError) => events?.faltered?.(error);
    const begin = ({ id }: CampaignDocument) =>
      tending.push(unlessPassing(this.#workOn(id).tend(tender, signal), faltered));
    await unlessPassing(this.#lookForWork(begin), faltered);
    await Promise.all(tending);
  }

  #workOn(id: string): CampaignWork {
    const work = this.#works.get(id) ?? new CampaignWork(id, { ...this.#options, id: this.id }, this.#inHand);
    this.#works.set(id, work);
    return work;
  }

  async #lookForWork(begin: (campaign: CampaignDocument) => void): Promise<void> {
    const { store, clock } = this.#options;
    for await (const { value } of list(store, 'campaign')) {
      const isDue = isWorkable(value, clock.now());
      if (
        isDue ||
        ((value.run === 'paused' || value.pending || isLazy(value, clock.now())) &&
          this.#workOn(value.id).mayHaveLeases(value))
      )
        begin(value);
    }
  }
}
