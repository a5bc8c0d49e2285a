import type { Clock } from '../clock.ts';
import { pathOf } from '../define/subscription.ts';
import { attempts, load, type Stored, save } from '../engine/documents.ts';
import type { Document, SubscriptionDocument } from '../engine/schemas.ts';
import { confirmed } from '../engine/subscription.ts';
import { mayConfirm, subscriptionKey } from '../engine/subscriptionDocument.ts';
import { granted } from '../engine/subscriptionLease.ts';
import type { Store } from '../store/store.ts';
import type { Callback, Callbacks } from './callbacks.ts';
import { Paths } from './paths.ts';
import { type Suspicion, Suspicions } from './suspicions.ts';

export interface StoredCallbacksOptions {
  /**
   * Told of forged deliveries, as they are written down: of the first at once, then of those of ten seconds together. For
   * a log and an alert; a flood of them is no flood here.
   */
  readonly onSuspicious?: (suspicion: Suspicion) => void;
  /** Told of what could not be written down. It is tried again. */
  readonly onError?: (error: unknown) => void;
}

/**
 * What a receiver is told, by what the engine has stored of the subscriptions, and what it tells them: each by a
 * compare-and-set of the subscription itself, so that a confirmation, an answer and a worker's next step cannot pass each
 * other unseen. Only what forgers send is written elsewhere, for it must not be in a worker's way.
 */
export function storedCallbacks(store: Store, clock: Clock, options: StoredCallbacksOptions = {}): Callbacks {
  const suspicions = new Suspicions(store, clock, options);
  const paths = new Paths(store, callbackOf);
  const at = async (subscription: string): Promise<Stored<'subscription'> | undefined> =>
    load(store, 'subscription', subscriptionKey(subscription));

  /** `change` is told what stands there; undefined leaves it. Whether it was changed. */
  const update = async (
    subscription: string,
    change: (now: SubscriptionDocument) => SubscriptionDocument | undefined | 'as it is',
  ): Promise<boolean> => {
    const key = subscriptionKey(subscription);
    return attempts(clock, key, undefined, async () => {
      const stored = await at(subscription);
      const next = stored && change(stored.value);
      if (next === undefined) return { done: false };
      if (next === 'as it is') return { done: true };
      const saved = await save<'subscription'>(store, key, next, stored!.version);
      return saved.status === 'applied' ? { done: true } : saved;
    });
  };

  return {
    find: (path) => paths.find(path),

    verified: ({ subscription, side, mode, topic, leaseSeconds }) =>
      update(subscription, (now) => {
        if (now.topic !== topic || !mayConfirm(now, side, mode)) return undefined;
        const happening = { at: clock.now(), by: 'hub', id: () => clock.id(8) };
        const next = confirmed(now, { side, mode }, leaseSeconds === undefined ? {} : { leaseSeconds }, happening);
        // It was confirmed before; a hub that refreshes by itself grants a new lease.
        if (next) return next;
        return mode === 'subscribe' && now[side].active ? granted(now, side, leaseSeconds, clock.now()) : 'as it is';
      }),

    async denied({ subscription, side }) {
      // A hint, which anybody can give: the deadline passes now, and the hub is asked again.
      await update(subscription, (now) =>
        now.intent?.side === side ? { ...now, intent: { ...now.intent, deadlineAt: clock.now() } } : 'as it is',
      );
    },

    async delivered({ subscription, side }) {
      // The first since one of the two was subscribed is what a worker waits for: the others need no write.
      await update(subscription, (now) =>
        delivers(now, side) ? 'as it is' : { ...now, [side]: { ...now[side], deliveredAt: clock.now() } },
      );
    },

    suspicious: (delivery) => suspicions.add(delivery),

    settled: () => suspicions.settled(),
  };
}

/** Whether a delivery came to this URL since one of the two was subscribed last. */
const delivers = (now: SubscriptionDocument, side: Callback['side']): boolean =>
  (now[side].deliveredAt ?? 0) > Math.max(now.old.verifiedAt ?? 0, now.new.verifiedAt ?? 0);

function callbackOf(path: string, { subscription }: Document<'callback'>, stored: SubscriptionDocument): Callback {
  // What is the new URL of one campaign may be the old one of the next: the subscription knows.
  const side = pathOf(stored.old.url) === path ? 'old' : 'new';
  const { scope, topic, protocol, state, [side]: its } = stored;
  const gone = side === 'old' && state === 'settled';
  const proven = delivers(stored, side);
  return { subscription, side, scope, topic, protocol, secrets: its.secrets, gone, proven };
}
