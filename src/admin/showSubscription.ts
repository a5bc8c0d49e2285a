import { load } from '../engine/documents.ts';
import type { SubscriptionDocument } from '../engine/schemas.ts';
import { subscriptionKey } from '../engine/subscriptionDocument.ts';
import type { Key } from '../record/key.ts';
import type { Store } from '../store/store.ts';
import type { CallbackView, SubscriptionView } from './recordSchema.ts';

/** The subscription of the record with this key, under that campaign. */
export async function subscriptionView(
  store: Store,
  campaign: string,
  key: Key,
): Promise<SubscriptionView | undefined> {
  const stored = await load(store, 'subscription', subscriptionKey(key.toString()));
  if (stored?.value.campaign !== campaign) return undefined;
  const { source, state, topic, intent, fetch, denied, problem, journal, ...sides } = stored.value;
  return {
    kind: 'subscription',
    campaign,
    key: source,
    state,
    topic,
    old: callbackView(sides.old),
    new: callbackView(sides.new),
    ...(intent
      ? { asked: { mode: intent.mode, side: intent.side, attempt: intent.attempt, deadlineAt: intent.deadlineAt } }
      : {}),
    ...(fetch ? { topicFailed: fetch } : {}),
    ...(denied ? { denied: { side: denied.side, reason: denied.reason, at: denied.at } } : {}),
    ...(problem === undefined ? {} : { problem }),
    journal,
  };
}

function callbackView(side: SubscriptionDocument['old']): CallbackView {
  const { url, active, verifiedAt, deliveredAt, leaseUntil } = side;
  return {
    url,
    active,
    ...(verifiedAt === undefined ? {} : { verifiedAt }),
    ...(deliveredAt === undefined ? {} : { deliveredAt }),
    ...(leaseUntil === undefined ? {} : { leaseUntil }),
  };
}
