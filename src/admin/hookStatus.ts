import { loadMany } from '../engine/documents.ts';
import { hookKey } from '../engine/hooks.ts';
import { callsDue, isHookDue } from '../engine/hooksDue.ts';
import type { CampaignDocument } from '../engine/schemas.ts';
import type { Store } from '../store/store.ts';
import type { HookStatus } from './statusSchema.ts';

/** The hook that the campaign as a whole waits for; undefined where it waits for none. */
export async function hookStatus(store: Store, campaign: CampaignDocument): Promise<HookStatus | undefined> {
  if (!isHookDue(campaign)) return undefined;
  const calls = callsDue(campaign);
  const keys = calls.map(({ idempotencyKey }) => hookKey(campaign.id, idempotencyKey));
  const found = await loadMany(store, 'hook', keys);
  // All done: a worker is about to say so.
  const at = found.findIndex((each) => each?.value.state !== 'done');
  const n = at < 0 ? calls.length - 1 : at;
  const { hook, idempotencyKey } = calls[n]!;
  const { state = 'due', attempt = 0, cause, until } = found[n]?.value ?? {};
  const waits = campaign.pending && { what: campaign.pending.what, targets: campaign.pending.targets };
  return {
    hook,
    state,
    attempt,
    key: idempotencyKey,
    ...(waits ? { waits } : {}),
    ...(cause === undefined ? {} : { cause }),
    ...(state === 'failed' && campaign.run === 'running' ? { nextAt: until! } : {}),
  };
}
