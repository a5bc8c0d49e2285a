import type { Clock } from '../clock.ts';
import type { Dispatch, Hint } from '../dispatch/dispatch.ts';
import { LIMITS } from '../limits.ts';
import type { Store } from '../store/store.ts';
import { sweepName } from './campaigns.ts';
import { load, save } from './documents.ts';
import { isSuspect, openRanges } from './openRanges.ts';
import { type Progress, type RangeLook, turnOf } from './ranges.ts';
import type { CampaignDocument } from './schemas.ts';
import { sweepKey } from './sweep.ts';

/** Who hands out the ranges of campaigns. */
export interface Tender {
  readonly publish: Dispatch['publish'];
  /** Whether it could do with a message: then one that does not come may be lost. */
  readonly isIdle: () => boolean;
  /** Takes a range itself, if it can. */
  readonly help: (hint: Hint) => boolean;
}

interface Open {
  readonly store: Store;
  readonly clock: Clock;
  readonly campaign: CampaignDocument;
  readonly progress: Progress;
  /** Of the ranges whose turn it is, those that nobody holds. */
  readonly free: readonly RangeLook[];
}

/**
 * Publishes the ranges of a turn when that begins, and never those of later turns: what was published is what may be worked
 * on now. Later it publishes anew, now and then, what nobody holds although somebody waits for work: those messages are
 * lost, or the workers that had them. Of all that tend a campaign one does it: who has written into the sweep that it does.
 * A crash after that is a lost message.
 */
export async function handOut({ store, clock, campaign, progress, free }: Open, tender: Tender): Promise<void> {
  const [open] = openRanges(progress);
  if (!open || free.length === 0) return;
  const how = await announce(store, clock, campaign, turnOf(open.plan), tender.isIdle());
  if (!how) return;
  const hintOf = ({ name: range }: RangeLook): Hint => ({ campaign: campaign.id, sweep: sweepName(campaign), range });
  // Nobody's progress depends on a message: what has not come is done by whoever finds out, as far as it can. Suspects wait
  // for their turn as messages.
  const isHelped = (range: RangeLook) =>
    how === 'anew' && !isSuspect(range.stored?.value) && tender.help(hintOf(range));
  await tender.publish(free.filter((range) => !isHelped(range)).map(hintOf));
}

/** What this very worker has just made. */
export async function handOutOne(hint: Hint, tender: Tender): Promise<void> {
  if (!tender.help(hint)) await tender.publish([hint]);
}

async function announce(
  store: Store,
  clock: Clock,
  campaign: CampaignDocument,
  turn: number,
  isIdle: boolean,
): Promise<'first' | 'anew' | undefined> {
  const stored = await load(store, 'sweep', sweepKey(campaign));
  if (!stored) return undefined;
  const now = clock.now();
  const { sent } = stored.value;
  // By the clocks of two machines: one that is far ahead of the other has nobody wait for it.
  const ageMs = Math.abs(now - (sent?.at ?? 0));
  const first = !sent || sent.turn < turn;
  const anew = sent?.turn === turn && isIdle && ageMs >= LIMITS.handOutAgainMs;
  if (!first && !anew) return undefined;
  const value = { ...stored.value, sent: { turn, at: now } };
  const saved = await save<'sweep'>(store, stored.key, value, stored.version);
  return saved.status === 'applied' ? (first ? 'first' : 'anew') : undefined;
}
