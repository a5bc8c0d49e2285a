import type { Key } from '../record/key.ts';

/** A copy that says something else than what it was made from, although its fingerprint says that it is fresh. */
export interface Mismatch {
  readonly at: number;
  readonly from: string;
  readonly into: string;
  /** What the copy should say, and what it says: JSON, cut short. */
  readonly expected: string;
  readonly found: string;
}

/** What the router tells of what it does beside its calls: for logs and alerts. Nothing of it decides anything. */
export interface RouterEvents {
  /** A sampled read found a copy that differs. */
  mismatched?(mismatch: Mismatch): void;
  /** A record was moved on by the call that used it. */
  moved?(from: Key, moves: number): void;
  /** Something beside a call failed. The call itself did not: it has its answer. */
  faltered?(error: unknown): void;
}
