import type { HubAnswer } from '../define/hub.ts';
import { LIMITS } from '../limits.ts';
import type { SubscriptionDocument } from './schemas.ts';
import { type Granted, withSecret } from './subscriptionAnswer.ts';
import { type CallbackSide, type Happening, hubPauseMs, isKept, isUnheard } from './subscriptionDocument.ts';
import type { Intent } from './subscriptionSchema.ts';

/**
 * Leases of what is to stay subscribed are renewed in their last third, beside the journey and whatever state it is in: by
 * subscribing once more, the intent stored first. No answer changes the state; the hub's confirmation brings the new lease.
 */

/** The subscription with the renewal that is due, to be stored and then asked for. */
export function withRenewal(document: SubscriptionDocument, { at, id }: Happening): SubscriptionDocument | undefined {
  const { renewal } = document;
  if (renewal && at < renewal.deadlineAt) return undefined;
  const side = (['old', 'new'] as const).find((each) => isDue(document, each, at));
  if (!side) return undefined;
  const again = renewal?.side === side ? renewal : undefined;
  const intent: Intent = {
    id: again?.id ?? id(),
    mode: 'subscribe',
    side,
    attempt: (again?.attempt ?? 0) + 1,
    deadlineAt: at + LIMITS.hubAnswerMs,
  };
  return { ...document, renewal: intent };
}

/** Near its end; or it may never have begun, where asking again makes no second one. */
function isDue(document: SubscriptionDocument, side: CallbackSide, at: number): boolean {
  if (document[side].reference === undefined && isUnheard(document, side, at)) return true;
  const { active, leaseUntil, leaseMs = LIMITS.hubLeaseMs } = document[side];
  return active && leaseUntil !== undefined && isKept(document, side) && leaseUntil - at < leaseMs / 3;
}

/** The subscription with what the hub answered to the renewal. */
export function renewalAnswered(
  document: SubscriptionDocument,
  renewal: Intent,
  answer: HubAnswer,
  at: number,
): SubscriptionDocument {
  const until = (deadlineAt: number) => ({ ...document, renewal: { ...renewal, deadlineAt } });
  switch (answer.status) {
    case 'accepted': {
      // Of the last third of a short lease there is enough left to ask again, twice.
      const { leaseMs = LIMITS.hubLeaseMs } = document[renewal.side];
      return until(at + Math.min(LIMITS.hubVerifyMs, leaseMs / 9));
    }
    case 'done':
      return granted(withTold(document, renewal.side, answer), renewal.side, answer.leaseSeconds, at);
    default:
      return until(at + hubPauseMs(renewal.attempt));
  }
}

/** Some make another subscription, with a name and a secret of its own, and let the one before end. */
function withTold(document: SubscriptionDocument, side: CallbackSide, answer: Granted): SubscriptionDocument {
  const told = withSecret(document, side, answer);
  const { reference } = answer;
  return reference === undefined ? told : { ...told, [side]: { ...told[side], reference } };
}

/** The hub granted, or confirmed, a lease to a URL that it posts to already. */
export function granted(
  document: SubscriptionDocument,
  side: CallbackSide,
  leaseSeconds: number | undefined,
  at: number,
): SubscriptionDocument {
  const { renewal, ...rest } = document;
  const kept = renewal && renewal.side !== side ? { renewal } : {};
  // It begins to deliver now, if it does: what is waited for is counted from here.
  const anew = isUnheard(document, side, at) ? { verifiedAt: at } : {};
  const lease =
    leaseSeconds === undefined ? {} : { leaseMs: leaseSeconds * 1000, leaseUntil: at + leaseSeconds * 1000 };
  return { ...rest, ...kept, [side]: { ...rest[side], ...anew, ...lease } };
}
