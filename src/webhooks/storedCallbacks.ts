import type { Clock } from '../clock.ts';
import { attempts, decode, load, type Stored, save } from '../engine/documents.ts';
import type { SubscriptionDocument } from '../engine/schemas.ts';
import { confirmed } from '../engine/subscription.ts';
import { callbackKey, mayConfirm, subscriptionKey } from '../engine/subscriptionDocument.ts';
import { granted } from '../engine/subscriptionLease.ts';
import { LIMITS } from '../limits.ts';
import type { Key } from '../record/key.ts';
import type { Store, Version } from '../store/store.ts';
import type { Callback, Callbacks } from './callbacks.ts';
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
  const paths = new Paths(store);
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
      // The first since it was subscribed is what a worker waits for: the others need no write.
      await update(subscription, (now) =>
        delivers(now, side) ? 'as it is' : { ...now, [side]: { ...now[side], deliveredAt: clock.now() } },
      );
    },

    suspicious: (delivery) => suspicions.add(delivery),

    settled: () => suspicions.settled(),
  };
}

const delivers = (now: SubscriptionDocument, side: Callback['side']): boolean => {
  const { deliveredAt = 0, verifiedAt = 0 } = now[side];
  return deliveredAt > verifiedAt;
};

interface Remembered {
  /** Of the callback, and of its subscription. */
  readonly keys: readonly [Key, Key];
  readonly versions: readonly [Version, Version];
  readonly callback: Callback;
}

/**
 * Paths are looked up for every request, and what they stand for hardly ever changes. What was decoded is kept, and good
 * as long as the store gives both versions that it was decoded from: those are always asked for.
 */
class Paths {
  readonly #store: Store;
  readonly #remembered = new Map<string, Remembered>();

  constructor(store: Store) {
    this.#store = store;
  }

  async find(path: string): Promise<Callback | undefined> {
    const known = this.#remembered.get(path);
    if (known) {
      const found = await this.#store.read(known.keys);
      if (known.versions.every((version, i) => found[i]?.version === version)) return known.callback;
      this.#remembered.delete(path);
    }
    return this.#look(path);
  }

  async #look(path: string): Promise<Callback | undefined> {
    const at = callbackKey(path);
    const [entity] = await this.#store.read([at]);
    if (!entity) return undefined;
    const { value } = decode('callback', entity);
    const key = subscriptionKey(value.subscription);
    const [found] = await this.#store.read([key]);
    if (!found) return undefined;
    const callback = callbackOf(value, decode('subscription', found).value);
    if (this.#remembered.size >= LIMITS.callbacksRemembered) this.#forgetOne();
    this.#remembered.set(path, { keys: [at, key], versions: [entity.version, found.version], callback });
    return callback;
  }

  /** The one that was looked up longest ago. */
  #forgetOne(): void {
    for (const path of this.#remembered.keys()) {
      this.#remembered.delete(path);
      return;
    }
  }
}

function callbackOf(
  { subscription, side }: Pick<Callback, 'subscription' | 'side'>,
  stored: SubscriptionDocument,
): Callback {
  const { scope, topic, protocol, state, [side]: its } = stored;
  const gone = side === 'old' && state === 'settled';
  const proven = delivers(stored, side);
  return { subscription, side, scope, topic, protocol, secrets: its.secrets, gone, proven };
}
