import { Webhook } from 'standardwebhooks';
import type { Clock } from '../../clock.ts';
import { HandoverError, messageOf } from '../../errors.ts';
import { type Failure, failureOf } from '../answers.ts';
import type { Answered, Send } from '../outbound.ts';
import type { Endpoint } from './endpoints.ts';

export interface Message {
  readonly id: string;
  readonly contentType: string;
  readonly body: string;
}

/**
 * Posts a message by Standard Webhooks: the id is the same in every attempt and at every endpoint, moment and signature are
 * of this attempt. Redirects are not followed: who answers is who has proved to be the subscriber.
 * Throws `subscription.invalid` for a secret that signs nothing.
 */
export async function post(
  send: Send,
  clock: Clock,
  { url, secret }: Endpoint,
  { id, contentType, body }: Message,
): Promise<Failure | Answered> {
  const at = new Date(clock.now());
  const headers = {
    'content-type': contentType,
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': [secret]
      .flat()
      .map((each) => signature(each, id, at, body))
      .join(' '),
  };
  const answer = await send({ method: 'POST', url, headers, body });
  const failure = failureOf(answer, clock);
  return failure ?? (answer as Answered);
}

function signature(secret: string, id: string, at: Date, body: string): string {
  try {
    return new Webhook(secret).sign(id, at, body);
  } catch (error) {
    throw new HandoverError('subscription.invalid', `A secret signs nothing: ${messageOf(error)}.`);
  }
}
