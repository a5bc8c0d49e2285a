import type { Move } from '../../machines/moves.ts';
import { type Clock, elapsed, type Moment, moment } from '../clock.ts';
import type { Migration } from '../define/migration.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Store } from '../store/store.ts';
import { endSweep, isClean, isClosing, sweepAgain } from './campaign.ts';
import { Claim, Pulse } from './claim.ts';
import type { Counts } from './counts.ts';
import { type CampaignDocument, documentKey, list, load, type QuarantineDocument } from './documents.ts';
import { metered } from './metered.ts';
import { Pacer } from './pace.ts';
import { workOnRange } from './rangeWork.ts';
import { claimRange, currentSweep, forgetOldSweeps, liveWorkers, type Progress, progressOf } from './sweep.ts';

/** What the worker tells about its work: for logs and progress. Nothing of it decides anything. */
export interface WorkerEvents {
  moved?(campaign: string, type: Move['type'], count: number): void;
  /** A page is done and checkpointed; `records` is how many were seen. */
  paged?(campaign: string, records: number): void;
  swept?(campaign: CampaignDocument, counts: Counts, clean: boolean): void;
  /** A record cannot be moved, and was not listed before. */
  quarantined?(entry: QuarantineDocument): void;
  paused?(campaign: string, because: string): void;
  /** This worker has not the definition that the campaign was started with; told once. */
  refused?(campaign: CampaignDocument): void;
  /** The store did not answer; the worker will look again. */
  faltered?(error: HandoverError): void;
}

export interface WorkerOptions {
  readonly store: Store;
  readonly migrations: readonly Migration[];
  readonly clock: Clock;
  readonly events?: WorkerEvents;
  /** Letters and digits. Default: a fresh one. */
  readonly id?: string;
}

/**
 * One worker: looks for open campaigns, takes a range, brings its pages to their targets, checkpoints, and advances the
 * campaign when a sweep is done. Any number of workers in any number of processes may run; none knows of another, and
 * each may die at any step. There is no recovery: a worker that starts just looks.
 */
export class Worker {
  readonly id: string;
  readonly #options: WorkerOptions;
  /** Generations in which the new homes turned out to be filled already. */
  readonly #filled = new Set<string>();
  readonly #refused = new Set<string>();
  /** When this worker first saw the sweep of a campaign that is about to close. */
  readonly #firstSeen = new Map<string, { readonly name: string; readonly at: Moment }>();
  /** One for each campaign: all lanes share a budget, and what they know of hot groups. */
  readonly #pacers = new Map<string, Pacer>();
  readonly #groupsInHand = new Set<string>();
  /** One for each lane. */
  readonly #pulses: readonly Pulse[];

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#pulses = Array.from({ length: LIMITS.lanes }, () => new Pulse(options.clock));
    this.id = options.id ?? `w${options.clock.id(4)}`;
  }

  /** Works until the signal aborts; a page under way is finished first. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      const worked = await this.#stepAll(signal);
      if (!worked) await clock.sleep(LIMITS.idleMs, signal);
    }
  }

  async #stepOrFalter(campaign: CampaignDocument, signal: AbortSignal): Promise<boolean> {
    try {
      return await this.step(campaign, signal);
    } catch (error) {
      if (!(error instanceof HandoverError) || error.code !== 'store.unknown') throw error;
      this.#options.events?.faltered?.(error);
      return false;
    }
  }

  /** A store that does not answer is no reason to die: nothing is known, so look again a little later. */
  async #stepAll(signal: AbortSignal): Promise<boolean> {
    const { store, events } = this.#options;
    let worked = false;
    try {
      for await (const { value } of list(store, 'campaign')) {
        worked = (await this.#stepOrFalter(value, signal)) || worked;
      }
    } catch (error) {
      if (!(error instanceof HandoverError) || error.code !== 'store.unknown') throw error;
      events?.faltered?.(error);
      return false;
    }
    return worked;
  }

  /**
   * Works on one campaign as long as there is something to do for it; false when there was nothing. Several lanes take
   * a range each, so that the store's round trips overlap and its commits can be shared. A lane that finds nothing waits
   * while another works: that one may be about to open the next sweep, or the new homes.
   */
  async step({ id }: Pick<CampaignDocument, 'id'>, signal: AbortSignal): Promise<boolean> {
    const { store, clock } = this.#options;
    const key = documentKey('campaign', id);
    let working = 0;
    let worked = false;
    let done = new AbortController();
    const left: Promise<void>[] = [];
    // Whoever waits may find work now.
    const tell = () => {
      done.abort();
      done = new AbortController();
    };
    const leave = (range: Promise<void>) => {
      working++;
      const ended = range.finally(() => working--);
      ended.then(tell, tell);
      left.push(ended);
    };
    const run = async (lane: number): Promise<void> => {
      let idleMs: number = LIMITS.laneIdleMs;
      do {
        const campaign = await load(store, 'campaign', key);
        if (!campaign || signal.aborted) return;
        working++;
        const found = await this.#advance(campaign.value, signal, lane, leave).finally(() => working--);
        if (found) {
          worked = true;
          idleMs = LIMITS.laneIdleMs;
          tell();
        } else if (working > 0) {
          await clock.sleep(idleMs, AbortSignal.any([signal, done.signal]));
          idleMs = Math.min(2 * idleMs, LIMITS.laneIdleMostMs);
        } else return;
      } while (!signal.aborted);
    };
    const lanes = await Promise.allSettled(Array.from({ length: LIMITS.lanes }, (_, lane) => run(lane)));
    const failed = [...lanes, ...(await Promise.allSettled(left))].find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
    return worked;
  }

  /**
   * Takes one campaign one range further. False when there is nothing to do for it just now. `leave` is handed what is
   * left of a range of which only hot groups are.
   */
  async #advance(
    campaign: CampaignDocument,
    signal: AbortSignal,
    lane: number,
    leave: (range: Promise<void>) => void,
  ): Promise<boolean> {
    const { store, clock } = this.#options;
    const migration = this.#migrationOf(campaign);
    if (campaign.closed || campaign.stage === 'draft' || campaign.run === 'paused') return false;
    if (!migration) return this.#refuse(campaign);
    if (campaign.settledAt !== undefined) return this.#lookAgain(campaign, campaign.settledAt);
    if (!this.#isQuiet(campaign)) return false;
    const sweep = await currentSweep(store, migration, campaign, clock.now());
    const progress = await progressOf(store, campaign, sweep);
    if (progress.done || (progress.oldHomesDone && this.#isHopeless(campaign, migration, progress.counts))) {
      return this.#finish(campaign, progress.counts, signal);
    }
    const pacer = this.#pacerOf(campaign);
    const own = { name: `${this.id}.${lane}`, pulse: this.#pulses[lane]!, pacer };
    const claimed = await claimRange(store, campaign, sweep, progress, own, clock.now());
    if (claimed === 'busy') return false;
    const workersIn = (found: Progress) => new Set(liveWorkers(found, clock.now()).keys()).add(this.id).size;
    pacer.shareWith(workersIn(progress));
    const claim = new Claim(store, clock, claimed.stored, own);
    const range = sweep.ranges[claimed.index]!;
    let onlyCooling = () => {};
    const cooling = new Promise<true>((resolve) => {
      onlyCooling = () => resolve(true);
    });
    const work = workOnRange({
      store: metered(store, (operations) => pacer.count(operations)),
      clock,
      events: this.#options.events ?? {},
      worker: this.id,
      migration,
      started: campaign,
      range,
      claimed: claimed.stored.value,
      claim,
      oldHomes: progress.oldHomes,
      filled: this.#filled,
      groupsInHand: this.#groupsInHand,
      pacer,
      workers: async () => workersIn(await progressOf(store, campaign, sweep)),
      onlyCooling,
      // One of its own for each range: any number may wait, and a signal warns of many listeners.
      signal: AbortSignal.any([signal]),
    });
    if (await Promise.race([work, cooling])) leave(work);
    return true;
  }

  #pacerOf(campaign: CampaignDocument): Pacer {
    const pacer = this.#pacers.get(campaign.id) ?? new Pacer(this.#options.clock);
    this.#pacers.set(campaign.id, pacer);
    pacer.follow(campaign);
    return pacer;
  }

  /**
   * Without guards, the sweep that may close a campaign begins only when nothing older can land any more: what others
   * saw before it they have acted on by then, or never will (rule 4). Told by this worker's own clock alone.
   */
  #isQuiet(campaign: CampaignDocument): boolean {
    const { store, clock } = this.#options;
    const { guards, lateMs } = store.capabilities;
    if (guards || !isClosing(campaign) || campaign.sweep === 1) return true;
    // A clean sweep has waited itself, and has proved that nothing was under way.
    if (campaign.lastSweep?.generation === campaign.generation && campaign.lastSweep.clean) return true;
    const name = `${campaign.generation}.${campaign.sweep}`;
    const known = this.#firstSeen.get(campaign.id);
    const seen = known?.name === name ? known : { name, at: moment(clock) };
    this.#firstSeen.set(campaign.id, seen);
    return elapsed(clock, seen.at) >= LIMITS.actWithinMs + lateMs;
  }

  /** Says once that this worker cannot work on a campaign: it has another definition of its migration, or none. */
  #refuse(campaign: CampaignDocument): false {
    if (!this.#refused.has(campaign.id)) this.#options.events?.refused?.(campaign);
    this.#refused.add(campaign.id);
    return false;
  }

  /** A campaign is only worked on under the very definition it was started with. */
  #migrationOf({ migration, definition }: CampaignDocument): Migration | undefined {
    return this.#options.migrations.find(({ name, fingerprint }) => name === migration && fingerprint === definition);
  }

  /** A first sweep of the old homes that moved much will be followed by another: new homes can wait for that one. */
  #isHopeless(campaign: CampaignDocument, migration: Migration, counts: Counts): boolean {
    const { capabilities } = this.#options.store;
    return campaign.sweep === 1 && migration.by === 'record' && !isClean(campaign, counts, capabilities);
  }

  async #finish(swept: CampaignDocument, counts: Counts, signal: AbortSignal): Promise<boolean> {
    const { store, clock, events } = this.#options;
    // Nothing was moved, and still nothing is proved: it waits for somebody else, whom the next sweep should not race.
    const waits = (counts.moved ?? 0) === 0 && !isClean(swept, counts, store.capabilities);
    if (waits) await clock.sleep(LIMITS.idleMs, signal);
    const { campaign, clean, first } = await endSweep(store, clock, swept, counts);
    if (first) events?.swept?.(campaign, counts, clean);
    await forgetOldSweeps(store, campaign);
    return true;
  }

  async #lookAgain(campaign: CampaignDocument, settledAt: number): Promise<boolean> {
    const { store, clock } = this.#options;
    if (clock.now() - settledAt < LIMITS.restSweepMs) return false;
    await sweepAgain(store, campaign);
    return true;
  }
}
