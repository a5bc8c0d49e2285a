import type { Patience } from './outbox.ts';

/** How real hubs differ from the recommendation, or in what it leaves open. Each was seen in one of them, or is in its documents. */
export interface HubQuirks {
  /**
   * `retried`: a verification without an answer, or with a 5xx, is tried again with back-off. `once`: one try decides.
   * `synchronous`: one try, before the request is answered: 202 when it is confirmed, else 409.
   */
  readonly verification: 'retried' | 'once' | 'synchronous';
  /** Milliseconds between the 202 and the verification. */
  readonly verifiesAfterMs: number;
  /** Asked to end what it does not have, the hub asks the callback all the same, or answers 202 and is silent, or answers 400. */
  readonly unknownUnsubscribe: 'verified' | 'silent' | 'refused';
  /** A fresh subscription is sent at once what was published last, before it was made. */
  readonly sendsOldContent: boolean;
  /** What is published between the 202 and the verification never reaches the fresh subscription; else it follows the verification. */
  readonly missesWhileVerifying: boolean;
  /** A failed delivery is tried again as it was, or never, or with whatever is the newest by then in its place. */
  readonly retries: 'each' | 'never' | 'latest';
  /** A newer delivery does not wait for one that failed: what is tried again arrives late. */
  readonly overtakes: boolean;
  /** A redirect is a failure, or the delivery is posted again to where it points, or that place is only asked by GET, without the body. */
  readonly redirects: 'failure' | 'post' | 'get';
  /** 410 is a failure as any other, and does not end the subscription. */
  readonly ignoresGone: boolean;
  /** After so many failed attempts in a row the subscription is gone, and nobody is told; 0 for never. */
  readonly dropsAfterFailures: number;
  /** The secret of a renewal signs from the request on, and stays when the callback refuses the renewal. */
  readonly signsWithRefusedSecret: boolean;
  /** A publish that changes nothing is not delivered; content that comes back is. */
  readonly suppressesUnchanged: boolean;
  /** A feed is delivered without the entries that it had at the publish before. */
  readonly sendsOnlyNewEntries: boolean;
  /** The lease that is granted lies within these bounds, whatever was asked for. */
  readonly clampsLease: { readonly leastSeconds: number; readonly mostSeconds: number } | undefined;
  /** The method of signatures. */
  readonly signature: 'sha1' | 'sha256' | 'sha384' | 'sha512';
  /** New subscriptions are answered 503; those that are there live on, and can be renewed and ended. */
  readonly refusesNew: boolean;
  /** A hub of version 0.3: without `hub.verify` it answers 400, and `sync` is verified before the answer, which is 204. */
  readonly wantsVerify: boolean;
  /**
   * So many milliseconds before a lease ends the hub verifies `subscribe` again by itself, as those of version 0.3 do; 0
   * for never. Wants a clock whose sleep waits.
   */
  readonly refreshesBeforeMs: number;
}

/** No quirks: what the recommendation says, and the kinder way where it says nothing. */
export const NO_QUIRKS: HubQuirks = {
  verification: 'retried',
  verifiesAfterMs: 0,
  unknownUnsubscribe: 'verified',
  sendsOldContent: false,
  missesWhileVerifying: false,
  retries: 'each',
  overtakes: false,
  redirects: 'failure',
  ignoresGone: false,
  dropsAfterFailures: 0,
  signsWithRefusedSecret: false,
  suppressesUnchanged: false,
  sendsOnlyNewEntries: false,
  clampsLease: undefined,
  signature: 'sha256',
  refusesNew: false,
  wantsVerify: false,
  refreshesBeforeMs: 0,
};

/** Five attempts, after 1, 2, 4 and 8 seconds; an answer may take 5 seconds. */
export const PATIENCE: Patience = { attempts: 5, retryMs: 1_000, answerMs: 5_000 };

/** Ten days, as the recommendation suggests. */
export const LEASE_SECONDS = 864_000;
