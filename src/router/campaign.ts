import type { Migration } from '../define/migration.ts';
import { isClosing } from '../engine/campaign.ts';
import { campaignsOf } from '../engine/campaigns.ts';
import { dropsOf } from '../engine/dropping.ts';
import type { Item } from '../engine/item.ts';
import type { Pair } from '../engine/pair.ts';
import type { CampaignDocument } from '../engine/schemas.ts';
import { targetAt } from '../engine/targets.ts';
import type { Store } from '../store/store.ts';

/** The newest campaign of a migration, read anew: one look-up, as a rule. */
export async function newestCampaign(store: Store, migration: Migration): Promise<CampaignDocument | undefined> {
  return (await campaignsOf(store, migration.name)).at(-1);
}

/** Whether moves may be made under it: as workers have it, and, once it is completed, for what is inserted late. */
export function mayMove(campaign: CampaignDocument, migration: Migration): boolean {
  const { stage, run, closed, definition, succeeded, pending } = campaign;
  // A command waits for its hooks: where records were wanted before they are not wanted any more.
  if (pending) return false;
  if (stage === 'draft' || run === 'paused' || definition !== migration.fingerprint) return false;
  // What is dropped has stood where it is since before references were looked at: only sweeps know since when.
  if (dropsOf(campaign, migration)) return false;
  return !closed || (stage === 'completed' && !succeeded);
}

/**
 * Where one record is wanted. Under a campaign by group, nobody who sees one record only can say that its group may
 * switch: what has not switched goes no further than `copied`, and its group's sweep does the rest.
 */
export function wantedFor(
  campaign: CampaignDocument,
  { by }: Migration,
  { S, T }: Pair['keys'],
): Pick<Item, 'target' | 'behindTo'> {
  const target = targetAt(campaign.targets, by === 'record' ? S : T.root);
  if (by === 'record' || target === 'home' || campaign.closed) return { target };
  // Begun now, it would be left half way if the last sweep has passed it by: it goes all the way once that is over.
  return { target, behindTo: (pair) => (isClosing(campaign) && !pair.T ? 'home' : 'copied') };
}
