import { elapsed, type Moment, moment } from '../clock.ts';
import type { Migration } from '../define/migration.ts';
import { viewOf } from '../define/parts.ts';
import { unlessPassing } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { endSweep, isClean, isClosing, sweepAgain, wouldSettle } from './campaign.ts';
import { carryOutDue } from './campaignHooks.ts';
import { sweepName } from './campaigns.ts';
import { Claim, Pulse, Sightings } from './claim.ts';
import type { Counts } from './counts.ts';
import { type CampaignLook, type Hand, unlessFenced } from './fence.ts';
import { isHookDue } from './hooksDue.ts';
import { AtRest, hasInvariants, noteBaseline } from './invariants.ts';
import { keepLeases } from './keepLeases.ts';
import { metered } from './metered.ts';
import { Pacer } from './pace.ts';
import { workOnRange } from './rangeWork.ts';
import type { CampaignDocument, SweepDocument } from './schemas.ts';
import { stripPage } from './strip.ts';
import {
  claimRange,
  currentSweep,
  forgetOldSweeps,
  liveWorkers,
  lookAtCampaign,
  type Progress,
  progressOf,
} from './sweep.ts';
import { isLazy, isSweepDue, isWorkable } from './workable.ts';
import type { WorkerOptions } from './worker.ts';

/**
 * One worker's work on one campaign: takes a range, brings its pages to their targets, checkpoints, and advances the
 * campaign when a sweep is done.
 */
export class CampaignWork {
  readonly #id: string;
  readonly #options: Required<Pick<WorkerOptions, 'id'>> & WorkerOptions;
  /** Generations in which the new homes turned out to be filled already. */
  readonly #filled = new Set<string>();
  #refused = false;
  /** When this worker first saw the sweep of a campaign that is about to close. */
  #firstSeen: { readonly name: string; readonly at: Moment } | undefined;
  /** The plan of the sweep under way, which never changes: the lanes that ask for it at one moment make one between them. */
  #plan: { readonly name: string; readonly sweep: Promise<SweepDocument> } | undefined;
  readonly #invariants = new AtRest();
  /** The newest plan that is there. */
  #known: { readonly campaign: CampaignDocument; readonly sweep: SweepDocument } | undefined;
  /** When leases were looked after last while the campaign is paused. */
  #kept: Moment | undefined;
  /** All lanes share a budget, and what they know of hot groups. */
  readonly #pacer: Pacer;
  readonly #groupsInHand = new Map<string, Promise<boolean>>();
  readonly #sightings = new Sightings();
  /** One for each lane. */
  readonly #pulses: readonly Pulse[];

  constructor(campaign: string, options: Required<Pick<WorkerOptions, 'id'>> & WorkerOptions) {
    this.#id = campaign;
    this.#options = options;
    this.#pacer = new Pacer(options.clock);
    this.#pulses = Array.from({ length: options.lanes ?? LIMITS.lanes }, () => new Pulse(options.clock));
  }

  /**
   * Works as long as there is something to do; false when there was nothing. Several lanes take a range each, so that the
   * store's round trips overlap and its commits can be shared. A lane that finds nothing waits while another works: that
   * one may be about to open the next sweep, or the new homes. So does one to which the store did not answer.
   */
  async step(signal: AbortSignal): Promise<boolean> {
    const { store, clock } = this.#options;
    let working = 0;
    let worked = false;
    const broken = new AbortController();
    const all = AbortSignal.any([signal, broken.signal]);
    /** What idle lanes wait for, where there are any. */
    let idle: { readonly end: AbortController; readonly signal: AbortSignal } | undefined;
    const left: Promise<void>[] = [];
    const waiting = () => {
      const end = new AbortController();
      return { end, signal: AbortSignal.any([all, end.signal]) };
    };
    // Whoever waits may find work now.
    const tell = () => {
      idle?.end.abort('done');
      idle = undefined;
    };
    /** What is no store's doing ends all lanes. */
    const orFalter = async <R>(act: Promise<R>): Promise<R | undefined> => {
      try {
        return await unlessPassing(act, (error) => this.#options.events?.faltered?.(error));
      } catch (error) {
        broken.abort(error);
        throw error;
      }
    };
    const leave = (range: Promise<void>) => {
      working++;
      const ended = orFalter(range).finally(() => working--);
      left.push(ended.then(tell, tell));
    };
    const lookAndAdvance = async (lane: number): Promise<boolean> => {
      const at = moment(clock);
      const found = await lookAtCampaign(store, this.#id, this.#known);
      return found !== undefined && (await this.#advance({ ...found, at }, all, lane, leave));
    };
    const run = async (lane: number): Promise<void> => {
      let idleMs: number = LIMITS.laneIdleMs;
      while (!all.aborted) {
        working++;
        const found = await orFalter(lookAndAdvance(lane)).finally(() => working--);
        if (found) {
          worked = true;
          idleMs = LIMITS.laneIdleMs;
          tell();
          continue;
        }
        if (found === undefined) await clock.sleep(LIMITS.idleMs, all);
        if (working === 0) return;
        idle ??= waiting();
        await clock.sleep(idleMs, idle.signal);
        idleMs = Math.min(2 * idleMs, LIMITS.laneIdleMostMs);
      }
    };
    await Promise.allSettled(this.#pulses.map((_, lane) => run(lane)));
    await Promise.all(left);
    if (broken.signal.aborted) throw broken.signal.reason;
    return worked;
  }

  /**
   * Takes one campaign one range further. False when there is nothing to do for it just now. `leave` is handed what is
   * left to be waited for: a range of which only hot groups are, or its last checkpoint.
   */
  async #advance(
    look: CampaignLook & { readonly progress?: Progress },
    signal: AbortSignal,
    lane: number,
    leave: (range: Promise<void>) => void,
  ): Promise<boolean> {
    const { clock } = this.#options;
    const campaign = look.campaign.value;
    const migration = this.#migrationOf(campaign);
    const store = migration ? viewOf(this.#options.store, migration) : this.#options.store;
    if (this.mayHaveLeases(campaign)) return lane === 0 && this.#keepLeases(look, migration!, signal);
    if (!isWorkable(campaign, clock.now())) return false;
    if (!migration) return this.#refuse(campaign);
    if (campaign.closed) return lane === 0 && this.#strip(campaign, migration, signal);
    if (isHookDue(campaign)) {
      const { events = {} } = this.#options;
      const due = lane === 0 && (await carryOutDue({ ...this.#handOf(look, migration, signal), events }));
      if (due === 'done') return true;
      if (!isSweepDue(campaign, clock.now())) return false;
    }
    if (campaign.settledAt !== undefined) return sweepAgain(store, clock, campaign);
    if (!this.#isQuiet(campaign)) return false;
    const sweep = await unlessFenced(() => this.#planOf(look, migration, signal));
    if (sweep === 'fenced') return true;
    this.#known = { campaign, sweep };
    const at = look.progress ? look.at.ticks : clock.ticks();
    const progress = look.progress ?? (await progressOf(store, campaign, sweep));
    this.#sightings.look(sweepName(campaign), progress.ranges, at);
    if (progress.done || (progress.oldHomesDone && this.#isHopeless(campaign, migration, progress.counts))) {
      return this.#finish(look, migration, { counts: progress.counts, whole: progress.done }, signal);
    }
    const pacer = this.#pacer;
    pacer.follow(campaign);
    const own = { name: `${this.#options.id}.${lane}`, pulse: this.#pulses[lane]!, pacer };
    const claimed = await claimRange(store, campaign, sweep, progress, own, this.#sightings, clock);
    if (claimed === 'busy') return false;
    const workersIn = (found: Progress) => new Set(liveWorkers(found, clock.now()).keys()).add(this.#options.id).size;
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
      worker: this.#options.id,
      migration,
      look,
      range,
      claimed: claimed.stored.value,
      claim,
      oldHomes: progress.oldHomes,
      filled: this.#filled,
      groupsInHand: this.#groupsInHand,
      takeIn: this.#options.takeIn,
      pacer,
      workers: async () => workersIn(await progressOf(store, campaign, sweep)),
      onlyCooling,
      // One of its own for each range: any number may wait, and a signal warns of many listeners.
      signal: AbortSignal.any([signal]),
    });
    if (await Promise.race([work, cooling])) leave(work.then(() => claim.settled()));
    // The last checkpoint travels with the look for the next range.
    else leave(claim.settled());
    return true;
  }

  /** What this worker does anything under that is to be fenced. */
  #handOf(look: CampaignLook, migration: Migration, signal: AbortSignal): Hand {
    const { store, clock, id: worker } = this.#options;
    return { store: viewOf(store, migration), clock, worker, migration, look, signal };
  }

  /** Whether leases are to be looked after just now although nothing is swept: as often as a campaign at rest is. */
  mayHaveLeases(campaign: CampaignDocument): boolean {
    const isHeld = campaign.run === 'paused' || campaign.pending || isLazy(campaign, this.#options.clock.now());
    if (!isHeld || campaign.closed || campaign.stage === 'draft') return false;
    if (!this.#migrationOf(campaign)?.subscriptions.length) return false;
    return this.#kept === undefined || elapsed(this.#options.clock, this.#kept) >= LIMITS.restSweepMs;
  }

  async #keepLeases(look: CampaignLook, migration: Migration, signal: AbortSignal): Promise<boolean> {
    if (await keepLeases(this.#handOf(look, migration, signal))) this.#kept = moment(this.#options.clock);
    return true;
  }

  #planOf(look: CampaignLook, migration: Migration, signal: AbortSignal): Promise<SweepDocument> {
    const name = sweepName(look.campaign.value);
    if (this.#plan?.name !== name) {
      const hand = this.#handOf(look, migration, signal);
      const noted = hasInvariants(migration) ? noteBaseline({ ...hand, pacer: this.#pacer }) : undefined;
      const sweep = noted ? noted.then(() => currentSweep(hand)) : currentSweep(hand);
      this.#plan = { name, sweep };
      // Who asks after a failure tries again.
      sweep.catch(() => {
        if (this.#plan?.sweep === sweep) this.#plan = undefined;
      });
    }
    return this.#plan.sweep;
  }

  /**
   * Without guards, the sweep that may close a campaign begins only when nothing older can land any more: what others
   * saw before it they have acted on by then, or never will (rule 4). Told by this worker's own clock alone.
   */
  #isQuiet(campaign: CampaignDocument): boolean {
    const { store, clock } = this.#options;
    const { guards, lateMs } = store.capabilities;
    const dropsLate = campaign.dropIn === sweepName(campaign);
    if (guards || !(isClosing(campaign) || dropsLate) || campaign.sweep === 1) return true;
    // A clean sweep has waited itself, and has proved that nothing was under way.
    if (campaign.lastSweep?.generation === campaign.generation && campaign.lastSweep.clean) return true;
    const name = sweepName(campaign);
    if (this.#firstSeen?.name !== name) this.#firstSeen = { name, at: moment(clock) };
    return elapsed(clock, this.#firstSeen.at) >= LIMITS.actWithinMs + lateMs;
  }

  /** Says once that this worker cannot work on a campaign: it has another definition of its migration, or none. */
  #refuse(campaign: CampaignDocument): false {
    if (!this.#refused) this.#options.events?.refused?.(campaign);
    this.#refused = true;
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

  async #finish(
    look: CampaignLook,
    migration: Migration,
    ended: { readonly counts: Counts; readonly whole: boolean },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { counts } = ended;
    const { events } = this.#options;
    const hand = this.#handOf(look, migration, signal);
    const { store, clock } = hand;
    const swept = look.campaign.value;
    // Nothing was moved, and still nothing is proved: it waits for somebody else, whom the next sweep should not race.
    const waits = (counts.moved ?? 0) === 0 && !isClean(swept, counts, store.capabilities);
    if (waits) await clock.sleep(Math.min(LIMITS.idleMs * swept.sweep, LIMITS.waitMostMs), signal);
    const proved = wouldSettle(swept, counts, store.capabilities);
    const taking = proved
      ? await unlessFenced(() => this.#invariants.take({ ...hand, pacer: this.#pacer }))
      : undefined;
    if (taking === 'fenced') return true;
    const { campaign, clean, first, paused } = await endSweep(
      store,
      clock,
      swept,
      migration,
      { ...ended, by: hand.worker },
      taking,
    );
    if (paused) events?.paused?.(campaign.id, paused.because, { migration: migration.name, command: paused.command });
    if (first) events?.swept?.(campaign, counts, clean);
    await forgetOldSweeps(store, campaign);
    return true;
  }

  async #strip(campaign: CampaignDocument, migration: Migration, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    const pacer = this.#pacer;
    pacer.follow(campaign);
    const store = metered(viewOf(this.#options.store, migration), (operations) => pacer.count(operations));
    await stripPage({ store, clock, migration, pacer, signal }, campaign);
    return true;
  }
}
