import type { Store } from '../store/store.ts';

/**
 * The port to those who post to callback URLs: a WebSub hub, or a provider of webhooks. No compare-and-set reaches them, so
 * the engine stores what it is about to ask before it asks, and takes every answer that may have been lost for unknown.
 */
export interface Hub {
  /** For messages and stored states. */
  readonly name: string;
  /** `overlap`: a second subscription can stand beside the first. `swap`: there is one URL, and a request replaces it. */
  readonly shape: 'overlap' | 'swap';
  /**
   * Set where the application itself is who posts: the callbacks are URLs of its subscribers, which may look as they like,
   * several alike, and nobody finds a subscription by one.
   */
  readonly isSender?: boolean;
  /** Where the topic's hub is and what the topic is called there. Unset where the author says both. */
  discover?(topic: string): Promise<Discovery>;
  /** The provider makes the secret, and tells it with `done`: until then what comes in cannot be checked, and waits. */
  readonly makesSecret?: boolean;
  /**
   * Asks for deliveries to `callback`; of the shape `swap`, in place of the URL before. Asking twice is harmless, or `list`
   * finds what was made twice.
   */
  subscribe(request: HubRequest): Promise<HubAnswer>;
  /**
   * Of the shape `swap`, which needs it: a request of our own to `callback`, as a hub makes to verify; `done` where what
   * it is for came back. Before the one URL is replaced, the other must be served. `urlProbe()` is one.
   */
  probe?(request: HubRequest): Promise<HubAnswer>;
  /** Asks for no more deliveries to `callback`. Never called where the shape is `swap`. */
  unsubscribe(request: HubRequest): Promise<HubAnswer>;
  /** What the provider has for this topic, where it tells, or the one URL that it has: so that no lost request leaves an orphan. */
  list?(topic: string): Promise<readonly HubSubscription[]>;
  /** What the topic says now: what may have been published in a gap at the hub's side is found there. */
  fetch?(topic: string): Promise<Fetched>;
  /**
   * Has what is in retry at a URL that was given up tried now, and says whether there is none any more. Unset: nobody can
   * tell, and nobody waits for it.
   */
  drain?(store: Store, subscription: string, side: 'old' | 'new'): Promise<boolean>;
}

export interface Discovery {
  /** As the hub knows it: the discovered `rel=self`, which may be another URL than was asked. */
  readonly topic: string;
  readonly hub: string;
}

export interface HubRequest {
  readonly hub: string;
  readonly topic: string;
  /** The exact URL; to unsubscribe, the very one that was subscribed. */
  readonly callback: string;
  readonly secret?: string;
  /** Wanted; the hub may grant another. */
  readonly leaseSeconds?: number;
  /** The provider's name for a subscription that is there. */
  readonly reference?: string;
  /** The same for every attempt of one intent: an idempotency key. */
  readonly intent: string;
  /** The key of the record that the subscription is of, and which of its URLs `callback` is. The engine says both. */
  readonly subscription?: string;
  readonly side?: 'old' | 'new';
}

export type HubAnswer =
  /** Received; the hub will ask the callback first, and until then nothing has changed. */
  | { readonly status: 'accepted' }
  /** Carried out. */
  | {
      readonly status: 'done';
      readonly reference?: string;
      readonly leaseSeconds?: number;
      /** Deliveries are signed with this, where the provider makes the secret; it tells it now and never again. */
      readonly secret?: string;
    }
  /** Nothing was changed. `again`: another attempt may succeed, `afterMs` from now at the earliest. */
  | { readonly status: 'refused'; readonly cause: string; readonly again: boolean; readonly afterMs?: number }
  /** It may have been carried out. */
  | { readonly status: 'unknown'; readonly cause: string };

export interface HubSubscription {
  readonly reference: string;
  readonly callback: string;
}

export interface Fetched {
  readonly contentType: string;
  readonly body: Uint8Array;
}

/** How deliveries are signed, and what makes two of them the same. */
export const PROTOCOL_NAMES = [
  'feed',
  'websub',
  'standardwebhooks',
  'cloudevents',
  'stripe',
  'github',
  'shopify',
  'slack',
  'solid',
  'twilio',
] as const;
export type Protocol = (typeof PROTOCOL_NAMES)[number];

/** How long the old URL is to accept deliveries: longer than a sender goes on repeating. Days from `from` on. */
export const OLD_URL: Readonly<Record<Protocol, { readonly from: 'leaseEnd' | 'switch'; readonly days: number }>> = {
  feed: { from: 'leaseEnd', days: 2 },
  websub: { from: 'leaseEnd', days: 2 },
  standardwebhooks: { from: 'switch', days: 5 },
  cloudevents: { from: 'switch', days: 5 },
  stripe: { from: 'switch', days: 4 },
  github: { from: 'switch', days: 1 },
  shopify: { from: 'switch', days: 1 },
  slack: { from: 'switch', days: 1 },
  solid: { from: 'leaseEnd', days: 1 },
  twilio: { from: 'switch', days: 1 },
};
