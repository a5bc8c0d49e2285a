import { type Clock, systemClock } from '../../clock.ts';
import type { Hub, HubAnswer, HubRequest } from '../../define/hub.ts';
import { messageOf } from '../../errors.ts';
import { json, textAt } from '../message.ts';
import { type Answered, type OutboundOptions, outbound, type Send } from '../outbound.ts';
import { drain } from './endpoints.ts';
import { post } from './post.ts';

export interface SenderOptions extends OutboundOptions {
  /** For messages and stored states. */
  readonly name?: string;
  readonly clock?: Clock;
}

/**
 * The application itself as the hub of its subscribers. To subscribe is to challenge an endpoint: it counts once it has
 * answered. To unsubscribe asks nobody: what is new goes to the other one from then on, and what is in retry is drained.
 * An old endpoint that takes over again is not challenged, for it was one before there were challenges; the growing share
 * tries it out.
 */
export function sender(options: SenderOptions = {}): Hub {
  const { name = 'sender', clock = systemClock } = options;
  const send = outbound(options);
  return {
    name,
    shape: 'overlap',
    isSender: true,
    discover: async (topic) => ({ topic, hub: name }),
    subscribe: async (request) => (request.side === 'old' ? { status: 'done' } : challenge(send, clock, request)),
    unsubscribe: async () => ({ status: 'done' }),
    drain,
  };
}

/**
 * A signed message that says a word nobody can guess, and an endpoint that says it back: as its whole body, or as
 * `challenge` in JSON. No answer changed anything, so each is as good as a refusal.
 */
async function challenge(send: Send, clock: Clock, { callback, secret, intent }: HubRequest): Promise<HubAnswer> {
  if (secret === undefined) return { status: 'refused', cause: 'there is no secret to sign with', again: false };
  const word = clock.id(16);
  const timestamp = new Date(clock.now()).toISOString();
  const body = JSON.stringify({ type: 'endpoint.challenge', timestamp, challenge: word });
  const message = { id: `challenge_${intent}`, contentType: 'application/json', body };
  try {
    const answer = await post(send, clock, { url: callback, secret }, message);
    if (answer.status !== 'answered') return answer;
    if (saysBack(answer, word)) return { status: 'done' };
    return { status: 'refused', cause: `${callback} did not answer the challenge`, again: false };
  } catch (error) {
    return { status: 'refused', cause: messageOf(error), again: false };
  }
}

function saysBack(answer: Answered, word: string): boolean {
  const text = new TextDecoder().decode(answer.body).trim();
  return text === word || textAt(json({ headers: {}, body: answer.body }), 'challenge') === word;
}
