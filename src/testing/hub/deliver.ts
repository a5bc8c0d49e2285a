import { createHmac } from 'node:crypto';
import type { House } from './house.ts';
import type { DeliveryEntry, Open } from './log.ts';
import { Outbox } from './outbox.ts';
import type { HubQuirks } from './quirks.ts';
import type { Subscription } from './subscription.ts';
import type { Content } from './topic.ts';
import { type Answered, isSuccess, type Sent, send } from './web.ts';

const MOST_HOPS = 5;

/** What goes to a subscription from now on, until it ends or is made anew. */
export function openOutbox(house: House, subscription: Subscription): Outbox<Content> {
  const outbox: Outbox<Content> = new Outbox({
    activity: house.activity,
    patience: house.patience,
    habits: house.quirks,
    send: (content, attempt) => attemptOf(house, subscription, content, attempt),
    isOpen: () => subscription.outbox === outbox && subscription.isActiveAt(house.clock.now()),
  });
  return outbox;
}

async function attemptOf(house: House, subscription: Subscription, content: Content, attempt: number) {
  const { clock, activity, patience, deliveries, quirks } = house;
  let sent: Sent | undefined = firstHop(subscription, content, quirks());
  let answered: Answered;
  let hops = 0;
  do {
    const { topic } = subscription;
    const { number } = content;
    const entry: Open<DeliveryEntry> = {
      at: clock.now(),
      topic: topic.url,
      url: sent.url,
      number,
      attempt,
      status: 'under way',
    };
    deliveries.push(entry);
    answered = await send(sent, activity.signal, patience.answerMs);
    entry.status = answered.status;
    hops += 1;
    sent = nextHop(sent, answered, quirks().redirects);
  } while (sent && hops <= MOST_HOPS);
  return isOver(subscription, answered, quirks(), clock.now());
}

function firstHop({ callback, topic, secret }: Subscription, content: Content, quirks: HubQuirks): Sent {
  const body = quirks.sendsOnlyNewEntries ? content.news : content.body;
  const headers: Record<string, string> = { 'content-type': content.contentType, link: topic.link };
  if (secret !== undefined) headers['x-hub-signature'] = signatureOf(body, secret, quirks.signature);
  return { url: callback, method: 'POST', headers, body };
}

const signatureOf = (body: string, secret: string, method: HubQuirks['signature']): string =>
  `${method}=${createHmac(method, secret).update(body).digest('hex')}`;

function nextHop(sent: Sent, { status, location }: Answered, how: HubQuirks['redirects']): Sent | undefined {
  if (how === 'failure' || location === undefined || status === 'no answer' || status < 300 || status > 399) return;
  return how === 'post' ? { ...sent, url: location } : { url: location, method: 'GET' };
}

/** Whether nothing more is to be tried; what the answer says of the subscription is noted. */
function isOver(subscription: Subscription, answered: Answered, quirks: HubQuirks, now: number): boolean {
  if (isSuccess(answered)) {
    subscription.failures = 0;
    return true;
  }
  if (!subscription.isActiveAt(now)) return true;
  subscription.failures += 1;
  const isGone = answered.status === 410 && !quirks.ignoresGone;
  const isDropped = quirks.dropsAfterFailures > 0 && subscription.failures >= quirks.dropsAfterFailures;
  if (isGone) subscription.become('gone');
  else if (isDropped) subscription.become('dropped');
  return isGone || isDropped;
}
