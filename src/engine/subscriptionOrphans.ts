import type { HubSubscription } from '../define/hub.ts';
import { LIMITS } from '../limits.ts';
import type { SubscriptionDocument } from './schemas.ts';
import { type CallbackSide, type Happening, hubPauseMs, isKept } from './subscriptionDocument.ts';
import type { Intent } from './subscriptionSchema.ts';

/**
 * A request whose answer was lost may have made a subscription that nobody knows, and may make it long after it was given
 * up. So whatever is asked of a provider that tells what it has, it is looked for afterwards: with growing pauses, for ten
 * minutes where the first answer was clear, for a day where one was not. It is known by its callback, which is nobody
 * else's, and only at URLs that were asked for under this campaign: what was there before is left alone.
 */

/** With the look that a request makes necessary: stored with its intent, before it is sent. */
export function withLook(document: SubscriptionDocument, { id, side }: Intent, at: number): SubscriptionDocument {
  const { look } = document;
  const sides = [...new Set([...(look?.sides ?? []), side])];
  const isSame = !look || look.intent === id;
  const times = { attempt: 1, at: at + lookPauseMs(1), untilAt: at + LIMITS.hubLateMs };
  return { ...document, look: { ...(isSame ? { intent: id } : {}), sides, ...times } };
}

/** The provider answered the first attempt, and that is all that was asked: nothing is likely to be left. */
export function cleanAnswer(document: SubscriptionDocument, intent: Intent, at: number): SubscriptionDocument {
  const { look } = document;
  if (look?.intent !== intent.id || intent.attempt > 1) return document;
  return { ...document, look: { ...look, untilAt: Math.min(look.untilAt, at + LIMITS.hubVerifyMs) } };
}

const lookPauseMs = (attempt: number): number => Math.min(LIMITS.hubLookMs * 2 ** (attempt - 1), LIMITS.hubLookMostMs);

/** Whether the provider is to be asked what it has. `last`: the old URL is about to be gone, and nobody looks after that. */
export function isLookDue(document: SubscriptionDocument, at: number, last: boolean): boolean {
  const { look, intent } = document;
  if (!look || intent) return false;
  return look.at <= at || (last && !look.failed && isUnseen(document));
}

/** Something may still be left at the old URL, as far as the provider told since that was given up. */
export const isUnseen = ({ look, switchedAt = 0, shape }: SubscriptionDocument): boolean =>
  look !== undefined && (shape === 'swap' || look.sides.includes('old')) && (look.lookedAt ?? 0) < switchedAt;

/** What was found, as the next look and the references to end; `found` is undefined where the provider did not tell. */
export function looked(
  document: SubscriptionDocument,
  found: readonly HubSubscription[] | undefined,
  { at, id }: Happening,
): SubscriptionDocument {
  const { look, ending: _, ...rest } = document;
  if (!look) return document;
  const attempt = look.attempt + 1;
  const seen = { ...look, attempt, failed: !found, ...(found ? { lookedAt: at } : {}) };
  const next = at < look.untilAt ? { ...rest, look: { ...seen, at: at + lookPauseMs(attempt) } } : rest;
  if (!found || document.shape === 'swap') return next;
  for (const side of look.sides) {
    const { adopted, strangers } = orphansAt(next, side, found);
    if (strangers.length > 0) {
      const ending = { id: id(), side, references: strangers, deadlineAt: at + LIMITS.hubAnswerMs };
      // It is looked again soon, whether they are gone.
      return { ...rest, look: { ...seen, at: at + hubPauseMs(attempt) }, ending };
    }
    if (adopted !== undefined) return { ...next, [side]: { ...next[side], reference: adopted } };
  }
  return next;
}

function orphansAt(
  document: SubscriptionDocument,
  side: CallbackSide,
  found: readonly HubSubscription[],
): { readonly adopted?: string; readonly strangers: string[] } {
  const { url, active, reference } = document[side];
  const there = found.filter(({ callback }) => callback === url).map((each) => each.reference);
  if (!isKept(document, side)) return { strangers: there };
  // A list may be behind: unless it shows the one that is known, it says nothing of the others.
  if (!active || (reference !== undefined && !there.includes(reference))) return { strangers: [] };
  const [adopted] = there;
  if (reference === undefined && adopted !== undefined) return { adopted, strangers: there.slice(1) };
  return { strangers: there.filter((each) => each !== reference) };
}

/** Whether the provider that has one URL has the other one than it should, where nothing is under way. */
export function hasStrayed({ state, old, new: its }: SubscriptionDocument, found: readonly HubSubscription[]): boolean {
  const wrong = state === 'switched' ? old.url : state === 'home' || state === 'live' ? its.url : undefined;
  return found.some(({ callback }) => callback === wrong);
}
