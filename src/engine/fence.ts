import { type Clock, elapsed, type Moment, moment } from '../clock.ts';
import type { Migration } from '../define/migration.ts';
import { LIMITS } from '../limits.ts';
import { type Guard, guardOn, type Store } from '../store/store.ts';
import { documentKey, load, type Stored } from './documents.ts';
import type { Turns } from './pace.ts';
import type { CampaignDocument } from './schemas.ts';

/** The campaign has gone on since a worker looked at it: what the worker holds is of no use any more. */
export class Fenced extends Error {
  override readonly name = 'Fenced';
}

export async function unlessFenced<R>(act: () => Promise<R>): Promise<R | 'fenced'> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof Fenced) return 'fenced';
    throw error;
  }
}

/** A campaign, and a moment before it was looked at. */
export interface CampaignLook {
  readonly campaign: Stored<'campaign'>;
  readonly at: Moment;
}

/** A worker that acts under a campaign as it was looked at. */
export interface Hand {
  readonly store: Store;
  readonly clock: Clock;
  readonly worker: string;
  readonly migration: Migration;
  readonly look: CampaignLook;
  readonly signal: AbortSignal;
}

interface FenceOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Whether the campaign, as it is now, is still the one to act under. */
  readonly still: (now: CampaignDocument) => boolean;
  /** How to wait before a round; unset where nobody paces. */
  readonly turns?: Turns | undefined;
}

/**
 * Rule 4: a commit relies on the campaign as it was looked at, and must not land after it has gone on. Where the store
 * takes guards, every commit names the campaign's version: a command or a new sweep fences all that was seen before.
 * Where it takes none, no commit is handed in later than `actWithinMs` after the look, and whoever must be sure that
 * nothing older lands waits for that long and for the store's `lateMs`.
 */
export class Fence {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #still: (now: CampaignDocument) => boolean;
  readonly #turns: Turns | undefined;
  #campaign: Stored<'campaign'>;
  #looked: Moment;

  private constructor({ store, clock, still, turns }: FenceOptions, { campaign, at }: CampaignLook) {
    this.#store = store;
    this.#clock = clock;
    this.#still = still;
    this.#campaign = campaign;
    this.#looked = at;
    this.#turns = turns;
  }

  /** Looks at a campaign; undefined when it is not what it must be any more. */
  static async look(id: string, options: FenceOptions): Promise<Fence | undefined> {
    // The time is taken before the look: the campaign was as it is seen at some moment after it.
    const at = moment(options.clock);
    const campaign = await load(options.store, 'campaign', documentKey('campaign', id));
    return campaign && options.still(campaign.value) ? new Fence(options, { campaign, at }) : undefined;
  }

  /** By a look that has been made. */
  static by(look: CampaignLook, options: FenceOptions): Fence {
    return new Fence(options, look);
  }

  get campaign(): CampaignDocument {
    return this.#campaign.value;
  }

  /** The last one. */
  get look(): CampaignLook {
    return { campaign: this.#campaign, at: this.#looked };
  }

  get guard(): Guard | undefined {
    const { key, version } = this.#campaign;
    return guardOn(this.#store, key, version);
  }

  /**
   * Before a page and before a round: waits for this lane's turn, and for as long as `holdMs` says; then looks again where
   * the last look is getting old. In this order: a wait after the look would be one between the look and the commit.
   * Throws `Fenced` when the campaign has gone on.
   */
  async renew(holdMs: () => number = () => 0): Promise<void> {
    await this.#turns?.(() => this.#lookAgain(), holdMs);
    if (this.#store.capabilities.guards || elapsed(this.#clock, this.#looked) < LIMITS.actWithinMs / 2) return;
    await this.#lookAgain();
  }

  async #lookAgain(): Promise<CampaignDocument> {
    const again = await Fence.look(this.campaign.id, { store: this.#store, clock: this.#clock, still: this.#still });
    if (!again) throw new Fenced();
    // What names the version that was, no store would take any more.
    if (this.#store.capabilities.guards && again.#campaign.version !== this.#campaign.version) throw new Fenced();
    this.#campaign = again.#campaign;
    this.#looked = again.#looked;
    return this.campaign;
  }

  /** Right before a commit. Throws `Fenced` when the look is too old to act on. */
  check(): void {
    if (this.#store.capabilities.guards || elapsed(this.#clock, this.#looked) < LIMITS.actWithinMs) return;
    throw new Fenced();
  }
}

/** For a dry run: there is no campaign yet that could go on. */
export const UNFENCED: Pick<Fence, 'guard' | 'renew' | 'check'> = {
  guard: undefined,
  renew: async () => undefined,
  check: () => undefined,
};

/** Whether the sweep of `b` is the one that is under way in `a`. None is, while a command waits for its hooks. */
export const sameSweep = (a: CampaignDocument, b: CampaignDocument): boolean =>
  a.generation === b.generation &&
  a.sweep === b.sweep &&
  a.run === 'running' &&
  !a.closed &&
  !a.pending &&
  a.settledAt === undefined;
