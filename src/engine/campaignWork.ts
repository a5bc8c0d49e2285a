import { elapsed, type Moment, moment } from '../clock.ts';
import type { Migration } from '../define/migration.ts';
import { viewOf } from '../define/parts.ts';
import type { Answer, Hint } from '../dispatch/dispatch.ts';
import { type HandoverError, isPassing } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Store } from '../store/store.ts';
import { endSweep, isClean, isClosing, sweepAgain, wouldSettle } from './campaign.ts';
import { carryOutDue } from './campaignHooks.ts';
import { sweepName } from './campaigns.ts';
import { Claim, type Lane, Pulse, Sightings, workerOf } from './claim.ts';
import type { Counts } from './counts.ts';
import type { Stored } from './documents.ts';
import { type CampaignLook, type Hand, unlessFenced } from './fence.ts';
import { handOut, handOutOne, type Tender } from './handOut.ts';
import { isHookDue } from './hooksDue.ts';
import type { InHand, RangeInHand } from './inHand.ts';
import { AtRest, hasInvariants, noteBaseline } from './invariants.ts';
import { keepLeases } from './keepLeases.ts';
import { runLanes } from './lanes.ts';
import { metered } from './metered.ts';
import { choiceOf, claimRange, freeRanges, liveWorkers } from './openRanges.ts';
import { Pacer } from './pace.ts';
import { type KnownSweep, lookAtCampaign, type Progress, progressOf, type RangeLook } from './ranges.ts';
import { workOnRange } from './rangeWork.ts';
import type { CampaignDocument, SweepDocument } from './schemas.ts';
import { setAside } from './setAside.ts';
import { Stragglers } from './stragglers.ts';
import { stripPage } from './strip.ts';
import { currentSweep, forgetOldSweeps } from './sweep.ts';
import { tryTask } from './task.ts';
import { isLazy, isSweepDue, isWorkable } from './workable.ts';
import type { WorkerOptions } from './worker.ts';

type Look = CampaignLook & { readonly progress?: Progress };

/** A range that this worker has just claimed. */
interface Claimed {
  readonly range: RangeLook;
  readonly stored: Stored<'range'>;
  readonly inHand: RangeInHand;
}

/** A campaign whose ranges may be worked on. */
interface Ready {
  readonly look: CampaignLook;
  readonly campaign: CampaignDocument;
  readonly migration: Migration;
  readonly store: Store;
  readonly sweep: SweepDocument;
  readonly progress: Progress;
}

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
  #stripping: Claim | undefined;
  /** When this worker first saw the sweep of a campaign that is about to close. */
  #firstSeen: { readonly name: string; readonly at: Moment } | undefined;
  /** The plan of the sweep under way, which never changes: the lanes that ask for it at one moment make one between them. */
  #plan: { readonly name: string; readonly sweep: Promise<SweepDocument> } | undefined;
  readonly #invariants = new AtRest();
  /** The newest plan that is there. */
  #known: KnownSweep | undefined;
  /** When leases were looked after last while the campaign is paused. */
  #kept: Moment | undefined;
  /** All lanes share a budget, and what they know of hot groups. */
  readonly #pacer: Pacer;
  readonly #groupsInHand = new Map<string, Promise<boolean>>();
  readonly #inHand: InHand;
  readonly #sightings = new Sightings();
  readonly #stragglers = new Stragglers();
  /** One for each lane. */
  readonly #pulses: Pulse[] = [];
  /** Lanes with a range that was handed to this worker. */
  readonly #taken = new Set<number>();

  /** `inHand`: of this worker, of all campaigns. */
  constructor(campaign: string, options: Required<Pick<WorkerOptions, 'id'>> & WorkerOptions, inHand: InHand) {
    this.#id = campaign;
    this.#inHand = inHand;
    this.#options = options;
    this.#pacer = new Pacer(options.clock);
  }

  /** Works as long as there is something to do; false when there was nothing. Each lane takes a range. */
  async step(signal: AbortSignal): Promise<boolean> {
    const { store, clock, events, lanes = LIMITS.lanes } = this.#options;
    const onFaltered = (error: HandoverError) => events?.faltered?.(error);
    return runLanes({ lanes, clock, signal, onFaltered }, async (lane, all, leave) => {
      const at = moment(clock);
      const found = await lookAtCampaign(store, this.#id, this.#known);
      return found !== undefined && this.#advance({ ...found, at }, all, lane, leave);
    });
  }

  /**
   * Takes one campaign one range further. False when there is nothing to do for it just now. `leave` is handed what is
   * left to be waited for: a range of which only hot groups are, or its last checkpoint.
   */
  async #advance(
    look: Look,
    signal: AbortSignal,
    lane: number,
    leave: (range: Promise<void>) => void,
  ): Promise<boolean> {
    const { clock } = this.#options;
    const ready = await this.#prepare(look, signal, lane === 0);
    if (typeof ready === 'boolean') return ready;
    const { progress } = ready;
    const own = this.#lane(lane);
    const free = freeRanges(progress, this.#sightings, own.pulse.claimMs, clock);
    const range = choiceOf(this.#inHand.among(free), own.name);
    if (!range) return (await this.#cutStraggler(ready)) !== undefined;
    this.#stragglers.none();
    const claimed = await this.#claim(ready, range, own);
    // Somebody was faster, but what else was free may be free still: look again. That comes to an end, for he got somewhere.
    if (typeof claimed === 'string') return claimed === 'lost';
    let onlyCooling = () => {};
    const cooling = new Promise<true>((resolve) => {
      onlyCooling = () => resolve(true);
    });
    const { work, claim } = this.#begin(ready, claimed, own, onlyCooling, signal);
    if (await Promise.race([work, cooling])) leave(work.then(async () => void (await claim.settled())));
    // The last checkpoint travels with the look for the next range.
    else leave(claim.settled().then(() => undefined));
    return true;
  }

  /**
   * Looks at a range that was handed to this worker, and works on it where it may be worked on. `again`: somebody else
   * may get it, for it was given back, or nobody knows.
   */
  async take({ sweep, range: name }: Hint, signal: AbortSignal): Promise<Answer> {
    const { store, clock } = this.#options;
    const at = moment(clock);
    const found = await lookAtCampaign(store, this.#id, this.#known);
    if (!found || sweepName(found.campaign.value) !== sweep) return 'done';
    if (found.progress?.ranges.find((each) => each.name === name)?.stored?.value.done) return 'done';
    const ready = await this.#prepare({ ...found, at }, signal, false);
    if (typeof ready === 'boolean') return ready ? 'again' : 'done';
    const lane = this.#freeLane();
    const own = this.#lane(lane);
    // In somebody's hands, who has a message of his own; or its turn is later, and then there is another one; or set aside.
    const free = freeRanges(ready.progress, this.#sightings, own.pulse.claimMs, clock);
    const range = free.find((each) => each.name === name);
    if (!range) return 'done';
    if (!this.#inHand.among(free).includes(range)) {
      // It is a suspect whose turn has not come, or one is in hand. A message that comes back at once is of no use.
      await clock.sleep(LIMITS.idleMs, signal);
      return 'again';
    }
    this.#taken.add(lane);
    try {
      const claimed = await this.#claim(ready, range, own);
      if (typeof claimed === 'string') return 'again';
      const { work, claim } = this.#begin(ready, claimed, own, () => {}, signal);
      await work;
      return (await claim.settled()) ? 'done' : 'again';
    } finally {
      this.#taken.delete(lane);
    }
  }

  /**
   * Does what is to be done beside working on ranges, and sees to it that those are handed out. Resolves with how many
   * workers there are.
   */
  async tend(tender: Tender, signal: AbortSignal): Promise<number> {
    const { store, clock } = this.#options;
    for (let more = true; more && !signal.aborted; ) {
      const at = moment(clock);
      const found = await lookAtCampaign(store, this.#id, this.#known);
      const ready = found !== undefined && (await this.#prepare({ ...found, at }, signal, true));
      more = ready === true;
      if (typeof ready === 'boolean') continue;
      const { claimMs } = this.#lane(this.#freeLane()).pulse;
      const free = freeRanges(ready.progress, this.#sightings, claimMs, clock);
      await handOut({ ...ready, free, clock }, tender);
      const isBusy = this.#inHand.among(free).length === 0;
      if (!isBusy) this.#stragglers.none();
      const cut = isBusy && tender.isIdle() ? await this.#cutStraggler(ready) : undefined;
      if (cut !== undefined)
        await handOutOne({ campaign: this.#id, sweep: sweepName(ready.campaign), range: cut }, tender);
      return this.#workersIn(ready.progress);
    }
    return 1;
  }

  /**
   * All that comes before a range is worked on. `true`: something was done, look again; `false`: there is nothing to do just
   * now. `first`: of several hands of one worker one does what needs no more.
   */
  async #prepare(look: Look, signal: AbortSignal, first: boolean): Promise<boolean | Ready> {
    const { clock } = this.#options;
    const campaign = look.campaign.value;
    const migration = this.#migrationOf(campaign);
    const store = migration ? viewOf(this.#options.store, migration) : this.#options.store;
    if (this.mayHaveLeases(campaign)) return first && this.#keepLeases(look, migration!, signal);
    if (!isWorkable(campaign, clock.now())) return false;
    if (!migration) return this.#refuse(campaign);
    if (campaign.closed) return first && this.#strip(look, migration, signal);
    if (isHookDue(campaign)) {
      const { events = {} } = this.#options;
      const due = first && (await carryOutDue({ ...this.#handOf(look, migration, signal), events }));
      if (due === 'done') return true;
      if (!isSweepDue(campaign, clock.now())) return false;
    }
    if (campaign.settledAt !== undefined) return sweepAgain(store, clock, campaign);
    if (!this.#isQuiet(campaign)) return false;
    const sweep = await unlessFenced(() => this.#planOf(look, migration, signal));
    if (sweep === 'fenced') return true;
    const at = look.progress ? look.at.ticks : clock.ticks();
    const progress = look.progress ?? (await progressOf(store, campaign, sweep));
    this.#known = { campaign, sweep, names: progress.ranges.map(({ name }) => name) };
    this.#sightings.look(sweepName(campaign), progress.ranges, at);
    if (progress.done || (progress.oldHomesDone && this.#isHopeless(campaign, migration, progress.counts))) {
      return this.#finish(look, migration, { counts: progress.counts, whole: progress.done }, signal);
    }
    await setAside(store, this.#options, campaign, progress);
    return { look, campaign, migration, store, sweep, progress };
  }

  async #cutStraggler(ready: Ready): Promise<string | undefined> {
    const pacer = this.#pacer;
    if (pacer.waitMs() > 0) return undefined;
    const store = metered(ready.store, (operations) => pacer.count(operations));
    return this.#stragglers.cut({ ...ready, store, clock: this.#options.clock });
  }

  async #claim({ store, campaign }: Ready, range: RangeLook, own: Lane): Promise<Claimed | 'busy' | 'lost'> {
    const inHand = this.#inHand.take(range);
    const stored = await claimRange(store, campaign, range, own, this.#options.clock.now()).catch((error) => {
      this.#inHand.end(inHand);
      throw error;
    });
    if (typeof stored !== 'string') return { range, stored, inHand };
    this.#inHand.end(inHand);
    return stored;
  }

  /** Work on a range that this worker has just claimed. */
  #begin(
    { look, campaign, migration, store, sweep, progress }: Ready,
    { range, stored, inHand }: Claimed,
    own: Lane,
    onlyCooling: () => void,
    signal: AbortSignal,
  ): { readonly work: Promise<void>; readonly claim: Claim } {
    const { clock } = this.#options;
    const pacer = this.#pacer;
    pacer.follow(campaign);
    const claim = new Claim(store, clock, stored, own, sweepName(campaign));
    inHand.claim = claim;
    const work = workOnRange({
      store: metered(store, (operations) => pacer.count(operations)),
      clock,
      events: this.#options.events ?? {},
      worker: this.#options.id,
      migration,
      look,
      range: range.plan,
      claim,
      oldHomes: progress.oldHomes,
      filled: this.#filled,
      groupsInHand: this.#groupsInHand,
      takeIn: this.#options.takeIn,
      pacer,
      workers: async () => {
        const at = clock.ticks();
        const now = await progressOf(store, campaign, sweep);
        this.#sightings.look(sweepName(campaign), now.ranges, at);
        return this.#workersIn(now);
      },
      onPage: () => {
        inHand.isProven = true;
      },
      onlyCooling,
      // One of its own for each range: any number may wait, and a signal warns of many listeners.
      signal: AbortSignal.any([signal]),
    })
      .catch(async (error) => {
        if (isPassing(error)) await claim.excuse().catch(() => undefined);
        throw error;
      })
      .finally(() => this.#inHand.end(inHand));
    return { work, claim };
  }

  /** Those who hold a range, or have just done with one, and this one; by their clocks, and by what was seen of them. */
  #workersIn(progress: Progress): number {
    const { clock, id } = this.#options;
    const seen = progress.ranges.flatMap(({ name, stored }) => {
      const { claim } = stored?.value ?? {};
      return claim && this.#sightings.isYoung(name, 2 * LIMITS.paceShareMs, clock.ticks()) ? [workerOf(claim.by)] : [];
    });
    return new Set([...liveWorkers(progress, clock.now()).keys(), ...seen, id]).size;
  }

  #lane(lane: number): Lane {
    this.#pulses[lane] ??= new Pulse(this.#options.clock);
    return { name: `${this.#options.id}.${lane}`, pulse: this.#pulses[lane], pacer: this.#pacer };
  }

  #freeLane(): number {
    let lane = 0;
    while (this.#taken.has(lane)) lane++;
    return lane;
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

  async #strip(look: CampaignLook, migration: Migration, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    const campaign = look.campaign.value;
    const pacer = this.#pacer;
    pacer.follow(campaign);
    const hand = this.#handOf(look, migration, signal);
    if (!this.#stripping?.isKept) this.#stripping = await tryTask({ ...hand, pacer }, 'strip');
    const claim = this.#stripping;
    if (!claim) return false;
    const store = metered(hand.store, (operations) => pacer.count(operations));
    await stripPage({ store, clock, migration, pacer, claim, signal }, campaign);
    return true;
  }
}
