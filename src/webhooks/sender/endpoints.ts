import type { Clock } from '../../clock.ts';
import { attempts, load, nameOfText, save } from '../../engine/documents.ts';
import type { SubscriptionDocument } from '../../engine/schemas.ts';
import { lastSide, subscriptionKey } from '../../engine/subscriptionDocument.ts';
import { LIMITS } from '../../limits.ts';
import type { Store } from '../../store/store.ts';
import type { Side } from '../callbacks.ts';
import { decodeDelivery, deliveryContent, SENDING } from '../deliveries.ts';

/** Where a subscriber's events go, and what signs them: several secrets while one is changed for another. */
export interface Endpoint {
  readonly url: string;
  readonly secret: string | readonly string[];
}

/** What is in retry at one side of a subscriber; short enough for an index. */
export const retryAtOf = (subscriber: string, side: Side): string => `${side} ${nameOfText(subscriber)}`;

/**
 * Whether nothing waits any more for another attempt at this side. What does is not let wait: should its pause not be cut
 * short, for somebody is at it just now, it is at the next look, or has ended by itself.
 */
export async function drain(store: Store, subscriber: string, side: Side): Promise<boolean> {
  const value = { type: 'string', value: retryAtOf(subscriber, side) } as const;
  const { entities } = await store.find({ namespace: '', kind: SENDING }, 'retryAt', value, LIMITS.deliveryPage);
  const pausing = entities.map(decodeDelivery).filter((each) => each.value.notBefore !== undefined);
  if (pausing.length > 0)
    await store.commit(
      pausing.map(({ key, version, value: { notBefore: _, ...now }, body }) => {
        return { op: 'update', key, version, content: deliveryContent(now, body) };
      }),
    );
  return entities.length === 0;
}

export async function journeyOf(store: Store, subscriber: string): Promise<SubscriptionDocument | undefined> {
  return (await load(store, 'subscription', subscriptionKey(subscriber)))?.value;
}

/**
 * The endpoint of one side. At both ends of a journey the application's own word is newer than what a campaign has stored,
 * but one that still names the old URL when all is over.
 */
export function endpointOn(
  document: SubscriptionDocument | undefined,
  side: Side,
  own: Endpoint | undefined,
): Endpoint | undefined {
  if (!document || document.state === 'home') return own;
  if (document.state === 'settled' && own && own.url !== document.old.url) return own;
  const { url, secrets } = document[side];
  return secrets.length > 0 || !own ? { url, secret: secrets } : { url, secret: own.secret };
}

const ON_TRIAL = ['overlapping', 'proven', 'returning'];

/**
 * Notes what became of an attempt at an endpoint on trial. The first success with nothing held back from it proves it, and
 * needs a write; failures begin its share anew, and are noted once a second.
 */
export async function noteTrial(
  store: Store,
  clock: Clock,
  known: SubscriptionDocument,
  side: Side,
  outcome: 'delivered' | 'failed',
): Promise<void> {
  if (!noted(known, side, outcome, clock.now())) return;
  const key = subscriptionKey(known.source);
  await attempts(clock, key, undefined, async () => {
    const stored = await load(store, 'subscription', key);
    const next = stored && noted(stored.value, side, outcome, clock.now());
    if (!next) return { done: undefined };
    const saved = await save<'subscription'>(store, key, next, stored.version);
    return saved.status === 'applied' ? { done: undefined } : saved;
  });
}

function noted(
  document: SubscriptionDocument,
  side: Side,
  outcome: 'delivered' | 'failed',
  now: number,
): SubscriptionDocument | undefined {
  if (!ON_TRIAL.includes(document.state) || lastSide(document) !== side) return undefined;
  const { verifiedAt = 0, deliveredAt = 0, failedAt = 0 } = document[side];
  const isKnown =
    outcome === 'delivered'
      ? deliveredAt > Math.max(verifiedAt, failedAt)
      : failedAt >= deliveredAt && now - failedAt < LIMITS.sendNoteMs;
  if (isKnown) return undefined;
  const at = outcome === 'delivered' ? { deliveredAt: now } : { failedAt: now };
  return { ...document, [side]: { ...document[side], ...at } };
}
