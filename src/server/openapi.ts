import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { z } from 'zod';
import { campaignStatusSchema } from '../admin/statusSchema.ts';
import { LIMITS } from '../limits.ts';
import type { Operation } from './operations/operation.ts';
import { problemSchema } from './problems.ts';

const TITLE = 'handover admin API';

/** The OpenAPI 3.1 document, made of the routes as they are registered after this, and a page to try it. */
export async function describeApi(app: FastifyInstance, { page, version }: { page: boolean; version: string }) {
  const components = new Map<string, object>();
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
    transform: ({ schema, url }) => ({ schema: shown(schema ?? {}, components) as FastifySchema, url }),
    // By now `components` holds all that the routes refer to.
    transformObject: (document) => {
      if ('swaggerObject' in document) return document.swaggerObject;
      Object.assign(document.openapiObject.components!, { schemas: Object.fromEntries(components) });
      return document.openapiObject;
    },
  });
  if (page) await app.register(swaggerUi, { routePrefix: '/docs', theme: { title: TITLE } });
}

/** Ours are zod's; what plugins bring is left as it is. Schemas with an `id` are components, and referred to. */
function shown(value: unknown, components: Map<string, object>): unknown {
  if (value instanceof z.ZodType) {
    const { $schema: _, $defs = {}, ...json } = z.toJSONSchema(value, { io: 'input' });
    for (const [id, each] of Object.entries($defs)) components.set(id, referring(each));
    return referring(json);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shown(each, components)]));
}

const referring = (json: object): object =>
  JSON.parse(JSON.stringify(json).replaceAll('"$ref":"#/$defs/', '"$ref":"#/components/schemas/'));

const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: problemSchema } },
});

/** What every operation may answer. */
export const PROBLEMS = {
  '4xx': problem('Refused: the code says why, and nothing was done'),
  '5xx': problem('Not known to be done: ask again, a command with its Idempotency-Key'),
};

const ok = (description: string, schema: z.ZodType, headers: object) => ({
  description,
  headers,
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

const text = (description: string) => ({ type: 'string', description });
const BEGUN = { location: text('Where to look how far it is, and what came of it') };
const ETAG = { etag: text('What to send in If-Match with the next command') };
const REPLAYED = { 'idempotent-replayed': text('`true` where it had been carried out before, and was not again') };

/** What else comes with the answer. */
function tags({ kind, answer }: Operation) {
  if (kind === 'command') return { ...ETAG, ...REPLAYED };
  return answer === campaignStatusSchema ? ETAG : {};
}

/** What the document says of an operation, and what its route checks. */
export function schemaOf(operation: Operation): FastifySchema {
  const { id, kind, summary, role, verb, params, query, body, answer } = operation;
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
      ...(kind === 'job' ? { 202: ok('It has begun', answer, BEGUN) } : { 200: ok('Done', answer, tags(operation)) }),
      ...PROBLEMS,
    },
  } as FastifySchema;
}
