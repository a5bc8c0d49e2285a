import type { Clock } from '../clock.ts';
import { pathOf } from '../define/subscription.ts';
import { attempts, load, type Stored, save } from '../engine/documents.ts';
import type { Document, SubscriptionDocument } from '../engine/schemas.ts';
import { confirmed } from '../engine/subscriptionAnswer.ts';
import { mayConfirm, subscriptionKey } from '../engine/subscriptionDocument.ts';
import { granted } from '../engine/subscriptionLease.ts';
import { LIMITS } from '../limits.ts';
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

type State = SubscriptionDocument['state'];
/** A request to replace the URL is under way. */
const ASKED: readonly State[] = ['swapping', 'restoring'];
/** Which of the two URLs still gets something says whether it had an effect. */
const WATCHED: readonly State[] = ['confirming', 'reconfirming', 'draining', 'returning'];

/** What was replaced at its provider is one there, and so signs alike wherever it posts. */
function secretsOf({ shape, ...sides }: SubscriptionDocument, side: 'old' | 'new'): readonly string[] {
  if (shape !== 'swap') return sides[side].secrets;
  return [...new Set([...sides.old.secrets, ...sides.new.secrets])];
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
        // The answer is still to come: of a request to replace a URL, or with the secret.
        if (ASKED.includes(now.state) || now[side].awaitsSecret)
          return { ...now, [side]: { ...now[side], confirmedAt: clock.now() } };
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
      // The first since one of the two was subscribed is what a worker waits for: the others need no write, or few.
      await update(subscription, (now) =>
        isNoted(now, side, clock.now()) ? 'as it is' : { ...now, [side]: { ...now[side], deliveredAt: clock.now() } },
      );
    },

    suspicious: (delivery) => suspicions.add(delivery),

    settled: () => suspicions.settled(),
  };
}

/**
 * The first since one of the two was subscribed is what a worker waits for; where it matters when, deliveries are told
 * apart by the clock.
 */
const delivers = (now: SubscriptionDocument, side: Callback['side']): boolean =>
  isSince(now, side) && !WATCHED.includes(now.state);

const isNoted = (now: SubscriptionDocument, side: Callback['side'], at: number): boolean =>
  isSince(now, side) && (delivers(now, side) || at - (now[side].deliveredAt ?? 0) < LIMITS.hubHeardMs);

const isSince = (now: SubscriptionDocument, side: Callback['side']): boolean =>
  (now[side].deliveredAt ?? 0) > Math.max(now.old.verifiedAt ?? 0, now.new.verifiedAt ?? 0);

function callbackOf(path: string, { subscription }: Document<'callback'>, stored: SubscriptionDocument): Callback {
  // What is the new URL of one campaign may be the old one of the next: the subscription knows.
  const side = pathOf(stored.old.url) === path ? 'old' : 'new';
  const { scope, topic, protocol, state, [side]: its } = stored;
  return {
    subscription,
    side,
    scope,
    topic,
    protocol,
    secrets: secretsOf(stored, side),
    gone: side === 'old' && state === 'settled',
    url: its.url,
    unready: its.awaitsSecret === true,
    wanted: mayConfirm(stored, side, 'subscribe'),
    proven: delivers(stored, side),
  };
}
