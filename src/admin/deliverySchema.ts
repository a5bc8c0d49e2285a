import { z } from 'zod';
import { deliverySchema } from '../webhooks/deliveries.ts';
import { DELIVERY_STATES } from '../webhooks/inboxLook.ts';
import type { Wire } from '../wire.ts';

const stored = deliverySchema.shape;
const at = z.number().meta({ description: 'Milliseconds since 1970' });

export const deliveryRowSchema = z
  .object({
    id: z.string(),
    state: z.enum(DELIVERY_STATES),
    subscription: stored.subscription,
    side: stored.side,
    topic: stored.topic,
    protocol: stored.protocol,
    receivedAt: at,
    attempts: stored.attempts,
    nextAt: at.exactOptional().meta({ description: 'Of one that is failing: not before this' }),
    error: z.string().exactOptional().meta({ description: 'What the last attempt failed with' }),
  })
  .meta({ id: 'DeliveryRow', description: 'One delivery in a list' });

export const deliveriesPageSchema = z
  .object({ deliveries: z.array(deliveryRowSchema), next: z.string().exactOptional() })
  .meta({ id: 'DeliveriesPage' });

export const deliveryViewSchema = z
  .object({
    ...deliveryRowSchema.shape,
    scope: stored.scope,
    identity: stored.identity,
    signed: stored.signed,
    seenAt: at,
    contentType: stored.contentType,
    headers: stored.headers,
    body: z.object({
      bytes: z.number().meta({ description: '0 of one that was applied: nobody needs it any more' }),
      head: z.string().meta({ description: 'The beginning of it, as text where it is one' }),
      encoding: z.enum(['utf8', 'base64']),
    }),
  })
  .meta({ id: 'Delivery', description: 'One delivery, with what it was sent with' });

export const retriedSchema = z
  .object({ retried: z.number().meta({ description: 'So many deliveries' }) })
  .meta({ id: 'Retried' });

const forgedSchema = z
  .object({
    subscription: z.string(),
    side: stored.side,
    count: z.number().meta({ description: 'At least' }),
    firstAt: at,
    lastAt: at,
    why: z.string(),
  })
  .meta({ id: 'Forged', description: 'Deliveries that nobody with a secret signed, by the URL they came in on' });

export const inboxStatusSchema = z
  .object({
    waiting: z.number(),
    running: z.number(),
    failing: z.number(),
    dead: z.number(),
    more: z.boolean().exactOptional().meta({ description: 'There are more: only so many are looked at' }),
    oldestAt: at
      .exactOptional()
      .meta({ description: 'When the oldest of those came in that are neither applied nor dead' }),
    forged: z.array(forgedSchema),
  })
  .meta({ id: 'InboxStatus', description: 'What came in on callback URLs' });

export type DeliveryRow = Wire<typeof deliveryRowSchema>;
export type DeliveriesPage = Wire<typeof deliveriesPageSchema>;
export type DeliveryView = Wire<typeof deliveryViewSchema>;
export type Forged = Wire<typeof forgedSchema>;
export type InboxStatus = Wire<typeof inboxStatusSchema>;
