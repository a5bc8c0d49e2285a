import type { FastifyInstance, FastifyRequest, FastifySchema } from 'fastify';
import { z } from 'zod';
import { HandoverError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { PROBLEMS } from '../openapi.ts';
import { campaignParams, type Services } from '../operations/operation.ts';
import { callerOf } from '../routes.ts';
import { Board } from './board.ts';
import { EventStream } from './stream.ts';
import { Watch } from './watch.ts';

const query = z.strictObject({ campaign: campaignParams.shape.id.optional() });

/** `GET /v1/events`: what the looks of the API answer, told whenever it changes. */
export async function events(app: FastifyInstance, services: Services): Promise<Watch> {
  const { clock } = services;
  const board = new Board(clock.id(4));
  const watch = new Watch({
    services,
    onLook: (status) => board.post(status),
    onFailed: (facts) => app.log.warn({ event: 'events.faltered', ...facts }),
  });
  /** By whom. */
  const open = new Map<EventStream, string>();
  app.addHook('preClose', async () => {
    for (const stream of open.keys()) stream.end();
  });
  app.get('/v1/events', { schema: SCHEMA }, async (request, reply) => {
    const { campaign: wanted } = request.query as z.infer<typeof query>;
    const caller = callerOf(request)!.name;
    checkRoom(open, caller);
    await watch.fresh();
    if (!board.has(wanted)) throw new HandoverError('campaign.missing', `There is no campaign ${wanted}.`);
    const stream = new EventStream({ board, wanted, seen: board.seenBy(lastEventIdOf(request)), clock });
    const leave = watch.join(stream);
    open.set(stream, caller);
    stream.once('close', () => {
      leave();
      open.delete(stream);
    });
    // Not to be used again after it, so that a server that ends need not wait for it; nor gathered by a proxy.
    return reply.headers({ connection: 'close', 'x-accel-buffering': 'no' }).type('text/event-stream').send(stream);
  });
  return watch;
}

/** Throws `request.tooMany`. */
function checkRoom(open: ReadonlyMap<EventStream, string>, caller: string): void {
  const own = [...open.values()].filter((each) => each === caller).length;
  if (own >= LIMITS.eventStreamsEach) throw new HandoverError('request.tooMany', `${caller} has ${own} streams open.`);
  if (open.size >= LIMITS.eventStreams) throw new HandoverError('request.tooMany', `${open.size} streams are open.`);
}

function lastEventIdOf({ headers }: FastifyRequest): string | undefined {
  const id = headers['last-event-id'];
  return typeof id === 'string' ? id : undefined;
}

const SCHEMA = {
  operationId: 'events',
  tags: ['looks'],
  summary:
    'Server-sent events: `campaign` with what GET /v1/campaigns/:id says, `campaigns` with the list, on each change',
  description:
    'For viewers and above. With `campaign`, of that one only. Every event is whole; `Last-Event-ID` goes on from there. ' +
    '`stale`: the store could not be looked at, so what was told may be old; `fresh`: it is looked at again.',
  querystring: query,
  response: {
    200: { description: 'Until the reader leaves', content: { 'text/event-stream': { schema: z.string() } } },
    ...PROBLEMS,
  },
} as FastifySchema;
