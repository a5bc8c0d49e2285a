import type { Target } from '../../machines/moves.ts';
import type { SubscriptionEvent } from '../../machines/subscription.ts';
import type { Fetched } from '../define/hub.ts';
import { messageOf } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { SubscriptionDocument } from './schemas.ts';
import type { Handling } from './subscription.ts';
import { afterEvent, fails, type Happening, hubPauseMs, lastSide } from './subscriptionDocument.ts';
import { hasStrayed, isLookDue, isUnseen, looked } from './subscriptionOrphans.ts';

/** What is next for a subscription: an event, a note to be stored and then gone on from, or nothing for now. */
export type Next = SubscriptionEvent['type'] | { readonly change: Note } | 'rest' | 'waiting';

/** Made of what stands there when it is written: a receiver may write beside, as long as the journey is where it was. */
type Note = (now: SubscriptionDocument) => SubscriptionDocument;

export const happening = ({ clock, worker }: Pick<Handling, 'clock' | 'worker'>): Happening => ({
  at: clock.now(),
  by: worker,
  id: () => clock.id(8),
});

/** What has happened to it, or is to: the operator's wish first. */
export async function nextEvent(document: SubscriptionDocument, target: Target, handling: Handling): Promise<Next> {
  const { state, intent, ending } = document;
  const { clock, rule } = handling;
  const now = clock.now();
  // A subscription made meanwhile could be found by what is being ended, and end with it.
  if (ending && now < ending.deadlineAt) return 'waiting';
  const retires = state === 'switched' && target === 'completed';
  if (rule.hub.list && isLookDue(document, now, retires)) return lookedFor(document, handling);
  if (retires && isHeld(document, handling)) return 'waiting';
  if (wants(document, target, handling)) {
    // The URL that would be left alone fails: the other one is kept until it does no more.
    const kept = target === 'home' ? document.old : document.new;
    return state === 'proven' && fails(kept, now, rule.quietMs) ? 'waiting' : `want.${target}`;
  }
  switch (state) {
    case 'overlapping':
    case 'returning':
      return proof(document, 'proved', handling);
    case 'draining':
      return document.shape === 'swap' ? proof(document, 'drained', handling) : drain(document, handling);
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
  if (isHeard(document, now)) return 'hub.verified';
  if (now < intent.deadlineAt) return 'waiting';
  if (intent.attempt < LIMITS.hubAttempts) return 'deadline.passed';
  // To no more deliveries nobody can hold a hub for ever: what still comes is taken in once, as all else.
  return state === 'lapsing' ? 'lease.ended' : 'hub.refused';
}

const wants = (document: SubscriptionDocument, target: Target, handling: Handling): boolean =>
  afterEvent(document, `want.${target}`, happening(handling)) !== undefined;

/** The old URL is still owed to those who repeat what failed there, or may be what a lost request leads to. */
function isHeld(document: SubscriptionDocument, { clock, rule }: Handling): boolean {
  if (clock.now() < (document.switchedAt ?? 0) + rule.keepOldMs) return true;
  return rule.hub.list !== undefined && isUnseen(document);
}

async function lookedFor(document: SubscriptionDocument, handling: Handling): Promise<Next> {
  const found = await handling.rule.hub.list!(document.topic).catch(() => undefined);
  if (found && document.shape === 'swap' && hasStrayed(document, found)) return 'hub.strayed';
  return { change: (now) => looked(now, found, happening(handling)) };
}

/**
 * Both URLs are served. The one that came last is good when it has delivered, or there is nothing to deliver; and what the
 * topic says now is taken in first.
 */
async function proof(document: SubscriptionDocument, event: 'proved' | 'drained', handling: Handling): Promise<Next> {
  const side = lastSide(document);
  const { verifiedAt: since = 0, deliveredAt = 0, awaitsSecret } = document[side];
  if (awaitsSecret) return 'waiting';
  const { clock, rule } = handling;
  // Who sends himself knows what is in retry at either URL.
  const alone = document.shape === 'swap' || rule.hub.isSender;
  const isGood = alone ? isGoodAlone(document, handling) : isGoodBeside(document, handling);
  if (!isGood || fails(document[side], clock.now(), rule.quietMs)) return 'waiting';
  const news = await takeIn(document, handling);
  if (typeof news !== 'number') return news;
  if (news === 0 || deliveredAt > since) return event;
  return { change: fetchLater('it says what was not delivered', handling) };
}

/**
 * The other has to have delivered since, too: whoever ends it while something waits there to be sent again loses that, and
 * what is older than its successor waits nowhere else.
 */
function isGoodBeside(document: SubscriptionDocument, { clock, rule }: Handling): boolean {
  const now = clock.now();
  const side = lastSide(document);
  const other = document[side === 'old' ? 'new' : 'old'];
  const { verifiedAt: since = 0, deliveredAt = 0 } = document[side];
  const delivered = deliveredAt > since;
  const heardAt = other.deliveredAt ?? 0;
  const isThrough = !isLive(other, now) || heardAt > since;
  if (delivered && isThrough && now - Math.max(heardAt, deliveredAt) >= LIMITS.hubBacklogMs) return true;
  // It is not quiet where the other delivers.
  return now - since >= rule.quietMs && (delivered || heardAt <= since);
}

/** Whether anything is to be heard of it: of what is not signed a receiver does not tell. */
const isLive = ({ active, leaseUntil, secrets }: SubscriptionDocument['old'], now: number): boolean =>
  active && secrets.length > 0 && (leaseUntil === undefined || leaseUntil > now);

/** Where a request replaced the URL, what still comes to the other one may be repeated, or the request had no effect. */
function isGoodAlone(document: SubscriptionDocument, { clock, rule }: Handling): boolean {
  const side = lastSide(document);
  const { verifiedAt: since = 0, deliveredAt = 0 } = document[side];
  if (deliveredAt > since) return true;
  const { deliveredAt: heardAt = 0 } = document[side === 'old' ? 'new' : 'old'];
  // It is written down only so often.
  const lastHeard = heardAt > since ? heardAt + LIMITS.hubHeardMs : since;
  return clock.now() - lastHeard >= rule.quietMs;
}

/** A provider that asks nobody whether a URL is meant has it when it delivers there; what was under way has come before. */
function isHeard({ state, journal, ...sides }: SubscriptionDocument, now: number): boolean {
  const side = state === 'confirming' ? 'new' : state === 'reconfirming' ? 'old' : undefined;
  const since = journal[journal.length - 1]?.at ?? now;
  return side !== undefined && (sides[side].deliveredAt ?? 0) > since + LIMITS.hubAnswerMs;
}

async function drain(document: SubscriptionDocument, handling: Handling): Promise<Next> {
  const { hub } = handling.rule;
  if (hub.drain && !(await hub.drain(handling.store, document.source, 'old'))) return 'waiting';
  const news = await takeIn(document, handling);
  return typeof news === 'number' ? 'drained' : news;
}

/**
 * What was published while the hub may have had no URL, or not the one it should, is found in the topic itself. How much
 * of it was new; a topic that does not answer is asked again after a pause, which is stored and so outlives this process.
 */
async function takeIn(
  document: SubscriptionDocument,
  handling: Handling,
): Promise<number | Exclude<Next, string> | 'waiting'> {
  const { clock, rule, takeIn } = handling;
  if (!rule.hub.fetch || !takeIn) return 0;
  if (document.fetch && clock.now() < document.fetch.at) return 'waiting';
  let fetched: Fetched;
  try {
    fetched = await rule.hub.fetch(document.topic);
  } catch (error) {
    return { change: fetchLater(messageOf(error), handling) };
  }
  return takeIn(document, fetched);
}

function fetchLater(cause: string, { clock }: Handling): Note {
  const short = cause.slice(0, LIMITS.hubCauseCharacters);
  return (now) => {
    const attempt = (now.fetch?.attempt ?? 0) + 1;
    return { ...now, fetch: { attempt, at: clock.now() + hubPauseMs(attempt), cause: short } };
  };
}
