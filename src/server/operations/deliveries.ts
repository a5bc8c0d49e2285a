import { z } from 'zod';
import { deliveries, delivery, retryDeliveries } from '../../admin/deliveries.ts';
import { deliveriesPageSchema, deliveryViewSchema, retriedSchema } from '../../admin/deliverySchema.ts';
import { HandoverError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { DELIVERY_STATES } from '../../webhooks/inboxLook.ts';
import { cursor, type Look, limit, look, pageOf } from './operation.ts';

const id = z.string().min(1).max(200).meta({ description: 'The id of a delivery' });

const reason = z
  .string()
  .trim()
  .min(1)
  .max(LIMITS.reasonCharacters)
  .optional()
  .meta({ description: 'Why, for the log; the page alone may leave it out' });

/** What came in on callback URLs. It is of no campaign, and so in no campaign's audit trail. */
export const DELIVERIES: readonly Look[] = [
  look({
    id: 'deliveries',
    verb: 'deliveries',
    path: '/v1/deliveries',
    summary: 'Deliveries that are not applied, or those in one state',
    query: z.strictObject({ state: z.enum(DELIVERY_STATES).optional(), limit, cursor }),
    answer: deliveriesPageSchema,
    run: async (services, { query }) => ({ body: await deliveries(services, pageOf(query)) }),
  }),
  look({
    id: 'delivery',
    verb: 'deliveries',
    path: '/v1/deliveries/:delivery',
    summary: 'One delivery, with what it was sent with',
    params: z.object({ delivery: id }),
    answer: deliveryViewSchema,
    run: async (services, { params }) => ({ body: await delivery(services, params['delivery']!) }),
  }),
  look({
    id: 'retryDeliveries',
    verb: 'deliveries',
    method: 'POST',
    path: '/v1/deliveries/retry',
    role: 'operator',
    writes: true,
    summary: 'Gives dead deliveries their attempts back: those that are named, or all',
    body: z.union([
      z.strictObject({ ids: z.array(id).min(1).max(LIMITS.answerRows), reason }),
      z.strictObject({ state: z.literal('dead'), reason }),
    ]),
    answer: retriedSchema,
    run: async (services, { body: { ids, reason } }, { way }) => {
      // Whoever presses the button beside one delivery has said which, and why.
      if (reason === undefined && way === 'api')
        throw new HandoverError('request.invalid', 'reason: why, for the log.');
      const retried = await retryDeliveries(services, ids ?? 'dead');
      return { body: { retried }, done: { event: 'deliveries.retried', reason, ids, count: retried } };
    },
  }),
];
