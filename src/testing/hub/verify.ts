import type { House } from './house.ts';
import type { Mode, Open, VerificationEntry } from './log.ts';
import { pauseBefore } from './outbox.ts';
import { type Answered, isSuccess, send } from './web.ts';

export interface Question {
  readonly mode: Mode;
  readonly topic: string;
  readonly callback: string;
  /** The lease that is granted if the answer is yes. */
  readonly leaseSeconds: number | undefined;
}

/** Asks the callback whether it meant it; again, if it is to be asked again, while it does not answer or has trouble. */
export async function isConfirmed(house: House, question: Question, attempts: number): Promise<boolean> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    if (attempt > 1) await house.activity.sleep(pauseBefore(attempt, house.patience));
    if (house.activity.ended) return false;
    const { confirmed, status } = await ask(house, question, attempt);
    if (confirmed) return true;
    if (status !== 'no answer' && status < 500) return false;
  }
  return false;
}

async function ask(house: House, { mode, topic, callback, leaseSeconds }: Question, attempt: number) {
  // Characters that only a careful subscriber brings back as they were.
  const challenge = `${house.clock.id(8)}+/ =`;
  const query: Record<string, string> = { 'hub.mode': mode, 'hub.topic': topic, 'hub.challenge': challenge };
  if (leaseSeconds !== undefined) query['hub.lease_seconds'] = String(leaseSeconds);
  const entry = { mode, topic, url: callback, attempt, leaseSeconds };
  return told(house, entry, query, (answered) => isSuccess(answered) && answered.body === challenge);
}

/** Tells the callback that its subscription is over. */
export async function tellDenied(house: House, topic: string, callback: string, reason: string): Promise<void> {
  const entry = { mode: 'denied' as const, topic, url: callback, attempt: 1, leaseSeconds: undefined };
  await told(house, entry, { 'hub.mode': 'denied', 'hub.topic': topic, 'hub.reason': reason }, () => false);
}

async function told(
  house: House,
  what: Pick<VerificationEntry, 'mode' | 'topic' | 'url' | 'attempt' | 'leaseSeconds'>,
  query: Record<string, string>,
  confirms: (answered: Answered) => boolean,
) {
  const { clock, activity, patience, verifications } = house;
  const entry: Open<VerificationEntry> = { at: clock.now(), ...what, status: 'under way', confirmed: false };
  verifications.push(entry);
  const answered = await send({ url: withQuery(what.url, query), method: 'GET' }, activity.signal, patience.answerMs);
  entry.status = answered.status;
  entry.confirmed = confirms(answered);
  return { status: answered.status, confirmed: entry.confirmed };
}

/** The callback's own query stays as it is, byte for byte. */
function withQuery(url: string, query: Record<string, string>): string {
  const [before = ''] = url.split('#');
  return `${before}${before.includes('?') ? '&' : '?'}${new URLSearchParams(query)}`;
}
