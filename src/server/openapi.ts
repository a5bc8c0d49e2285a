import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { z } from 'zod';
import { LIMITS } from '../limits.ts';
import type { Operation } from './operations/operation.ts';
import { problemSchema } from './problems.ts';

const TITLE = 'handover admin API';

/** The OpenAPI 3.1 document, made of the routes as they are registered after this, and a page to try it. */
export async function describeApi(app: FastifyInstance, { page, version }: { page: boolean; version: string }) {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: TITLE, version, description: 'All verbs of the command line. docs/admin-api.md explains it.' },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'A token of this server, or an ID token' },
          basic: { type: 'http', scheme: 'basic', description: 'A token as the password; the name is ignored' },
        },
      },
      security: [{ bearer: [] }, { basic: [] }],
    },
    transform: ({ schema, url }) => ({ schema: jsonSchemas((schema ?? {}) as Record<string, unknown>), url }),
  });
  if (page) await app.register(swaggerUi, { routePrefix: '/docs', theme: { title: TITLE } });
}

/** Ours are zod's; what plugins bring is left as it is. */
function jsonSchemas(schema: Readonly<Record<string, unknown>>): FastifySchema {
  const shown = (value: unknown): unknown => {
    if (value instanceof z.ZodType) {
      const { $schema: _, ...json } = z.toJSONSchema(value, { io: 'input' });
      return json;
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shown(each)]));
  };
  return shown(schema) as FastifySchema;
}

const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: problemSchema } },
});

const ok = (description: string, schema: z.ZodType = z.looseObject({})) => ({
  description,
  content: { 'application/json': { schema } },
});

const headers = z.object({
  'if-match': z.string().max(1_000).optional().meta({ description: 'The ETag that the campaign was seen with, or *' }),
  'idempotency-key': z
    .string()
    .min(1)
    .max(LIMITS.idempotencyKeyCharacters)
    .optional()
    .meta({ description: 'Asked again with the same key, a command is not carried out again' }),
});

/** What the document says of an operation, and what its route checks. */
export function schemaOf(operation: Operation): FastifySchema {
  const { id, kind, summary, role, verb, params, query, body } = operation;
  const like = verb === undefined ? '' : ` As \`handover ${verb} --json\`.`;
  return {
    operationId: id,
    tags: [kind === 'look' ? 'looks' : kind === 'command' ? 'commands' : 'jobs'],
    summary,
    description: `For ${role}s and above.${like}`,
    ...(params ? { params } : {}),
    ...(query ? { querystring: query } : {}),
    ...(body ? { body } : {}),
    ...(kind === 'command' ? { headers } : {}),
    response: {
      ...(kind === 'job' ? { 202: ok('It has begun; Location says where to look') } : { 200: ok('Done') }),
      '4xx': problem('Refused: the code says why, and nothing was done'),
      '5xx': problem('Not known to be done: ask again, a command with its Idempotency-Key'),
    },
  } as FastifySchema;
}
