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
import type { SubscriptionDocument } from './schemas.ts';
import { alsoTold, confirmed, gaveUp, withAnswer } from './subscriptionAnswer.ts';
import { AWAITED, afterEvent, type Happening } from './subscriptionDocument.ts';
import { renewalAnswered, withRenewal } from './subscriptionLease.ts';
import { happening, nextEvent } from './subscriptionNext.ts';
import { withLook } from './subscriptionOrphans.ts';
import type { Intent } from './subscriptionSchema.ts';

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
  readonly rule: Pick<SubscriptionRule, 'hub' | 'quietMs' | 'keepOldMs'>;
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
  let moves = 0;
  for (let step = 0; step < LIMITS.hubSteps; step++) {
    const document = stored.value;
    const event = await nextEvent(document, targetIn(document.state), handling);
    if (event === 'rest' || event === 'waiting') {
      await renew(stored, handling);
      return { status: event, moves, document };
    }
    const written = await rebased(stored, handling, (now) =>
      typeof event === 'object' ? event.change(now) : following(now, event, handling),
    );
    if (!written) return { status: 'waiting', moves, document };
    if (typeof event === 'string') moves++;
    stored = await done(written, document, handling);
    const { problem } = stored.value;
    if (problem !== undefined) return { status: 'refused', moves, cause: problem };
  }
  return { status: 'waiting', moves, document: stored.value };
}

function following(document: SubscriptionDocument, event: SubscriptionEvent['type'], handling: Handling) {
  const { clock, rule } = handling;
  const now = happening(handling);
  const next = nextBy(document, event, now);
  const asks = next?.intent?.mode === 'subscribe' && isAsked(next, document);
  return asks && rule.hub.list ? withLook(next, next.intent!, clock.now()) : next;
}

function nextBy(document: SubscriptionDocument, event: SubscriptionEvent['type'], now: Happening) {
  if (event === 'hub.refused') return gaveUp(document, now);
  const awaited = event === 'hub.verified' ? AWAITED[document.state] : undefined;
  return awaited ? confirmed(document, awaited, {}, now) : afterEvent(document, event, now);
}

/** What was stored as about to be asked is asked. */
async function done(
  stored: Stored<'subscription'>,
  before: SubscriptionDocument,
  handling: Handling,
): Promise<Stored<'subscription'>> {
  const { ending } = stored.value;
  if (ending && ending.id !== before.ending?.id) return ended(stored, ending, handling);
  return isAsked(stored.value, before) ? asked(stored, handling) : stored;
}

/** Whether there is a request to make, after what was stored. */
const isAsked = ({ intent }: SubscriptionDocument, { intent: before }: SubscriptionDocument): boolean =>
  intent !== undefined && (intent.id !== before?.id || intent.attempt !== before.attempt);

/** Beside the journey, and of one that is set aside, too: what is live is to stay so. */
export async function renew(stored: Stored<'subscription'>, handling: Handling): Promise<void> {
  const { hub } = handling.rule;
  const due = withRenewal(stored.value, happening(handling));
  const next = due && hub.list ? withLook(due, due.renewal!, handling.clock.now()) : due;
  const written = next && (await write(stored, next, handling));
  if (!written) return;
  const { renewal } = written.value;
  const answer = await answerOf(hub, requestOf(written.value, renewal!), 'subscribe');
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

/** Asks what the stored intent says, and stores the answer. */
async function asked(stored: Stored<'subscription'>, handling: Handling): Promise<Stored<'subscription'>> {
  const { value } = stored;
  const intent = value.intent!;
  const answer = await answerOf(handling.rule.hub, requestOf(value, intent), intent.mode);
  return amended(stored, handling, (now) => {
    const pending = now.intent;
    const isOfThis = pending?.id === intent.id && pending.attempt === intent.attempt;
    return isOfThis ? withAnswer(now, pending, answer, happening(handling)) : alsoTold(now, intent, answer);
  });
}

async function answerOf(hub: Hub, request: HubRequest, mode: Intent['mode']): Promise<HubAnswer> {
  try {
    if (mode === 'probe') return await hub.probe!(request);
    return withoutSecret(await (mode === 'subscribe' ? hub.subscribe(request) : hub.unsubscribe(request)), request);
  } catch (error) {
    return withoutSecret({ status: 'unknown', cause: messageOf(error) }, request);
  }
}

/** Some say again what they were sent; what they say is listed, and logged. */
function withoutSecret(answer: HubAnswer, { secret }: HubRequest): HubAnswer {
  if (!secret || answer.status === 'accepted' || answer.status === 'done') return answer;
  return { ...answer, cause: answer.cause.replaceAll(secret, '…') };
}

/** Ends what nobody wants, by its names and nothing else. Whether that came to be is seen at the next look. */
async function ended(
  stored: Stored<'subscription'>,
  { id, side, references }: NonNullable<SubscriptionDocument['ending']>,
  handling: Handling,
): Promise<Stored<'subscription'>> {
  const request = requestOf(stored.value, { id, side });
  for (const reference of references)
    await answerOf(handling.rule.hub, { ...request, reference, intent: `${id}-${reference}` }, 'unsubscribe');
  return amended(stored, handling, ({ ending, ...now }) => (ending?.id === id ? now : undefined));
}

function requestOf(document: SubscriptionDocument, { id, side }: Pick<Intent, 'id' | 'side'>): HubRequest {
  const { hub, topic } = document;
  const { url: callback, secrets, leaseMs, reference } = document[side];
  const secret = secrets[secrets.length - 1];
  return {
    hub,
    topic,
    callback,
    intent: id,
    subscription: document.source,
    side,
    ...(secret === undefined ? {} : { secret }),
    ...(leaseMs === undefined ? {} : { leaseSeconds: Math.ceil(leaseMs / 1000) }),
    ...(reference === undefined ? {} : { reference }),
  };
}

/** Whatever a receiver notes beside, of forged deliveries too, must not hold up the journey: only another step of it does. */
async function rebased(
  begun: Stored<'subscription'>,
  handling: Handling,
  change: (now: SubscriptionDocument) => SubscriptionDocument | undefined,
): Promise<Stored<'subscription'> | undefined> {
  let stored = begun;
  for (let attempt = 0; attempt < LIMITS.hubSteps; attempt++) {
    const next = change(stored.value);
    const written = next && (await write(stored, next, handling));
    if (!next || written) return written;
    const again = await load(handling.store, 'subscription', stored.key);
    if (!again || again.value.seq !== begun.value.seq || isAsked(again.value, begun.value)) return undefined;
    if (again.value.ending?.id !== begun.value.ending?.id) return undefined;
    stored = again;
  }
  return undefined;
}

/**
 * The hub may have asked the callback meanwhile, which wrote here: then what stands there now is changed. Whatever became
 * of the campaign since, what a hub answered it does not say again: it counts for the intent that it is of, and no fence
 * keeps it back.
 */
async function amended(
  asked: Stored<'subscription'>,
  handling: Handling,
  change: (now: SubscriptionDocument) => SubscriptionDocument | undefined,
): Promise<Stored<'subscription'>> {
  let stored = asked;
  for (let attempt = 0; attempt < LIMITS.hubSteps; attempt++) {
    const next = change(stored.value);
    if (!next) return stored;
    const saved = await save<'subscription'>(handling.store, stored.key, next, stored.version);
    if (saved.status === 'applied') return { key: stored.key, value: next, version: saved.version };
    const again = await load(handling.store, 'subscription', stored.key);
    if (!again) return stored;
    stored = again;
  }
  return stored;
}
