import { HandoverError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { sweepName } from './campaigns.ts';
import { save } from './documents.ts';
import { isStuck } from './openRanges.ts';
import type { Progress } from './ranges.ts';
import type { CampaignDocument } from './schemas.ts';
import type { WorkerOptions } from './worker.ts';

/** Tells once of each range that nobody gets anywhere with: see `isStuck`. */
export async function setAside(
  store: Store,
  { clock, dispatch, events }: Pick<WorkerOptions, 'clock' | 'dispatch' | 'events'>,
  campaign: CampaignDocument,
  { ranges }: Progress,
): Promise<void> {
  const now = clock.now();
  for (const { name: range, plan, stored } of ranges) {
    if (!stored || stored.value.asideAt !== undefined || !isStuck(stored.value, now)) continue;
    const saved = await save<'range'>(store, stored.key, { ...stored.value, asideAt: now }, stored.version);
    // Of those who find out one is the first.
    if (saved.status !== 'applied') continue;
    const { tries = 0, cursor: after = plan.after } = stored.value;
    const at = after === undefined ? {} : { after };
    const letter = { campaign: campaign.id, sweep: sweepName(campaign), range, tries, ...at };
    events?.setAside?.(letter);
    await dispatch?.setAside(letter).catch((error) => {
      if (!(error instanceof HandoverError)) throw error;
      events?.faltered?.(error);
    });
  }
}
