import { hash } from 'node:crypto';
import type { SubscriptionState } from '../../../machines/subscription.ts';
import type { SubscriptionDocument } from '../../engine/schemas.ts';
import { lastSide } from '../../engine/subscriptionDocument.ts';
import { LIMITS } from '../../limits.ts';
import type { Side } from '../callbacks.ts';

/** How the share of events that go to an endpoint on trial grows: the first, then so many times as much at each interval. */
export interface ShareRamp {
  /** Percent, over 0. */
  readonly start: number;
  /** Over 1. */
  readonly growth: number;
  readonly intervalMs: number;
}

export const SHARE_RAMP: ShareRamp = {
  start: LIMITS.shareStart,
  growth: LIMITS.shareGrowth,
  intervalMs: LIMITS.shareIntervalMs,
};

/** Percent of the events that go to the endpoint on trial, so many milliseconds after its trial began. */
export const shareAt = ({ start, growth, intervalMs }: ShareRamp, ms: number): number =>
  Math.min(100, start * growth ** Math.floor(Math.max(0, ms) / intervalMs));

/** Where an event goes: first, and then, if that fails. */
export interface Route {
  readonly to: Side;
  readonly orElse?: Side;
  /** `to` is on trial, and this is its share: what becomes of the attempt is noted. */
  readonly share?: number;
}

type Row =
  | { readonly to: Side }
  /** Both are live; the first is on trial, for a share of the events. */
  | { readonly trial: Side | 'last' }
  /** All that is new goes to the first; what is in retry at the other one is tried there once more. */
  | { readonly to: Side; readonly drain: Side };

/**
 * Where events go, state by state of the subscription's journey. An endpoint on trial always has the other one behind it;
 * one that was given up gets only what it may have received already.
 */
const ROWS: Readonly<Record<SubscriptionState, Row>> = {
  home: { to: 'old' },
  /** It has not answered its challenge yet: it does not count. */
  subscribing: { to: 'old' },
  verifying: { to: 'old' },
  overlapping: { trial: 'new' },
  proven: { trial: 'last' },
  unsubscribing: { to: 'new', drain: 'old' },
  lapsing: { to: 'new', drain: 'old' },
  draining: { to: 'new', drain: 'old' },
  switched: { to: 'new' },
  settled: { to: 'new' },
  resubscribing: { to: 'new' },
  reverifying: { to: 'new' },
  returning: { trial: 'old' },
  withdrawing: { to: 'old' },
};

const other = (side: Side): Side => (side === 'old' ? 'new' : 'old');

export interface Asked {
  /** The event's. */
  readonly id: string;
  /** Where it may have been received already. */
  readonly retryAt: Side | undefined;
}

/** Decides by what is stored, and by nothing else: every sender comes to the same. */
export function routeOf(document: SubscriptionDocument, { id, retryAt }: Asked, ramp: ShareRamp, now: number): Route {
  // Two endpoints stand side by side at a sender: there is no other journey.
  const row = ROWS[document.state as SubscriptionState];
  if ('drain' in row) return retryAt === row.drain ? { to: row.drain, orElse: row.to } : { to: row.to };
  if ('to' in row) return { to: row.to };
  const trial = row.trial === 'last' ? lastSide(document) : row.trial;
  const { verifiedAt = 0, failedAt = 0 } = document[trial];
  const share = shareAt(ramp, now - Math.max(verifiedAt, failedAt));
  return placeOf(id) < share ? { to: trial, orElse: other(trial), share } : { to: other(trial) };
}

/** A stable place in [0, 100) for an event, so that it stays on its side while the share grows over others. */
function placeOf(id: string): number {
  return (Number.parseInt(hash('sha1', id, 'hex').slice(0, 8), 16) / 2 ** 32) * 100;
}
