import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { callerOf } from './routes.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a request counts as. Default: a look. */
    counts?: Counts;
  }
}

/** The brake counts as nothing: whoever may pause can, however much was asked before. */
export type Counts = 'look' | 'command' | 'brake';

export type Count = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/**
 * Counts requests, and throws `request.tooMany`. Who has shown what lets in is counted by name, not by address: behind a
 * proxy that nobody told us of, all have one. Looks and commands each have a count of their own, so that a page or a script
 * that looks too often stops nobody's hand. Who has not is counted by address, and never in the way of one who has: what is
 * shown is checked before the count, for a token is too long to be guessed at any rate.
 */
export async function ratesOf(app: FastifyInstance): Promise<{ readonly failed: Count; readonly let: Count }> {
  await app.register(rateLimit, {
    global: false,
    max: LIMITS.requestsPerMinute,
    timeWindow: 60_000,
    errorResponseBuilder: (_, { ttl }) =>
      new HandoverError('request.tooMany', `In ${Math.ceil(ttl / 1000)} seconds there will be room again.`),
  });
  const counter = (options: NonNullable<Parameters<typeof app.rateLimit>[0]>): Count => {
    const count = app.rateLimit(options);
    return async (request, reply) => {
      await count.call(app, request, reply);
    };
  };
  const keyGenerator = (request: FastifyRequest) => callerOf(request)!.name;
  // Each has a store of its own.
  const counts = { look: counter({ keyGenerator }), command: counter({ keyGenerator }), brake: async () => {} };
  return {
    failed: counter({}),
    let: (request, reply) => counts[request.routeOptions.config.counts ?? 'look'](request, reply),
  };
}
