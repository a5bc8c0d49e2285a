import type { Protocol } from '../define/hub.ts';

export type Side = 'old' | 'new';

/** What a callback URL's path stands for. */
export interface Callback {
  readonly subscription: string;
  /** Which of a moving subscription's two URLs this is. */
  readonly side: Side;
  /** Tenant and canonical topic: deliveries are told apart within it, whichever URL they come in on. */
  readonly scope: string;
  /** As the hub calls it: what `hub.topic` of a verification must say. */
  readonly topic: string;
  /** How deliveries are signed, and what makes two of them the same. */
  readonly protocol: Protocol;
  /** Any of these may sign: around a renewal or a move there are several. Empty: deliveries are not signed. */
  readonly secrets: readonly string[];
  /** Settled: deliveries are answered 410. */
  readonly gone: boolean;
  /** As its sender knows it, where that is known: some sign it, too. */
  readonly url?: string;
  /** Who signs has not told the secret yet: deliveries are to be sent again. */
  readonly unready?: boolean;
  /** Whether somebody is to post here: those who ask first are told. Unset: yes. */
  readonly wanted?: boolean;
  /** It is known that this URL delivers: `delivered` need not be told of each delivery. */
  readonly proven?: boolean;
}

export interface Verification {
  readonly subscription: string;
  readonly side: Side;
  readonly mode: 'subscribe' | 'unsubscribe';
  readonly topic: string;
  /** Granted, from now on; unset where the hub does not say. */
  readonly leaseSeconds?: number;
}

/**
 * What the receiver asks of whoever keeps the subscriptions, and tells it. `find` and `verified` are awaited, and when
 * they throw the answer is 503. The rest is told beside the answer, and nothing depends on it.
 */
export interface Callbacks {
  /** By the URL's path alone, as it was sent. */
  find(path: string): Promise<Callback | undefined>;
  /** Stores the confirmation by compare-and-set, and only then is the challenge echoed. False: nobody intends this, 404. */
  verified(verification: Verification): Promise<boolean>;
  /** Whoever knows the URL can say this: a hint to look again. */
  denied(denial: { readonly subscription: string; readonly side: Side; readonly reason: string }): Promise<void>;
  /** A signed delivery is in the inbox, or was there already: this URL delivers. */
  delivered(delivery: { readonly subscription: string; readonly side: Side }): Promise<void>;
  /** A delivery that nobody with a secret signed. It was not processed. */
  suspicious(delivery: { readonly subscription: string; readonly side: Side; readonly why: string }): Promise<void>;
  /** Writes down what it has kept back, before the process ends. */
  settled?(): Promise<void>;
}
