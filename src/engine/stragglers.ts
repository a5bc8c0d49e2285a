import { type Clock, elapsed, type Moment, moment } from '../clock.ts';
import type { Migration } from '../define/migration.ts';
import { LIMITS } from '../limits.ts';
import type { Store } from '../store/store.ts';
import { sweepName } from './campaigns.ts';
import { isLive } from './claim.ts';
import { load, save } from './documents.ts';
import { openRanges } from './openRanges.ts';
import { isPast, type Progress, type RangeLook, turnOf } from './ranges.ts';
import type { CampaignDocument, RangeDocument } from './schemas.ts';
import { remaining } from './sweep.ts';

interface Stage {
  readonly store: Store;
  readonly clock: Clock;
  readonly campaign: CampaignDocument;
  readonly migration: Migration;
  readonly progress: Progress;
}

/**
 * Ranges that are much longer than the others of their turn: when nothing has been free for a while, one that somebody is
 * at is cut in two. The write that shortens it is the one that makes the other (see `RangeLook`): a crash before it has
 * done nothing, and after it nothing is left to do. Who holds the range finds out by his next checkpoint, which loses, and
 * goes on as far as it goes now (see `Claim`).
 */
export class Stragglers {
  #busy: { readonly turn: string; readonly since: Moment } | undefined;
  #next = 0;

  /** Something is free: nobody waits. */
  none(): void {
    this.#busy = undefined;
  }

  /** Nothing is free. The name of what was cut off, if it was high time, and there was enough. */
  async cut(stage: Stage): Promise<string | undefined> {
    const { clock, campaign, migration, progress } = stage;
    const open = openRanges(progress);
    if (open.length === 0) return undefined;
    const turn = `${sweepName(campaign)} ${turnOf(open[0]!.plan)}`;
    if (this.#busy?.turn !== turn) this.#busy = { turn, since: moment(clock) };
    if (elapsed(clock, this.#busy.since) < LIMITS.stragglerMs) return undefined;
    // Another look is as long in coming: each of them costs a page.
    this.#busy = { turn, since: moment(clock) };
    // Groups are worked on as a whole, and none may be in two hands: no cut goes through one.
    const byGroup = ({ plan }: RangeLook) => migration.by === 'group' && plan.home === 'T' && !plan.refers;
    // Where a budget is what holds them up, more hands do no more.
    const held = open.filter((range) => {
      const { claim } = range.stored?.value ?? {};
      return isLive(claim, clock.now()) && !isHeldUp(claim) && !byGroup(range);
    });
    const range = held[this.#next++ % held.length];
    return range && cutInTwo(stage, range);
  }
}

/** By what is bounded for all of them; contention is a matter of some groups. */
const isHeldUp = ({ pace }: NonNullable<RangeDocument['claim']>): boolean =>
  pace !== undefined && pace.limit !== 'store' && pace.limit !== 'contention';

/**
 * Where what is left of it is long enough for two: more than a page in each of so many pieces. So whoever holds it has seen
 * the cut long before it comes there; what it did behind it would have to be done again, and be doubtful.
 */
async function cutInTwo({ store, clock, campaign, migration }: Stage, range: RangeLook): Promise<string | undefined> {
  const { plan, stored } = range;
  const left = remaining(migration, campaign.id, plan, stored!.value.cursor, stored!.value);
  const pieces = await store.split(left, LIMITS.stragglerPieces);
  const cut = pieces[LIMITS.stragglerPieces / 2 - 1]?.until;
  if (!cut || pieces.length < LIMITS.stragglerPieces) return undefined;
  if (!(await store.scan(pieces[0]!, LIMITS.pageSize)).more) return undefined;
  // Whoever holds it writes ten times a second.
  for (let attempt = 0; attempt < LIMITS.cutAttempts; attempt++) {
    const now = await load(store, 'range', stored!.key);
    const { cuts = [] } = stored!.value;
    if (!now || now.value.done || !isLive(now.value.claim, clock.now())) return undefined;
    if (now.value.cuts?.length !== stored!.value.cuts?.length || isPast(now.value.cursor, cut.toString()))
      return undefined;
    const value: RangeDocument = { ...now.value, cuts: [...cuts, cut.toString()] };
    const saved = await save<'range'>(store, now.key, value, now.version);
    if (saved.status === 'applied') return `${range.name}.${cuts.length + 1}`;
    if (saved.status !== 'conflict') return undefined;
  }
  return undefined;
}
