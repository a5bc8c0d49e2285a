import { LIMITS } from '../limits.ts';
import { list } from './documents.ts';
import { Fence, Fenced, type Hand } from './fence.ts';
import { renew } from './subscription.ts';

/**
 * Renews the leases of a campaign's subscriptions that are near their end, and does nothing else with them. No sweep comes
 * by while a campaign is paused, and what is live is to stay so however long that lasts. Any number of workers may do it:
 * whoever stores the intent first asks the hub. When the campaign goes on, sweeps do it from then on. False when it has
 * gone on meanwhile, and some were not looked at.
 */
export async function keepLeases({ store, clock, worker, migration, look, signal }: Hand): Promise<boolean> {
  const still = look.campaign.value;
  const fence = Fence.by(look, { store, clock, still: ({ run, closed }) => run === still.run && !closed });
  const all = list(store, 'subscription');
  const lane = async () => {
    for await (const stored of all) {
      if (signal.aborted) return;
      const rule = migration.subscriptions[stored.value.rule - migration.records.length];
      if (stored.value.campaign !== still.id || !rule) continue;
      await renew(stored, { store, clock, worker, rule, fence });
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: LIMITS.hubRequests }, lane));
  const broken = ended.filter((each) => each.status === 'rejected');
  const failed = broken.find(({ reason }) => !(reason instanceof Fenced));
  if (failed) throw failed.reason;
  return broken.length === 0 && !signal.aborted;
}
