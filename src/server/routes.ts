import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { LIMITS } from '../limits.ts';
import { type Caller, checkRole } from './access.ts';
import { carryOut, type Order } from './command.ts';
import { schemaOf } from './openapi.ts';
import type { Asked, Command, Input, JobOperation, Look, Operation, Services } from './operations/operation.ts';
import { patientStore } from './patience.ts';
import type { Counts } from './rates.ts';

const callers = new WeakMap<FastifyRequest, Caller>();

/** Who asks; unset where nothing had to be shown. */
export const callerOf = (request: FastifyRequest): Caller | undefined => callers.get(request);

export const setCaller = (request: FastifyRequest, caller: Caller): void => {
  callers.set(request, caller);
};

type Log = Pick<Logger, 'info'>;

export function addRoute(app: FastifyInstance, operation: Operation, services: Services, log: Log): void {
  const { method, path: url, role } = operation;
  app.route({
    method,
    url,
    schema: schemaOf(operation),
    config: { counts: countsOf(operation) },
    // Before its body is read and checked: who may not ask is not told what is wrong with it.
    preParsing: async (request) => checkRole(callerOf(request)!, role),
    handler: (request, reply) => {
      if (operation.kind === 'look') return look(operation, { services, log }, request, reply);
      if (operation.kind === 'command') return command(operation, services, request, reply);
      return job(operation, services, request, reply);
    },
  });
}

function countsOf(operation: Operation): Counts {
  if (operation.kind === 'command') return operation.brake ? 'brake' : 'command';
  return operation.kind === 'look' && operation.writes ? 'command' : 'look';
}

const inputOf = ({ params, query, body }: FastifyRequest): Input =>
  ({ params, query, body: body ?? {} }) as unknown as Input;

/** Who asks for it, and from where. */
function askedBy(request: FastifyRequest): Asked {
  const way = request.headers['sec-fetch-site'] === undefined ? 'api' : 'page';
  return { ...callerOf(request)!, way, address: request.ip };
}

async function look(
  operation: Look,
  { services, log }: { readonly services: Services; readonly log: Log },
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const patient = patientStore(services.store, AbortSignal.timeout(LIMITS.requestMs));
  const store = operation.writes ? services.store : patient;
  const asked = askedBy(request);
  const { body, etag, done } = await operation.run({ ...services, store }, inputOf(request), asked);
  if (done) log.info({ ...done, by: asked.name, from: asked.address });
  if (etag !== undefined) reply.header('etag', etag);
  return reply.send(body);
}

async function command(operation: Command, services: Services, request: FastifyRequest, reply: FastifyReply) {
  const { params, body } = inputOf(request);
  const { 'if-match': ifMatch, 'idempotency-key': idempotencyKey } = request.headers;
  const { way, address } = askedBy(request);
  const order: Order = {
    name: params['id'] ?? params['name']!,
    body,
    by: callerOf(request)!,
    from: { way, address },
    ...(ifMatch === undefined ? {} : { ifMatch }),
    ...(typeof idempotencyKey === 'string' ? { idempotencyKey } : {}),
  };
  const { etag, replayed, body: answer } = await carryOut(services, operation, order);
  reply.header('etag', etag);
  if (replayed) reply.header('idempotent-replayed', 'true');
  return reply.send(answer);
}

async function job(operation: JobOperation, services: Services, request: FastifyRequest, reply: FastifyReply) {
  const input = inputOf(request);
  const { of, run } = await operation.work(services, input);
  const by = callerOf(request)!.name;
  const begun = services.jobs.begin({ what: operation.id, of, by, input: input.body, run });
  return reply.code(202).header('location', `/v1/jobs/${begun.id}`).send(begun);
}
