import type { CallbackView, SubscriptionView } from '../admin/recordSchema.ts';
import { instant, paragraphs, table } from './format.ts';

export function subscriptionText(view: SubscriptionView): string {
  const { key, state, topic, asked, topicFailed, denied, problem, journal } = view;
  const facts: (readonly [string, string])[] = [
    ['subscription of', key],
    ['topic', topic],
    ['state', state],
    ['old URL', callbackText(view.old)],
    ['new URL', callbackText(view.new)],
  ];
  if (asked) {
    const { mode, side, attempt, deadlineAt } = asked;
    facts.push(['asked', `${mode} ${side}, attempt ${attempt}; an answer is waited for until ${instant(deadlineAt)}`]);
  }
  if (topicFailed) {
    const { cause, attempt, at } = topicFailed;
    facts.push(['topic failed', `${cause} (attempt ${attempt}; the next one at ${instant(at)})`]);
  }
  if (denied) {
    const { side, reason, at } = denied;
    facts.push([
      'denied',
      `${side} URL, at ${instant(at)}: ${reason || 'without a reason'}. Anybody who knows the URL can say so`,
    ]);
  }
  if (problem !== undefined) facts.push(['cause', problem]);
  const events = journal.map(({ seq, what, at, by }) => [`${seq}`, instant(at), what, by]);
  return paragraphs(
    table(facts),
    events.length > 0 ? `journal\n${table(events, '  ')}` : 'Nothing has happened to it yet.',
  );
}

function callbackText({ url, active, verifiedAt, deliveredAt, leaseUntil }: CallbackView): string {
  const moments = [
    active ? 'subscribed' : 'not subscribed',
    ...(verifiedAt === undefined ? [] : [`since ${instant(verifiedAt)}`]),
    ...(deliveredAt === undefined ? [] : [`heard at ${instant(deliveredAt)}`]),
    ...(leaseUntil === undefined ? [] : [`until ${instant(leaseUntil)}`]),
  ];
  return `${url} (${moments.join(', ')})`;
}
