import { HandoverError, messageOf } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Entity } from '../store/store.ts';
import {
  type DeliveryDocument,
  decodeDelivery,
  decodeTopic,
  deliveryKey,
  type StoredDelivery,
  stateIdentity,
  type TopicDocument,
  topicContent,
  topicKey,
} from './deliveries.ts';
import { type InboxContext, insertAll, type Put } from './storing.ts';

/**
 * Bodies that are no events but states of their topic are numbered in the order in which they came. To insert number n is
 * to decide what follows n - 1: of two receivers, one loses and looks again. The topic's document says how far that is; it
 * is written after, and may lag, so whoever appends looks for more.
 *
 * Dropped is only what equals the last one. What was there before the last is either gone back to or late, and the bytes
 * do not tell: it is stored as suspect, and settled by fetching the topic when its turn comes. After a suspect one
 * nothing is dropped here, for nobody knows yet what the last state will have been; the worker compares again.
 */
export async function appendState(
  context: InboxContext,
  draft: Omit<DeliveryDocument, 'identity' | 'state'>,
  hash: string,
  body: Uint8Array,
): Promise<Put> {
  const { scope } = draft;
  let cause = '';
  for (let i = 0; i < LIMITS.controlAttempts; i++) {
    try {
      const { topic, last, entity } = await headOf(context, scope);
      const told = last?.value.state;
      if (told && !told.suspect && told.hash === hash) return { status: 'duplicate' };
      const seq = topic.seq + 1;
      const identity = stateIdentity(seq);
      const value = { ...draft, identity, state: { seq, hash, suspect: topic.seen.includes(hash) } };
      const put = await insertAll(context, [{ key: deliveryKey(scope, identity), value, body }]);
      if (put.status === 'duplicate') continue; // another receiver decided what this number is
      if (put.status === 'stored') await saveHead(context, scope, follow(topic, seq, hash), entity);
      return put;
    } catch (error) {
      if (!(error instanceof HandoverError)) throw error;
      cause = messageOf(error);
      await context.clock.sleep(LIMITS.callPauseMs);
    }
  }
  return { status: 'unsure', cause: cause || `the states of ${scope} kept changing` };
}

interface Head {
  readonly topic: TopicDocument;
  readonly last: StoredDelivery | undefined;
  /** The topic's document as it is stored. */
  readonly entity: Entity | undefined;
}

async function headOf({ store }: InboxContext, scope: string): Promise<Head> {
  const [entity] = await store.read([topicKey(scope)]);
  let topic: TopicDocument = entity ? decodeTopic(entity) : { v: 1, seq: 0, seen: [] };
  let last: StoredDelivery | undefined;
  for (let seq = Math.max(1, topic.seq); ; seq++) {
    const [found] = await store.read([deliveryKey(scope, stateIdentity(seq))]);
    if (!found) return { topic, last, entity };
    last = decodeDelivery(found);
    if (seq > topic.seq) topic = follow(topic, seq, last.value.state!.hash);
  }
}

/** What is forgotten is taken for new when it comes again. */
function follow({ seen, ...topic }: TopicDocument, seq: number, hash: string): TopicDocument {
  return { ...topic, seq, seen: [...seen.filter((each) => each !== hash), hash].slice(-LIMITS.statesRemembered) };
}

/** Whether it was written does not matter: the next one that appends makes up for it. */
async function saveHead(
  { store }: InboxContext,
  scope: string,
  topic: TopicDocument,
  entity: Entity | undefined,
): Promise<void> {
  const key = topicKey(scope);
  const content = topicContent(topic);
  await store
    .commit([entity ? { op: 'update', key, version: entity.version, content } : { op: 'insert', key, content }])
    .catch((error: unknown) => {
      if (!(error instanceof HandoverError)) throw error;
    });
}

/** How far the topic's document says the states are: those before it may be removed, and the last never is. */
export async function lastState({ store }: InboxContext, scope: string): Promise<number> {
  const [entity] = await store.read([topicKey(scope)]);
  return entity ? decodeTopic(entity).seq : 0;
}

/** The state before this one, while it is kept. */
export const stateBefore = (context: InboxContext, { scope, state }: DeliveryDocument) =>
  stateAt(context, scope, state && state.seq > 1 ? state.seq - 1 : undefined);

export const stateAfter = (context: InboxContext, { scope, state }: DeliveryDocument) =>
  stateAt(context, scope, state && state.seq + 1);

async function stateAt(
  { store }: InboxContext,
  scope: string,
  seq: number | undefined,
): Promise<StoredDelivery | undefined> {
  if (seq === undefined) return undefined;
  const [entity] = await store.read([deliveryKey(scope, stateIdentity(seq))]);
  try {
    return entity && decodeDelivery(entity);
  } catch {
    return undefined; // the inbox tells of it; those beside it are not to wait for ever
  }
}
