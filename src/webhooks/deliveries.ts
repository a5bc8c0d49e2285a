import { hash } from 'node:crypto';
import { z } from 'zod';
import { HandoverError } from '../errors.ts';
import { Content } from '../record/content.ts';
import { Key } from '../record/key.ts';
import type { Value } from '../record/value.ts';
import type { Entity, Version } from '../store/store.ts';

/**
 * The inbox in the store: one root entity for each identity, so that deliveries do not contend, and one for each topic
 * whose deliveries are states. One JSON text in the property `state`, as all of the engine's own entities have it; the raw
 * bytes in `body`, as long as they are needed; and `status`, which is indexed, so that work is found without looking at
 * what is done.
 */
export const DELIVERY = '_HandoverDelivery';
/** The same the other way round: what the application sends, one for each event and subscriber. */
export const SENDING = '_HandoverSending';
/** And what a server tells the people who run campaigns. */
export const NOTICE = '_HandoverNotice';
export type DeliveryKind = typeof DELIVERY | typeof SENDING | typeof NOTICE;
const TOPIC = '_HandoverTopic';

export const STATUSES = ['received', 'applied', 'dead'] as const;
export type Status = (typeof STATUSES)[number];

const version = z.literal(1);

export const deliverySchema = z.object({
  v: version,
  status: z.enum(STATUSES),
  /** Which call stored it: so one whose answer was lost knows its own. */
  nonce: z.string(),
  scope: z.string(),
  identity: z.string(),
  topic: z.string(),
  protocol: z.string(),
  /** Where it came in first. */
  subscription: z.string(),
  side: z.enum(['old', 'new']),
  signed: z.boolean(),
  contentType: z.string(),
  headers: z.record(z.string(), z.string()),
  receivedAt: z.number(),
  /** When it came last, on either URL, to within a day: its window is counted from here. */
  seenAt: z.number(),
  /** The window of this one in days, where its inbox was given another than its protocol has. */
  keepDays: z.number().optional(),
  /** Runs of the handler that were begun: one that took the process with it counts. */
  attempts: z.number(),
  notBefore: z.number().optional(),
  claim: z.object({ by: z.string(), untilMs: z.number() }).optional(),
  error: z.string().optional(),
  /** Only of what is sent: the endpoint at which it was tried last, and is in retry until it is settled. */
  retryAt: z.string().optional(),
  /** Only where deliveries are states: its place in the order of its topic. */
  state: z
    .object({
      seq: z.number(),
      hash: z.string(),
      /** Seen before, and others since: gone back to, or late. */
      suspect: z.boolean(),
      /** Put back by a person: by now the topic may be further on. */
      retried: z.boolean().optional(),
      /** Set when it is settled: the hash of what the application has been told last. */
      inEffect: z.string().optional(),
    })
    .optional(),
});

const topicSchema = z.object({
  v: version,
  /** At least so many states are in the inbox, or were; whoever appends one looks for more. */
  seq: z.number(),
  /** Hashes of the newest of them. */
  seen: z.array(z.string()),
});

export type DeliveryDocument = z.infer<typeof deliverySchema>;
export type TopicDocument = z.infer<typeof topicSchema>;

export interface StoredDelivery {
  readonly key: Key;
  readonly value: DeliveryDocument;
  readonly body: Uint8Array;
  readonly version: Version;
}

/** Scope and identity are told apart however long either is. */
const nameOf = (...parts: readonly string[]): string => hash('sha256', JSON.stringify(parts), 'base64url');

export const deliveryKeyOf = (id: string, kind: DeliveryKind = DELIVERY): Key => Key.of([{ kind, id }]);
export const deliveryKey = (scope: string, identity: string, kind: DeliveryKind = DELIVERY): Key =>
  deliveryKeyOf(nameOf(scope, identity), kind);
export const topicKey = (scope: string): Key => Key.of([{ kind: TOPIC, id: nameOf(scope) }]);

/** The identity of a topic's state by its number: whoever inserts it has decided what comes after the one before. */
export const stateIdentity = (seq: number): string => JSON.stringify(['state', seq]);

const text = (value: unknown): Value => ({ type: 'string', value: JSON.stringify(value), unindexed: true });

export function deliveryContent(value: DeliveryDocument, body: Uint8Array): Content {
  const properties = new Map<string, Value>([
    ['state', text(value)],
    ['status', { type: 'string', value: value.status }],
    ['body', { type: 'bytes', value: body, unindexed: true }],
  ]);
  if (value.status === 'received' && value.retryAt !== undefined)
    properties.set('retryAt', { type: 'string', value: value.retryAt });
  return Content.of(properties);
}

export const topicContent = (value: TopicDocument): Content => Content.of(new Map([['state', text(value)]]));

export function decodeDelivery(entity: Entity): StoredDelivery {
  const body = entity.content.properties.get('body');
  const { key, version } = entity;
  return {
    key,
    version,
    value: decoded(deliverySchema, entity),
    body: body?.type === 'bytes' ? body.value : new Uint8Array(),
  };
}

export const decodeTopic = (entity: Entity): TopicDocument => decoded(topicSchema, entity);

/** Throws `content.corrupt`: also for one that a newer version wrote. */
function decoded<T>(schema: z.ZodType<T>, { key, content }: Entity): T {
  const parsed = schema.safeParse(jsonOf(content.properties.get('state')));
  if (!parsed.success) throw new HandoverError('content.corrupt', `${key}: ${z.prettifyError(parsed.error)}.`);
  return parsed.data;
}

function jsonOf(state: Value | undefined): unknown {
  try {
    return state?.type === 'string' ? JSON.parse(state.value) : undefined;
  } catch {
    return undefined;
  }
}
