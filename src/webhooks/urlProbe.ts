import { type Clock, systemClock } from '../clock.ts';
import type { Hub, HubAnswer } from '../define/hub.ts';
import { failureOf } from './answers.ts';
import { httpUrl, type OutboundOptions, outbound } from './outbound.ts';

export interface UrlProbeOptions extends OutboundOptions {
  readonly clock?: Clock;
}

const MOST_BYTES = 1_000;

/**
 * Asks a callback as a WebSub hub verifies one, by the way that deliveries will take: the receiver there gives the challenge
 * back only where it knows the subscription by the same store, and means to be posted to. Nothing is changed by it, so it
 * may always be asked again. What is not public must be allowed, one's own hosts included.
 */
export function urlProbe({ clock = systemClock, ...options }: UrlProbeOptions = {}): NonNullable<Hub['probe']> {
  const send = outbound(options);
  return async ({ callback, topic }): Promise<HubAnswer> => {
    const url = httpUrl(callback);
    if (!url) return { status: 'refused', cause: `the callback ${callback} is no URL of http or https`, again: false };
    const challenge = clock.id(16);
    url.searchParams.set('hub.mode', 'subscribe');
    url.searchParams.set('hub.topic', topic);
    url.searchParams.set('hub.challenge', challenge);
    const answer = await send({ method: 'GET', url: url.href, mostBytes: MOST_BYTES });
    const failure = failureOf(answer, clock);
    if (answer.status === 'refused') return answer;
    if (failure) return { status: 'refused', cause: failure.cause, again: true };
    if (answer.status === 'answered' && Buffer.from(answer.body).toString() === challenge) return { status: 'done' };
    return { status: 'refused', cause: `${url.host} did not answer what it was asked`, again: true };
  };
}
