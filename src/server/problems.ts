import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { HandoverError } from '../errors.ts';
import type { Wire } from '../wire.ts';

/** What is told of an error, with our code. */
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    code: z.string().meta({ description: 'One of docs/errors.md, or `unexpected`: the contract' }),
    detail: z.string().exactOptional(),
    wayOut: z.string().exactOptional().meta({ description: 'What to do about it' }),
    facts: z.record(z.string(), z.unknown()).exactOptional(),
  })
  .meta({ id: 'Problem', description: 'Problem details, RFC 9457' });

export type Problem = Wire<typeof problemSchema>;

/** The first row whose prefix fits decides. */
const STATUS: readonly (readonly [prefix: string, status: number, title: string])[] = [
  ['access.missing', 401, 'Unauthorized'],
  ['access.denied', 403, 'Forbidden'],
  ['access.unreachable', 503, 'Service Unavailable'],
  ['request.missing', 404, 'Not Found'],
  ['request.tooLarge', 413, 'Content Too Large'],
  ['request.type', 415, 'Unsupported Media Type'],
  ['request.repeated', 422, 'Unprocessable Content'],
  ['request.unconditional', 428, 'Precondition Required'],
  ['request.tooMany', 429, 'Too Many Requests'],
  ['request.slow', 503, 'Service Unavailable'],
  ['request.', 400, 'Bad Request'],
  ['usage.', 400, 'Bad Request'],
  ['key.', 400, 'Bad Request'],
  ['campaign.changed', 412, 'Precondition Failed'],
  ['campaign.missing', 404, 'Not Found'],
  ['definition.missing', 404, 'Not Found'],
  ['record.missing', 404, 'Not Found'],
  ['job.missing', 404, 'Not Found'],
  ['job.refused', 429, 'Too Many Requests'],
  ['delivery.missing', 404, 'Not Found'],
  ['store.unsafe', 409, 'Conflict'],
  ['store.', 503, 'Service Unavailable'],
  ['wait.', 503, 'Service Unavailable'],
  ...['campaign.', 'gate.', 'home.', 'upgrade.', 'definition.', 'invariant.', 'record.', 'reverse.', 'delivery.'].map(
    (prefix) => [prefix, 409, 'Conflict'] as const,
  ),
];

const UNEXPECTED = {
  code: 'unexpected',
  status: 500,
  title: 'Internal Server Error',
  detail: 'This is a defect of handover, of the store, or of a definition. The log of the server says more.',
} as const;

/** Of what was not foreseen nothing is told: it may quote anything. */
export function problemOf(thrown: unknown): Problem {
  const error = known(thrown);
  const row = error && STATUS.find(([prefix]) => error.code.startsWith(prefix));
  if (!error || !row) return { type: 'about:blank', ...UNEXPECTED, ...(error ? { code: error.code } : {}) };
  const [, status, title] = row;
  const { code, detail, wayOut, facts } = error;
  const said = Object.keys(facts).length > 0 ? { facts } : {};
  return { type: `urn:handover:error:${code}`, title, status, code, detail, wayOut, ...said };
}

/** What the server's own parts throw, as errors of ours. */
function known(thrown: unknown): HandoverError | undefined {
  if (thrown instanceof HandoverError) return thrown;
  if (thrown instanceof z.ZodError) {
    const issues = thrown.issues.map(({ path, message }) => ({ field: path.join('.'), message }));
    const said = issues.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`)).join('; ');
    return new HandoverError('request.invalid', `${said}.`, { issues });
  }
  const { statusCode = 500, message } = (thrown ?? {}) as { statusCode?: number; message?: string };
  if (statusCode === 413) return new HandoverError('request.tooLarge', 'The body has too many bytes.');
  if (statusCode === 415) return new HandoverError('request.type', 'The body is not application/json.');
  if (statusCode >= 400 && statusCode < 500) return new HandoverError('request.invalid', `${message}.`);
  return undefined;
}

export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = problemOf(error);
  if (problem.status >= 500) request.log.error({ event: 'request.failed', err: error }, 'request.failed');
  return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
}
