import type { WorkerOptions } from '../engine/worker.ts';
import { HandoverError } from '../errors.ts';
import type { Callback } from './callbacks.ts';
import { PROTOCOLS } from './identities.ts';
import type { Inbox, Received } from './inbox.ts';
import type { Put } from './storing.ts';

/**
 * For a worker: what a topic says now goes into the inbox as if it had been delivered, so that what was published in a gap
 * at the hub's side is applied, and what was delivered already is not applied again.
 */
export function takeInto(inbox: Inbox): NonNullable<WorkerOptions['takeIn']> {
  return async ({ source, scope, topic, protocol }, { contentType, body }) => {
    const headers = { 'content-type': contentType };
    const from: Pick<Callback, 'subscription' | 'side'> = { subscription: source, side: 'new' };
    const received: Received = { ...from, scope, topic, protocol, signed: true, contentType, headers };
    const found = PROTOCOLS[protocol].identify({ headers, body });
    if (found.is === 'events') return newIn(await inbox.put(received, found.events));
    if (found.is === 'state') return newIn(await inbox.putState(received, found.hash, body));
    return 0;
  };
}

/** Throws what could not be stored: until it is, nothing is proved by it. */
function newIn(put: Put): number {
  if (put.status === 'unsure') throw new HandoverError('store.unknown', put.cause);
  if (put.status === 'tooLarge') throw new HandoverError('entity.tooLarge', put.cause);
  return put.status === 'stored' ? 1 : 0;
}
