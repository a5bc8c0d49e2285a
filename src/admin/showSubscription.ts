import { load } from '../engine/documents.ts';
import type { SubscriptionDocument } from '../engine/schemas.ts';
import { subscriptionKey } from '../engine/subscriptionDocument.ts';
import type { Key } from '../record/key.ts';
import type { Store } from '../store/store.ts';

/** One of the two URLs of a subscription. Its secrets are not shown. */
export interface CallbackView {
  readonly url: string;
  readonly active: boolean;
  readonly verifiedAt?: number;
  readonly deliveredAt?: number;
  readonly leaseUntil?: number;
}

export interface SubscriptionView {
  readonly kind: 'subscription';
  readonly campaign: string;
  /** The record that it is of. */
  readonly key: string;
  readonly state: string;
  readonly topic: string;
  readonly old: CallbackView;
  readonly new: CallbackView;
  /** What was asked last, and until when an answer is waited for. */
  readonly asked?: {
    readonly mode: string;
    readonly side: string;
    readonly attempt: number;
    readonly deadlineAt: number;
  };
  /** Why its topic is asked again no sooner than `at`. */
  readonly topicFailed?: { readonly attempt: number; readonly at: number; readonly cause: string };
  /** Why the hub's refusal, or its silence, left it here. */
  readonly problem?: string;
  readonly journal: SubscriptionDocument['journal'];
}

/** The subscription of the record with this key, under that campaign. */
export async function subscriptionView(
  store: Store,
  campaign: string,
  key: Key,
): Promise<SubscriptionView | undefined> {
  const stored = await load(store, 'subscription', subscriptionKey(key.toString()));
  if (stored?.value.campaign !== campaign) return undefined;
  const { source, state, topic, intent, fetch, problem, journal, ...sides } = stored.value;
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
