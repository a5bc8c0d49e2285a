import type { Clock } from '../clock.ts';
import { LIMITS } from '../limits.ts';
import { BackOff } from './backOff.ts';
import type { Claim } from './claim.ts';
import { Cooling } from './cooling.ts';
import { RAMP, rateAt } from './ramp.ts';
import type { CampaignDocument, CampaignPace, PaceNote } from './schemas.ts';
import { Throughput } from './throughput.ts';

/** The ramp of a campaign has no end of its own: the ceiling is the operator's. */
const ENDLESS = { ...RAMP, ceilingPerSecond: Number.POSITIVE_INFINITY };

export interface Allowed {
  /** Operations a second of all workers together; `Infinity` for no bound. */
  readonly perSecond: number;
  readonly by: 'ramp' | 'ceiling' | 'store';
}

/** What a campaign allows now, and what sets it. */
export function allowedAt(pace: CampaignPace | undefined, now: number): Allowed {
  const ceiling = pace?.ceilingPerSecond ?? pace?.lazyPerSecond ?? Number.POSITIVE_INFINITY;
  const ramp = pace?.ramp ? rateAt(ENDLESS, now - pace.since) : Number.POSITIVE_INFINITY;
  if (ramp === Number.POSITIVE_INFINITY && ceiling === ramp) return { perSecond: ramp, by: 'store' };
  return ramp < ceiling ? { perSecond: ramp, by: 'ramp' } : { perSecond: ceiling, by: 'ceiling' };
}

/** What became of the mutations of one commit, as far as the pace goes. */
export interface Answer {
  /** Records of the commit. */
  readonly records: number;
  readonly exhausted: number;
  readonly contended: number;
  /** How many groups the contended ones are of. */
  readonly groups: number;
}

/**
 * How fast one worker process goes with one campaign: its share of what the campaign allows, less what the store asked
 * for. Operations become a debt when they are made, and the debt is paid off at that rate; a lane goes on when nothing
 * is owed. So what is counted too late is waited for all the same. It never waits itself: see `turns`.
 *
 * All workers together keep to what is allowed, also while they come and go. Nobody goes on by a count of the others that
 * was begun more than `paceShareMs` ago; and whoever could not be counted before makes nothing for as long. Then all others
 * have counted him, or will before they make anything more. Who has gone is counted until his claims run out.
 */
export class Pacer {
  readonly cooling: Cooling;
  readonly #clock: Clock;
  readonly #made: Throughput;
  readonly #backOff: BackOff;
  #pace: CampaignPace | undefined;
  #workers = 1;
  #debt = 0;
  #paidAt: number;
  #sharedAt = Number.NEGATIVE_INFINITY;
  /** Until when claims of this worker's lanes say that it is there, and in which sweep; and since when without a break. */
  #seen: { readonly sweep: string; readonly untilMs: Map<string, number> } | undefined;
  #seenSince = Number.NEGATIVE_INFINITY;
  #counting: Promise<void> | undefined;
  #heldUpAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.cooling = new Cooling(clock);
    this.#made = new Throughput(clock);
    this.#backOff = new BackOff(clock);
    this.#paidAt = clock.ticks();
  }

  /** What the campaign says now. The debt stays: it is paid off at the new rate from here on. */
  follow({ pace }: Pick<CampaignDocument, 'pace'>): void {
    this.#payOff();
    this.#pace = pace;
  }

  /**
   * What the claim of a lane says since `askedAt` to whoever counts the workers of this sweep: that it stands until then, or
   * nothing any more.
   */
  shown(sweep: string, lane: string, untilMs: number | undefined, askedAt: number): void {
    if (this.#seen?.sweep !== sweep) this.#seen = { sweep, untilMs: new Map() };
    const claims = this.#seen.untilMs;
    const seenUntil = Math.max(Number.NEGATIVE_INFINITY, ...claims.values());
    if (untilMs === undefined) {
      claims.delete(lane);
      return;
    }
    if (seenUntil < askedAt) this.#seenSince = this.#clock.ticks();
    claims.set(lane, untilMs);
  }

  /** Counts all workers, this one included, where it is time to. */
  async share(count: () => Promise<number>): Promise<void> {
    if (!this.#isShareDue) return;
    // Lanes that ask at one moment make one count between them.
    this.#counting ??= this.#count(count).finally(() => {
      this.#counting = undefined;
    });
    await this.#counting;
  }

  async #count(count: () => Promise<number>): Promise<void> {
    const begun = this.#clock.ticks();
    const workers = await count();
    this.#payOff();
    this.#workers = Math.max(1, workers);
    this.#sharedAt = begun;
  }

  get #isShareDue(): boolean {
    const now = this.#clock.ticks();
    if (this.#allowed.by === 'store' || now < this.#countedAt) return false;
    return this.isNew || this.#sharedAt < now - LIMITS.paceShareMs;
  }

  /** Whether it has not counted the others yet since they can count it. */
  get isNew(): boolean {
    return this.#allowed.by !== 'store' && this.#sharedAt < this.#countedAt;
  }

  /** From then on everybody else has counted this worker, or will before he makes anything more. */
  get #countedAt(): number {
    return this.#seenSince + LIMITS.paceShareMs;
  }

  /** Operations that were made, or are about to be. */
  count(operations: number): void {
    this.#made.add(operations);
    if (this.perSecond === Number.POSITIVE_INFINITY) return;
    this.#payOff();
    this.#debt += operations;
  }

  answered({ records, exhausted, contended, groups }: Answer): void {
    const made = this.#made.perSecond;
    const allowed = this.#allowed.perSecond / this.#workers;
    if (exhausted > 0) {
      this.#payOff();
      this.#backOff.lower('exhausted', allowed, made);
      // What was not applied is tried again, and no sooner than its turn would come at this rate.
      this.#debt = Math.max(this.#debt, exhausted);
    }
    if (groups >= LIMITS.crowdedGroups && contended > LIMITS.crowdedShare * records) {
      this.#payOff();
      this.#backOff.lower('contention', allowed, made);
    }
  }

  /** Milliseconds until the next operation may be made; 0 when it may now. */
  waitMs(): number {
    this.#payOff();
    const uncountedMs = this.#allowed.by === 'store' ? 0 : this.#countedAt - this.#clock.ticks();
    const owedMs = this.#debt > 0 ? Math.ceil((this.#debt / this.perSecond) * 1000) : 0;
    if (owedMs <= 0 && uncountedMs <= 0) return 0;
    this.#heldUpAt = this.#clock.ticks();
    return Math.max(owedMs, uncountedMs);
  }

  /** Records a lane takes up at once. */
  get pageSize(): number {
    const { perSecond } = this;
    if (perSecond === Number.POSITIVE_INFINITY) return LIMITS.pageSize;
    const size = Math.floor((perSecond * LIMITS.pacePageMs) / 1000 / LIMITS.lanes);
    return Math.min(Math.max(size, 1), LIMITS.pageSize);
  }

  /** For the worker's claims: what holds it up, and how fast it goes. */
  get note(): PaceNote {
    const { factor } = this.#backOff;
    const cooling = this.cooling.size;
    return {
      limit: this.#limit(factor, cooling),
      perSecond: Math.round(this.#made.perSecond * 10) / 10,
      ...(factor < 1 ? { factor: Math.round(factor * 1000) / 1000 } : {}),
      ...(cooling > 0 ? { cooling } : {}),
    };
  }

  /** Operations a second of this worker; `Infinity` for no bound. */
  get perSecond(): number {
    return this.#backOff.of(this.#allowed.perSecond / this.#workers);
  }

  get #allowed(): Allowed {
    return allowedAt(this.#pace, this.#clock.now());
  }

  #limit(factor: number, cooling: number): PaceNote['limit'] {
    const heldUp = this.#clock.ticks() - this.#heldUpAt < LIMITS.paceWindowMs;
    if (heldUp && factor < 1) return this.#backOff.why;
    if (heldUp && this.#allowed.by !== 'store') return this.#allowed.by;
    return cooling > 0 ? 'contention' : 'store';
  }

  #payOff(): void {
    const { perSecond } = this;
    const now = this.#clock.ticks();
    const paid = ((now - this.#paidAt) * perSecond) / 1000;
    const credit = (LIMITS.paceCreditMs * perSecond) / 1000;
    this.#paidAt = now;
    this.#debt = perSecond === Number.POSITIVE_INFINITY ? 0 : Math.max(this.#debt - paid, -credit);
  }
}

/** A lane's wait for its turn: for the pacer, and for as long as `holdMs` says. `look` sees what the campaign says. */
export type Turns = (look: () => Promise<CampaignDocument>, holdMs: () => number) => Promise<void>;

/**
 * Waits in slices, so that a claim is kept, and a command, a new ceiling or the end of the process acts at once. Nobody
 * waits after the signal: the page under way is finished. Never called between a fence's check and the commit (rule 4).
 */
export function turnsOf(lane: {
  readonly pacer: Pacer;
  readonly claim: Pick<Claim, 'keep'>;
  /** Counts the workers that share the pace; unset where nobody else can tell of this one. */
  readonly workers?: () => Promise<number>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}): Turns {
  const { pacer, claim, workers, clock, signal } = lane;
  return async (look, holdMs) => {
    claim.keep();
    let unseenMs = 0;
    for (;;) {
      if (workers) await pacer.share(workers);
      const ms = Math.max(pacer.waitMs(), holdMs());
      if (signal.aborted) return;
      if (ms <= 0) {
        // Its time may have come since it was asked whether it is time to count.
        if (workers && pacer.isNew) continue;
        return;
      }
      const slice = Math.min(ms, LIMITS.paceSliceMs - unseenMs);
      claim.keep(slice);
      await clock.sleep(slice, signal);
      unseenMs += slice;
      if (unseenMs < LIMITS.paceSliceMs) continue;
      pacer.follow(await look());
      unseenMs = 0;
    }
  };
}
