import type { Status } from './web.ts';

export type Mode = 'subscribe' | 'unsubscribe';

/** A request to the hub. */
export interface AskEntry {
  /** Milliseconds since the epoch, here and below. */
  readonly at: number;
  readonly mode: string;
  readonly topic: string;
  readonly callback: string;
  /** What was answered. */
  readonly status: Status;
}

/** The hub asked a callback whether it meant it, or told it that it is denied. */
export interface VerificationEntry {
  readonly at: number;
  readonly mode: Mode | 'denied';
  readonly topic: string;
  readonly url: string;
  readonly attempt: number;
  /** Offered; for `subscribe` only. */
  readonly leaseSeconds: number | undefined;
  readonly status: Status;
  /** 2xx, and the challenge. */
  readonly confirmed: boolean;
}

/** One attempt, or one hop of it where redirects are followed. */
export interface DeliveryEntry {
  readonly at: number;
  readonly topic: string;
  readonly url: string;
  /** Of the newest update in what was sent. */
  readonly number: number;
  /** From 1. */
  readonly attempt: number;
  readonly status: Status;
}

/**
 * `pending`: asked for, not yet verified. `refused`: the verification failed. `gone`: it answered 410. `dropped`: the hub
 * gave it up without a word. `expired`: its lease has ended.
 */
export type SubscriptionState =
  | 'pending'
  | 'active'
  | 'refused'
  | 'unsubscribed'
  | 'gone'
  | 'dropped'
  | 'denied'
  | 'expired';

export interface SubscriptionEntry {
  readonly topic: string;
  readonly callback: string;
  readonly state: SubscriptionState;
  /** Granted last. */
  readonly leaseSeconds: number | undefined;
  readonly leaseEndsAt: number | undefined;
}

/** All that a hub did, each list in the order in which it began. */
export interface HubLog {
  readonly asked: readonly AskEntry[];
  readonly verifications: readonly VerificationEntry[];
  readonly deliveries: readonly DeliveryEntry[];
  /** As they are now, one for each topic and callback, in the order in which they were first asked for. */
  readonly subscriptions: readonly SubscriptionEntry[];
}

/** An entry whose answer is still to come. */
export type Open<Entry> = { -readonly [Field in keyof Entry]: Entry[Field] };
