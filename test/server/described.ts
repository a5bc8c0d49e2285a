import { Ajv2020 } from 'ajv/dist/2020.js';
import { pino } from 'pino';
import { systemClock } from '../../src/clock.ts';
import type { Project } from '../../src/define/load.ts';
import { serverSchema } from '../../src/define/server.ts';
import { createApp } from '../../src/server/app.ts';
import { Jobs } from '../../src/server/jobs.ts';
import { memoryStore } from '../../src/store/memory.ts';
import type { Body } from './harness.ts';

/** The OpenAPI document, as the server hands it out. */
export async function openApiDocument(): Promise<Body> {
  const log = pino({ level: 'silent' });
  const app = await createApp({
    services: {
      store: memoryStore(),
      migrations: [],
      clock: systemClock,
      project: {} as Project,
      jobs: new Jobs(systemClock, log),
    },
    config: serverSchema.parse({}),
    access: { open: false, caller: async () => ({ name: 'vera', role: 'viewer' }) },
    log,
    version: '0.0.0',
    page: false,
    ending: new AbortController().signal,
  });
  const { body } = await app.inject('/v1/openapi.json');
  await app.close();
  return JSON.parse(body) as Body;
}

/** With nothing allowed that it does not name: a client may meet more than it knows, a test may not. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const all = Object.fromEntries(Object.entries(schema).map(([name, each]) => [name, closed(each)]));
  return 'properties' in all ? { additionalProperties: false, ...all } : all;
}

interface Described {
  /** What the document says of an answer, as a JSON pointer into it; undefined of a path that it does not have. */
  readonly answer: (method: string, path: string, status: number, type: string) => string | undefined;
  /** What is wrong with the value; undefined where nothing is. */
  readonly fault: (pointer: string, value: unknown) => string | undefined;
}

async function describedBy(document: Body): Promise<Described> {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  ajv.addSchema(closed(document) as object, 'api');
  const paths = Object.keys(document['paths']).map((path) => ({
    path,
    fits: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`),
  }));
  return {
    answer(method, asked, status, type) {
      const found = paths.find(({ path, fits }) => fits.test(asked) && document['paths'][path][method]);
      if (!found) return undefined;
      const { responses } = document['paths'][found.path][method];
      const name = status in responses ? status : `${String(status)[0]}XX`;
      const at = ['paths', found.path, method, 'responses', name, 'content', type, 'schema'];
      return `#/${at.map((each) => String(each).replaceAll('/', '~1')).join('/')}`;
    },
    fault(pointer, value) {
      const validate = ajv.getSchema(`api${pointer}`);
      if (!validate) return `the document has no ${pointer}`;
      return validate(value) ? undefined : ajv.errorsText(validate.errors);
    },
  };
}

let described: Promise<Described> | undefined;
const theDescribed = () => {
  described ??= openApiDocument().then(describedBy);
  return described;
};

const PROBLEM = '#/components/schemas/Problem';

/** Throws where a JSON answer is not what the document says of it. */
export async function checkAnswer(
  { method, url }: { readonly method: string; readonly url: string },
  { status, type, body }: { readonly status: number; readonly type: string; readonly body: unknown },
): Promise<void> {
  const { answer, fault } = await theDescribed();
  const { pathname } = new URL(url);
  const at = answer(method.toLowerCase(), pathname, status, type) ?? (/problem/.test(type) ? PROBLEM : undefined);
  const wrong = at && fault(at, body);
  if (wrong) throw new Error(`${method} ${pathname}: its answer ${status} is not as described: ${wrong}`);
}

/** Throws where a value, sent as JSON, is not what the component of this name is. */
export async function checkComponent(name: string, value: unknown): Promise<void> {
  const told: unknown = JSON.parse(JSON.stringify(value));
  const wrong = (await theDescribed()).fault(`#/components/schemas/${name}`, told);
  if (wrong) throw new Error(`This is no ${name}: ${wrong}`);
}
