import type { FastifyInstance } from 'fastify';
import type { Services } from '../operations/operation.ts';
import { events } from './events.ts';

/** What the server tells by itself. */
export async function live(app: FastifyInstance, services: Services): Promise<void> {
  await events(app, services);
}
