import type { HubAnswer } from '../define/hub.ts';
import { LIMITS } from '../limits.ts';
import type { SubscriptionDocument } from './schemas.ts';
import { AWAITED, afterEvent, type Happening, hubPauseMs, isKept } from './subscriptionDocument.ts';
import { cleanAnswer } from './subscriptionOrphans.ts';
import type { Intent } from './subscriptionSchema.ts';

/** What an answer to the pending intent makes of a subscription. */
export function withAnswer(
  document: SubscriptionDocument,
  intent: Intent,
  answer: HubAnswer,
  happening: Happening,
): SubscriptionDocument {
  const { at } = happening;
  const pending = (deadlineAt: number): SubscriptionDocument => ({ ...document, intent: { ...intent, deadlineAt } });
  switch (answer.status) {
    case 'accepted': {
      // Some ask the callback before they answer.
      if (document.shape === 'swap' && document[intent.side].confirmedAt !== undefined)
        return confirmed(document, intent, {}, happening) ?? document;
      const waiting = pending(at + LIMITS.hubVerifyMs);
      return afterEvent(waiting, 'hub.accepted', happening) ?? waiting;
    }
    case 'done':
      if (intent.mode === 'probe') return afterEvent(document, 'url.answered', happening) ?? document;
      return cleanAnswer(confirmed(document, intent, answer, happening) ?? document, intent, at);
    case 'refused': {
      if (answer.again && intent.attempt < LIMITS.hubAttempts)
        return pending(at + Math.max(answer.afterMs ?? 0, hubPauseMs(intent.attempt)));
      return refused(document, answer.cause, happening) ?? document;
    }
    default:
      return pending(at + hubPauseMs(intent.attempt));
  }
}

/** A refusal to subscribe is for a person to look at; one to unsubscribe is an ordinary end. */
function refused(
  document: SubscriptionDocument,
  problem: string,
  happening: Happening,
): SubscriptionDocument | undefined {
  const next = afterEvent(document, 'hub.refused', happening);
  return next && document.intent?.mode !== 'unsubscribe' ? { ...next, problem } : next;
}

export const gaveUp = (document: SubscriptionDocument, happening: Happening) =>
  refused(document, `no answer to ${LIMITS.hubAttempts} requests`, happening);

export type Granted = Partial<Omit<Extract<HubAnswer, { readonly status: 'done' }>, 'status'>>;

/** The hub did this, or asked the callback to confirm it; undefined where that is not what is waited for. */
export function confirmed(
  document: SubscriptionDocument,
  { side, mode }: Pick<Intent, 'side' | 'mode'>,
  granted: Granted,
  happening: Happening,
): SubscriptionDocument | undefined {
  const awaited = AWAITED[document.state];
  if (awaited?.side !== side || awaited.mode !== mode) return undefined;
  const next = afterEvent(document, 'hub.verified', happening);
  if (!next) return undefined;
  const { at } = happening;
  if (mode === 'unsubscribe') {
    const { leaseUntil: _, reference: __, ...rest } = next[side];
    return { ...next, [side]: { ...rest, active: false } };
  }
  const { leaseSeconds, reference } = granted;
  const leaseMs = leaseSeconds === undefined ? undefined : leaseSeconds * 1000;
  const lease = leaseMs === undefined ? {} : { leaseMs, leaseUntil: at + leaseMs };
  const told = withSecret(next, side, granted);
  const other = side === 'old' ? 'new' : 'old';
  return {
    ...told,
    // In its place.
    ...(document.shape === 'swap' ? { [other]: { ...told[other], active: false } } : {}),
    [side]: {
      ...told[side],
      active: true,
      verifiedAt: at,
      ...lease,
      ...(reference === undefined ? {} : { reference }),
    },
  };
}

/**
 * A hub that asks the callback before it answers is taken at the callback's word; what it says beside its answer it may
 * never say again. Undefined where there is nothing of that, or the URL is not wanted any more.
 */
export function alsoTold(
  document: SubscriptionDocument,
  { side, mode }: Intent,
  answer: HubAnswer,
): SubscriptionDocument | undefined {
  if (answer.status !== 'done' || mode !== 'subscribe') return undefined;
  const { reference, secret } = answer;
  const isNew = reference !== undefined && document[side].reference === undefined && isKept(document, side);
  if (!isNew && secret === undefined) return undefined;
  const told = withSecret(document, side, answer);
  return isNew ? { ...told, [side]: { ...told[side], reference } } : told;
}

export function withSecret(
  document: SubscriptionDocument,
  side: 'old' | 'new',
  { secret }: Granted,
): SubscriptionDocument {
  if (secret === undefined) return document;
  const { awaitsSecret: _, secrets, ...its } = document[side];
  return { ...document, [side]: { ...its, secrets: [...secrets.filter((each) => each !== secret), secret] } };
}
