import type { Target } from '../../machines/moves.ts';
import type { SubscriptionEvent, SubscriptionState } from '../../machines/subscription.ts';
import type { SwapState } from '../../machines/swap.ts';
import type { Hub } from '../define/hub.ts';
import type { SubscriptionTerms } from '../define/subscription.ts';
import { LIMITS } from '../limits.ts';
import { Key } from '../record/key.ts';
import { subscriptionStep, swapStep } from './decide.ts';
import { KINDS, nameOfText } from './documents.ts';
import type { SubscriptionDocument } from './schemas.ts';
import type { Intent } from './subscriptionSchema.ts';

/**
 * What is stored of a subscription: where it is on its journey, what was asked of its hub and until when an answer is
 * waited for. One entity each, beside the record that it is of, for a record's own writers must not undo it; and one for
 * each of its two paths, by which a receiver finds it.
 */
export const subscriptionKey = (source: string): Key => Key.of([{ kind: KINDS.subscription, id: nameOfText(source) }]);

export const callbackKey = (path: string): Key => Key.of([{ kind: KINDS.callback, id: nameOfText(path) }]);

/** Beside the subscription, and not in it: whoever forges deliveries must not be in a worker's way. */
export const suspicionKey = (source: string): Key => Key.of([{ kind: KINDS.suspicion, id: nameOfText(source) }]);

export type CallbackSide = 'old' | 'new';

/** Where the journey begins: the old URL is subscribed, by whatever was there before. */
export function subscriptionAtHome(
  of: Pick<SubscriptionDocument, 'campaign' | 'rule' | 'source' | 'hub' | 'topic' | 'protocol'>,
  terms: SubscriptionTerms,
  { shape, makesSecret = false }: Pick<Hub, 'shape' | 'makesSecret'> = { shape: 'overlap' },
): SubscriptionDocument {
  const { oldSecret, oldLeaseUntil, oldReference, tenant = '' } = terms;
  const isSwap = shape === 'swap';
  // What is one at the provider has one name there, and one secret unless the author says otherwise.
  const newSecret = terms.newSecret ?? (isSwap ? oldSecret : undefined);
  const reference = oldReference === undefined ? {} : { reference: oldReference };
  const lease = terms.leaseSeconds === undefined ? {} : { leaseMs: terms.leaseSeconds * 1000 };
  return {
    v: 1,
    ...of,
    state: 'home',
    ...(isSwap ? { shape } : {}),
    scope: `${tenant} ${of.topic}`,
    old: {
      url: terms.old,
      secrets: oldSecret === undefined ? [] : [oldSecret],
      active: true,
      ...(oldLeaseUntil === undefined ? {} : { leaseUntil: oldLeaseUntil }),
      ...reference,
      ...lease,
    },
    new: {
      url: terms.new,
      secrets: newSecret === undefined ? [] : [newSecret],
      active: false,
      ...(isSwap ? reference : {}),
      ...(makesSecret && newSecret === undefined ? { awaitsSecret: true } : {}),
      ...lease,
    },
    seq: 0,
    journal: [],
  };
}

/** Who lets an event happen, and when. */
export interface Happening {
  readonly at: number;
  readonly by: string;
  /** For a new intent. */
  readonly id: () => string;
}

/**
 * The subscription after an event, with the intent that the machine asks for; undefined where the event means nothing. It
 * is written by compare-and-set, and only then is anything asked.
 */
export function afterEvent(
  before: SubscriptionDocument,
  event: SubscriptionEvent['type'],
  { at, by, id }: Happening,
): SubscriptionDocument | undefined {
  const decision = decisionOf(before, event);
  if (!decision) return undefined;
  const { intent: pending, problem: _, fetch: __, ...rest } = before;
  const [effect] = decision.effects;
  const seq = before.seq + 1;
  const journal = [...before.journal, { seq, what: `${event}: ${before.state} -> ${decision.next}`, at, by }];
  const next: SubscriptionDocument = {
    ...rest,
    state: decision.next,
    seq,
    journal: journal.slice(-LIMITS.journalEntries),
    ...(decision.next === 'draining' ? { switchedAt: at } : {}),
  };
  if (effect?.type === 'ask') {
    const { mode, side } = effect;
    const again = pending?.mode === mode && pending.side === side;
    const intent: Intent = {
      id: again ? pending.id : id(),
      mode,
      side,
      attempt: again ? pending.attempt + 1 : 1,
      deadlineAt: at + LIMITS.hubAnswerMs,
    };
    // What is given up is not renewed any more.
    const { renewal, ...unrenewed } = next;
    const drops = mode === 'unsubscribe' && renewal?.side === side;
    const { confirmedAt: ___, ...its } = next[side];
    return { ...(drops ? unrenewed : next), [side]: its, intent };
  }
  // An answer that is still to come, to what was asked before, is waited for.
  return event === 'hub.accepted' && pending ? { ...next, intent: pending } : next;
}

const decisionOf = ({ shape, state }: SubscriptionDocument, event: SubscriptionEvent['type']) =>
  shape === 'swap' ? swapStep(state as SwapState, event) : subscriptionStep(state as SubscriptionState, event);

/** How long after an attempt the next one: doubled each time. */
export const hubPauseMs = (attempt: number): number =>
  Math.min(LIMITS.hubPauseMs * 2 ** (attempt - 1), LIMITS.hubPauseMostMs);

/** Whether the hub may ask this callback to confirm, by what is stored: all else is answered with 404. */
export function mayConfirm(
  document: Pick<SubscriptionDocument, 'state'>,
  side: CallbackSide,
  mode: 'subscribe' | 'unsubscribe',
): boolean {
  // Hubs that refresh by themselves would revive what was given up.
  if (mode === 'subscribe') return isKept(document, side);
  return (side === 'old' ? LEAVING_OLD : LEAVING_NEW).includes(document.state);
}

/** Whether the hub is to go on posting to this side. */
export function isKept({ state }: Pick<SubscriptionDocument, 'state'>, side: CallbackSide): boolean {
  return (side === 'old' ? KEEPING_OLD : KEEPING_NEW).includes(state);
}

/** Which side was subscribed last, where the hub posts to both. */
export const lastSide = ({ old, new: its }: SubscriptionDocument): CallbackSide =>
  (old.verifiedAt ?? 0) > (its.verifiedAt ?? 0) ? 'old' : 'new';

/**
 * Whether the hub posts to one URL and, long since it was confirmed, not to the other: it may never have heard that.
 */
export function isUnheard(document: SubscriptionDocument, side: CallbackSide, at: number): boolean {
  if (!PROVING.includes(document.state) || side !== lastSide(document)) return false;
  const { verifiedAt = 0, deliveredAt = 0 } = document[side];
  const other = document[side === 'old' ? 'new' : 'old'].deliveredAt ?? 0;
  return deliveredAt <= verifiedAt && other > verifiedAt && at - verifiedAt >= LIMITS.hubUnheardMs;
}

/** What the hub is to confirm, by its answer or at the callback, where it is waited for. */
export const AWAITED: Partial<Record<State, Pick<Intent, 'mode' | 'side'>>> = {
  subscribing: { mode: 'subscribe', side: 'new' },
  verifying: { mode: 'subscribe', side: 'new' },
  unsubscribing: { mode: 'unsubscribe', side: 'old' },
  lapsing: { mode: 'unsubscribe', side: 'old' },
  resubscribing: { mode: 'subscribe', side: 'old' },
  reverifying: { mode: 'subscribe', side: 'old' },
  withdrawing: { mode: 'unsubscribe', side: 'new' },
  swapping: { mode: 'subscribe', side: 'new' },
  confirming: { mode: 'subscribe', side: 'new' },
  restoring: { mode: 'subscribe', side: 'old' },
  reconfirming: { mode: 'subscribe', side: 'old' },
};

/** A delivery there failed, none has succeeded since, and it is not quiet either. */
export const fails = ({ failedAt, deliveredAt = 0 }: SubscriptionDocument['new'], now: number, quietMs: number) =>
  failedAt !== undefined && failedAt >= deliveredAt && now - failedAt < quietMs;

/** Whether a subscription that is wanted at `target` has come to it. An old one that lapses is given up. */
export const restsAt = (state: State, target: Target): boolean => RESTS[target].includes(state);

const RESTS: Readonly<Record<Target, readonly State[]>> = {
  home: ['home'],
  copied: ['proven', 'live'],
  switched: ['switched', 'lapsing'],
  completed: ['settled'],
};

type State = SubscriptionDocument['state'];
// Afterwards too: a hub that did not hear the answer asks again, and would go on posting if it were told no.
const LEAVING_OLD: readonly State[] = ['unsubscribing', 'lapsing', 'draining', 'switched', 'settled'];
const LEAVING_NEW: readonly State[] = ['withdrawing', 'home'];
const PROVING: readonly State[] = ['overlapping', 'returning'];
const BOTH: readonly State[] = [...PROVING, 'proven'];
const SWAPPABLE: readonly State[] = ['live', 'swapping', 'doubtful', 'restoring', 'reconfirming'];
const KEEPING_OLD: readonly State[] = [
  'home',
  'subscribing',
  'verifying',
  ...BOTH,
  'resubscribing',
  'reverifying',
  'probing',
  ...SWAPPABLE,
];
const KEEPING_NEW: readonly State[] = [
  'subscribing',
  'verifying',
  ...BOTH,
  'unsubscribing',
  'lapsing',
  'draining',
  'switched',
  'settled',
  'resubscribing',
  'reverifying',
  'probing',
  ...SWAPPABLE,
  'confirming',
];
