import { list } from '../../engine/documents.ts';
import { LIMITS } from '../../limits.ts';
import type { Store } from '../../store/store.ts';

/**
 * When the oldest thing that was asked of a hub, and is not settled, was begun. An intent is stored with the journal's last
 * entry, and nothing is entered after it before it is settled. Looks at so many subscriptions at most.
 */
export async function oldestIntentAt(store: Store): Promise<number | undefined> {
  let oldest: number | undefined;
  let looked = 0;
  for await (const { value } of list(store, 'subscription')) {
    if (looked++ === LIMITS.intentsLooked) break;
    const at = value.intent ? value.journal.at(-1)?.at : undefined;
    if (at !== undefined) oldest = Math.min(oldest ?? at, at);
  }
  return oldest;
}
