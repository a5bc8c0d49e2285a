import type { FastifyPluginAsync } from 'fastify';
import { isAnswer, readRequest } from './readBody.ts';
import type { Receiver } from './receive.ts';

/**
 * A plugin for Fastify 5: `app.register(fastifyReceiver(receiver), { prefix: '/hooks' })` answers all that is below the
 * prefix. It reads the raw bytes before any content type parser sees them, whatever type they say they are.
 */
export function fastifyReceiver(receiver: Receiver): FastifyPluginAsync {
  return async (app) => {
    app.route({
      method: ['GET', 'HEAD', 'OPTIONS', 'POST'],
      url: '/*',
      onRequest: async (request, reply) => {
        const read = await readRequest(request.raw, receiver);
        const { status, headers, body } = isAnswer(read) ? read : await receiver.receive(read);
        return reply.code(status).headers(headers).send(body);
      },
      // Never reached: `onRequest` has answered.
      handler: async () => undefined,
    });
  };
}
