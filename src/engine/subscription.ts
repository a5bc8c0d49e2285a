import type { Target } from '../../machines/moves.ts';
import type { SubscriptionEvent } from '../../machines/subscription.ts';
import type { Clock } from '../clock.ts';
import type { Fetched, Hub, HubAnswer, HubRequest } from '../define/hub.ts';
import type { SubscriptionRule } from '../define/subscription.ts';
import { messageOf } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Store } from '../store/store.ts';
import { load, type Stored, save } from './documents.ts';
import { type Fence, Fenced } from './fence.ts';
import type { Intent, SubscriptionDocument } from './schemas.ts';
import { AWAITED, afterEvent, type Happening, hubPauseMs, lastSide } from './subscriptionDocument.ts';
import { renewalAnswered, withRenewal } from './subscriptionLease.ts';

/**
 * Takes one subscription as far towards its target as it goes just now. The intent is stored before each request, so a
 * crash after it is found by its deadline, and the same is asked again. An answer counts only for the intent that it is of:
 * what was asked under an earlier one, and is answered late, changes nothing here; what it changed at the hub, the hub
 * would have to have confirmed at a callback, which refuses what is not wanted any more.
 */
export interface Handling {
  readonly store: Store;
  readonly clock: Clock;
  readonly worker: string;
  readonly rule: Pick<SubscriptionRule, 'hub' | 'quietMs'>;
  readonly fence: Pick<Fence, 'check' | 'renew' | 'guard'>;
  /** Takes in what a topic says now, as if it had been delivered; how much of it was new. */
  readonly takeIn?: ((subscription: SubscriptionDocument, fetched: Fetched) => Promise<number>) | undefined;
}

export type Arrival =
  | { readonly status: 'rest'; readonly moves: number; readonly document: SubscriptionDocument }
  /** For an answer, a confirmation, a delivery or a lease. */
  | { readonly status: 'waiting'; readonly moves: number; readonly document: SubscriptionDocument }
  | { readonly status: 'refused'; readonly moves: number; readonly cause: string };

/** `targetIn` is asked at each step: by group, what somebody else has taken further meanwhile is wanted further. */
export async function bringSubscription(
  begun: Stored<'subscription'>,
  targetIn: (state: SubscriptionDocument['state']) => Target,
  handling: Handling,
): Promise<Arrival> {
  let stored = begun;
  for (let moves = 0; moves < LIMITS.hubSteps; moves++) {
    const document = stored.value;
    const event = await nextEvent(document, targetIn(document.state), handling);
    if (event === 'rest' || event === 'waiting') {
      await renew(stored, handling);
      return { status: event, moves, document };
    }
    const next =
      event === 'hub.refused' ? gaveUp(document, handling) : afterEvent(document, event, happening(handling));
    const written = next && (await write(stored, next, handling));
    if (!written) return { status: 'waiting', moves, document };
    stored = isAsked(next, document) ? await asked(written, handling) : written;
    const { problem } = stored.value;
    if (problem !== undefined) return { status: 'refused', moves, cause: problem };
  }
  return { status: 'waiting', moves: LIMITS.hubSteps, document: stored.value };
}

/** Whether there is a request to make, after what was stored. */
const isAsked = ({ intent }: SubscriptionDocument, { intent: before }: SubscriptionDocument): boolean =>
  intent !== undefined && (intent.id !== before?.id || intent.attempt !== before.attempt);

const happening = ({ clock, worker }: Handling): Happening => ({
  at: clock.now(),
  by: worker,
  id: () => clock.id(8),
});

async function renew(stored: Stored<'subscription'>, handling: Handling): Promise<void> {
  const due = withRenewal(stored.value, happening(handling));
  const written = due && (await write(stored, due, handling));
  if (!written) return;
  const { renewal } = written.value;
  const answer = await answerOf(handling.rule.hub, requestOf(written.value, renewal!), 'subscribe');
  await amended(written, handling, (now) =>
    now.renewal?.id === renewal!.id ? renewalAnswered(now, now.renewal, answer, handling.clock.now()) : undefined,
  );
}

/** By compare-and-set; undefined when somebody else was faster, or may have been: then the next visit sees. */
async function write(
  before: Stored<'subscription'>,
  value: SubscriptionDocument,
  { store, fence }: Handling,
): Promise<Stored<'subscription'> | undefined> {
  await fence.renew();
  fence.check();
  const saved = await save<'subscription'>(store, before.key, value, before.version, fence.guard);
  if (saved.status === 'fenced') throw new Fenced();
  return saved.status === 'applied' ? { key: before.key, value, version: saved.version } : undefined;
}

type Next = SubscriptionEvent['type'] | 'rest' | 'waiting';

/** What has happened to it, or is to: the operator's wish first. */
async function nextEvent(document: SubscriptionDocument, target: Target, handling: Handling): Promise<Next> {
  const { state, intent } = document;
  if (wants(document, target, handling)) return `want.${target}`;
  const now = handling.clock.now();
  switch (state) {
    case 'overlapping':
    case 'returning':
      return (await isProven(document, handling)) ? 'proved' : 'waiting';
    case 'draining':
      return (await takeIn(document, handling)) === undefined ? 'waiting' : 'drained';
    case 'unsubscribing':
    case 'lapsing':
    case 'withdrawing': {
      const side = state === 'withdrawing' ? document.new : document.old;
      if (side.leaseUntil !== undefined && side.leaseUntil <= now) return 'lease.ended';
      // Nothing is known that could end, and nothing is asked any more.
      if (state === 'lapsing' && side.leaseUntil === undefined && !intent) return 'lease.ended';
      // That it will end is all that is asked of it, until the old URL is to go.
      if (state === 'lapsing' && side.leaseUntil !== undefined) return target === 'switched' ? 'rest' : 'waiting';
      break;
    }
    default:
  }
  if (!intent) return 'rest';
  if (now < intent.deadlineAt) return 'waiting';
  if (intent.attempt < LIMITS.hubAttempts) return 'deadline.passed';
  // To no more deliveries nobody can hold a hub for ever: what still comes is taken in once, as all else.
  return state === 'lapsing' ? 'lease.ended' : 'hub.refused';
}

const wants = (document: SubscriptionDocument, target: Target, handling: Handling): boolean =>
  afterEvent(document, `want.${target}`, happening(handling)) !== undefined;

/**
 * Both URLs are subscribed. The one that came last is good when it has delivered, or there is nothing to deliver. The
 * other has to have delivered since, too: whoever ends it while something waits there to be sent again loses that, and what
 * is older than its successor waits nowhere else.
 */
async function isProven(document: SubscriptionDocument, handling: Handling): Promise<boolean> {
  const now = handling.clock.now();
  const side = lastSide(document);
  const other = document[side === 'old' ? 'new' : 'old'];
  const { verifiedAt: since = 0, deliveredAt = 0 } = document[side];
  const delivered = deliveredAt > since;
  const heardAt = other.deliveredAt ?? 0;
  const isThrough = !isLive(other, now) || heardAt > since;
  if (!(delivered && isThrough && now - Math.max(heardAt, deliveredAt) >= LIMITS.hubBacklogMs)) {
    // It is not quiet where the other delivers.
    if (now - since < handling.rule.quietMs || (!delivered && heardAt > since)) return false;
  }
  const news = await takeIn(document, handling);
  return news === 0 || (delivered && news !== undefined);
}

/** Whether anything is to be heard of it: of what is not signed a receiver does not tell. */
const isLive = ({ active, leaseUntil, secrets }: SubscriptionDocument['old'], now: number): boolean =>
  active && secrets.length > 0 && (leaseUntil === undefined || leaseUntil > now);

/**
 * What was published while the hub may have had no URL, or not the one it should, is found in the topic itself. How much
 * of it was new; undefined when nobody can say.
 */
async function takeIn(document: SubscriptionDocument, { rule, takeIn }: Handling): Promise<number | undefined> {
  const { hub } = rule;
  if (!hub.fetch || !takeIn) return 0;
  // A topic that does not answer is asked again at the next visit.
  const fetched = await hub.fetch(document.topic).catch(() => undefined);
  return fetched && takeIn(document, fetched);
}

/** Asks what the stored intent says, and stores the answer. */
async function asked(stored: Stored<'subscription'>, handling: Handling): Promise<Stored<'subscription'>> {
  const { value } = stored;
  const intent = value.intent!;
  const answer = await answerOf(handling.rule.hub, requestOf(value, intent), intent.mode);
  return amended(stored, handling, (now) => {
    const pending = now.intent;
    const isOfThis = pending?.id === intent.id && pending.attempt === intent.attempt;
    return isOfThis ? withAnswer(now, pending, answer, handling) : undefined;
  });
}

async function answerOf(hub: Hub, request: HubRequest, mode: Intent['mode']): Promise<HubAnswer> {
  try {
    return await (mode === 'subscribe' ? hub.subscribe(request) : hub.unsubscribe(request));
  } catch (error) {
    return { status: 'unknown', cause: messageOf(error) };
  }
}

function requestOf(document: SubscriptionDocument, { id, side }: Intent): HubRequest {
  const { hub, topic } = document;
  const { url: callback, secrets, leaseMs, reference } = document[side];
  const secret = secrets[secrets.length - 1];
  return {
    hub,
    topic,
    callback,
    intent: id,
    ...(secret === undefined ? {} : { secret }),
    ...(leaseMs === undefined ? {} : { leaseSeconds: Math.ceil(leaseMs / 1000) }),
    ...(reference === undefined ? {} : { reference }),
  };
}

/** The hub may have asked the callback meanwhile, which wrote here: then what stands there now is changed. */
async function amended(
  asked: Stored<'subscription'>,
  handling: Handling,
  change: (now: SubscriptionDocument) => SubscriptionDocument | undefined,
): Promise<Stored<'subscription'>> {
  let stored = asked;
  for (let attempt = 0; attempt < LIMITS.hubSteps; attempt++) {
    const next = change(stored.value);
    const written = next && (await write(stored, next, handling));
    if (!next) return stored;
    if (written) return written;
    const again = await load(handling.store, 'subscription', stored.key);
    if (!again) return stored;
    stored = again;
  }
  return stored;
}

function withAnswer(
  document: SubscriptionDocument,
  intent: Intent,
  answer: HubAnswer,
  handling: Handling,
): SubscriptionDocument {
  const { clock } = handling;
  const now = clock.now();
  const pending = (deadlineAt: number): SubscriptionDocument => ({ ...document, intent: { ...intent, deadlineAt } });
  switch (answer.status) {
    case 'accepted': {
      const waiting = pending(now + LIMITS.hubVerifyMs);
      return afterEvent(waiting, 'hub.accepted', happening(handling)) ?? waiting;
    }
    case 'done':
      return confirmed(document, intent, answer, happening(handling)) ?? document;
    case 'refused': {
      if (answer.again && intent.attempt < LIMITS.hubAttempts)
        return pending(now + Math.max(answer.afterMs ?? 0, hubPauseMs(intent.attempt)));
      return refused(document, answer.cause, handling) ?? document;
    }
    default:
      return pending(now + hubPauseMs(intent.attempt));
  }
}

/** A refusal to subscribe is for a person to look at; one to unsubscribe is an ordinary end. */
function refused(
  document: SubscriptionDocument,
  problem: string,
  handling: Handling,
): SubscriptionDocument | undefined {
  const next = afterEvent(document, 'hub.refused', happening(handling));
  return next && document.intent?.mode === 'subscribe' ? { ...next, problem } : next;
}

const gaveUp = (document: SubscriptionDocument, handling: Handling) =>
  refused(document, `no answer to ${LIMITS.hubAttempts} requests`, handling);

type Granted = Partial<Omit<Extract<HubAnswer, { readonly status: 'done' }>, 'status'>>;

/** The hub did this, or asked the callback to confirm it; undefined where that is not what is waited for. */
export function confirmed(
  document: SubscriptionDocument,
  { side, mode }: Pick<Intent, 'side' | 'mode'>,
  { leaseSeconds, reference, secret }: Granted,
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
  const leaseMs = leaseSeconds === undefined ? undefined : leaseSeconds * 1000;
  const lease = leaseMs === undefined ? {} : { leaseMs, leaseUntil: at + leaseMs };
  const secrets = secret === undefined ? next[side].secrets : [...next[side].secrets, secret];
  return {
    ...next,
    [side]: {
      ...next[side],
      active: true,
      verifiedAt: at,
      secrets,
      ...lease,
      ...(reference === undefined ? {} : { reference }),
    },
  };
}
