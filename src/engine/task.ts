import { LIMITS } from '../limits.ts';
import { sweepName } from './campaigns.ts';
import { Claim, isLive, Pulse } from './claim.ts';
import { load } from './documents.ts';
import { type CampaignLook, Fence, Fenced, type Hand, sameSweep } from './fence.ts';
import { claimRange } from './openRanges.ts';
import type { Pacer } from './pace.ts';
import { rangeKey } from './ranges.ts';

export interface TaskHand extends Hand {
  readonly pacer: Pacer;
}

/**
 * Something about all records that one worker does for all: who has the claim on a range of that name, which no sweep
 * plans. As any claim it is advice: two that are at it make twice the reads, and no harm. Undefined when somebody else is
 * at it, or nobody knows.
 */
export async function tryTask(
  { store, clock, worker, pacer, look }: TaskHand,
  name: 'baseline' | 'totals' | 'strip',
): Promise<Claim | undefined> {
  const campaign = look.campaign.value;
  const stored = await load(store, 'range', rangeKey(campaign, name));
  if (isLive(stored?.value.claim, clock.now())) return undefined;
  const pulse = new Pulse(clock);
  // Of its first page: later ones tell how long they take.
  pulse.expect(LIMITS.actWithinMs);
  // Nobody counts the workers of a sweep by it.
  const lane = { name: `${worker}.${name}`, pulse, pacer: { note: pacer.note, shown: () => undefined } };
  const claimed = await claimRange(store, campaign, { name, stored }, lane, clock.now());
  return typeof claimed === 'string' ? undefined : new Claim(store, clock, claimed, lane, sweepName(campaign));
}

/**
 * The same, once it is this worker's turn, with a look at the campaign since: whoever was at it may have done it. Throws
 * `Fenced` when the sweep is over by then, and when the worker is to end.
 */
export async function awaitTask(
  hand: TaskHand,
  name: 'baseline' | 'totals',
): Promise<{ readonly claim: Claim; readonly look: CampaignLook }> {
  const { store, clock, signal } = hand;
  const campaign = hand.look.campaign.value;
  while (!signal.aborted) {
    const claim = await tryTask(hand, name);
    const fence = await Fence.look(campaign.id, { store, clock, still: (now) => sameSweep(now, campaign) });
    if (!fence) throw new Fenced();
    if (claim) return { claim, look: fence.look };
    await clock.sleep(LIMITS.idleMs, signal);
  }
  throw new Fenced();
}
