import { z } from 'zod';
import { GROUP_STATES } from '../../machines/group.ts';
import { SCHEMAS } from '../engine/schemas.ts';
import type { Wire } from '../wire.ts';

const at = z.number().meta({ description: 'Milliseconds since 1970' });

export const recordRowSchema = z
  .object({
    key: z.string().meta({ description: 'Its old key; the only key that is known of a record whose transform fails' }),
    into: z.string().exactOptional().meta({ description: 'Its new key' }),
    state: z.string(),
    target: z.string().exactOptional(),
    next: z.string().exactOptional().meta({ description: '`cede S`: what a worker would do next' }),
    code: z.string().exactOptional().meta({ description: 'Why it cannot be moved' }),
    message: z.string().exactOptional(),
    skipped: z.boolean().exactOptional().meta({ description: 'It is quarantined, and may stay in the old home' }),
  })
  .meta({ id: 'RecordRow', description: 'One record in a list' });

export const recordsPageSchema = z
  .object({
    records: z.array(recordRowSchema),
    next: z.string().exactOptional().meta({ description: 'Where the next page begins, if there is one: its `cursor`' }),
  })
  .meta({ id: 'RecordsPage', description: 'In the order of the old home’s keys, then of the new home’s' });

const journalSchema = z.array(
  z
    .object({
      seq: z.number(),
      move: z.string().meta({ description: 'What was done, and on which side: `copy T`' }),
      at,
      by: z.string().meta({ description: 'The worker that did it' }),
    })
    .meta({ id: 'JournalEntry' }),
);

const ROLES = ['owner', 'shadow', 'ceded', 'birth'] as const;

const slotSchema = z
  .object({
    role: z.enum(ROLES),
    deleted: z.literal(true).exactOptional(),
    side: z.enum(['S', 'T']),
    of: z
      .string()
      .meta({ description: 'Fingerprint of the content this side was made from, frozen at, or promoted with' }),
    peer: z.string().meta({ description: 'The key of the other home' }),
    campaign: z.string(),
    seq: z.number().meta({ description: 'Moves made on this pair so far' }),
    nonce: z.string().exactOptional().meta({ description: 'Names the last write of a client' }),
    version: z.number().exactOptional().meta({
      description:
        'Of a shadow: the version it was made under, where that is not the one the campaign was started with',
    }),
    journal: journalSchema,
  })
  .meta({ id: 'Slot', description: 'The state that a side carries beside its content' });

const sideSchema = z
  .object({
    key: z.string(),
    role: z
      .enum([...ROLES, 'tombstone', 'absent', 'unreadable'])
      .meta({ description: '`absent`, or what it says of itself' }),
    version: z.union([z.string(), z.number()]).exactOptional(),
    bytes: z.number().exactOptional(),
    fingerprint: z.string().exactOptional(),
    slot: slotSchema.exactOptional(),
    problem: z.string().exactOptional().meta({ description: 'Why it is unreadable' }),
    record: z.record(z.string(), z.unknown()).exactOptional().meta({
      description: 'Its content. What JSON has no form for is text: large integers, and bytes as `base64:…`',
    }),
  })
  .meta({ id: 'Side', description: 'One side of a record, as it is stored' });

export const recordViewSchema = z
  .object({
    kind: z.literal('record'),
    campaign: z.string(),
    ...recordRowSchema.shape,
    S: sideSchema,
    T: sideSchema.exactOptional(),
    journal: journalSchema.meta({ description: 'The moves of both sides, oldest first' }),
  })
  .meta({ id: 'RecordView' });

export const groupViewSchema = z
  .object({
    kind: z.literal('group'),
    campaign: z.string(),
    group: z.string(),
    state: z.enum(GROUP_STATES).exactOptional().meta({
      description: 'Under a campaign by group, what the group said last',
    }),
    members: z.array(recordRowSchema),
    more: z.boolean().meta({ description: 'Whether there are more than are listed' }),
  })
  .meta({ id: 'GroupView' });

const callbackSchema = z
  .object({
    url: z.string(),
    active: z.boolean(),
    verifiedAt: at.exactOptional(),
    deliveredAt: at.exactOptional(),
    leaseUntil: at.exactOptional(),
  })
  .meta({ id: 'Callback', description: 'One of the two URLs of a subscription. Its secrets are not shown' });

const { subscription } = SCHEMAS;

export const subscriptionViewSchema = z
  .object({
    kind: z.literal('subscription'),
    campaign: z.string(),
    key: z.string().meta({ description: 'The record that it is of' }),
    state: z.string(),
    topic: z.string(),
    old: callbackSchema,
    new: callbackSchema,
    asked: z
      .object({ mode: z.string(), side: z.string(), attempt: z.number(), deadlineAt: at })
      .exactOptional()
      .meta({ description: 'What was asked last, and until when an answer is waited for' }),
    topicFailed: z
      .object({ attempt: z.number(), at, cause: z.string() })
      .exactOptional()
      .meta({ description: 'Why its topic is asked again no sooner than `at`' }),
    denied: z.object({ side: z.string(), reason: z.string(), at }).exactOptional().meta({
      description:
        'What was last said in the hub’s name, by it or by somebody else who knows the URL: that it does not post there',
    }),
    problem: z.string().exactOptional().meta({ description: 'Why the hub’s refusal, or its silence, left it here' }),
    journal: subscription.shape.journal,
  })
  .meta({ id: 'SubscriptionView' });

/** What one key is of. */
export const shownSchema = z
  .discriminatedUnion('kind', [recordViewSchema, groupViewSchema, subscriptionViewSchema])
  .meta({ id: 'Shown', description: 'One record, one group, or the subscription of a record' });

export const countsSchema = z.record(z.string(), z.number()).meta({ id: 'Counts', description: 'Records per state' });

export type RecordRow = Wire<typeof recordRowSchema>;
export type RecordsPage = Wire<typeof recordsPageSchema>;
export type SideView = Wire<typeof sideSchema>;
export type RecordView = Wire<typeof recordViewSchema>;
export type GroupView = Wire<typeof groupViewSchema>;
export type CallbackView = Wire<typeof callbackSchema>;
export type SubscriptionView = Wire<typeof subscriptionViewSchema>;
export type Shown = Wire<typeof shownSchema>;
