import helmet from '@fastify/helmet';
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { ServerConfig } from '../define/server.ts';
import { documentKey } from '../engine/documents.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { fastifyReceiver } from '../webhooks/fastifyReceiver.ts';
import type { Receiver } from '../webhooks/receive.ts';
import { type Access, CHALLENGES, checkRole } from './access.ts';
import { checkLocal, checkOrigin } from './guard.ts';
import { live } from './live/live.ts';
import type { Metrics } from './metrics/metrics.ts';
import { describeApi } from './openapi.ts';
import { OPERATIONS } from './operations/index.ts';
import type { Services } from './operations/operation.ts';
import { servePage } from './page.ts';
import { patientStore } from './patience.ts';
import { sendProblem } from './problems.ts';
import { type Pushed, pushReceiver } from './push.ts';
import { ratesOf } from './rates.ts';
import { addRoute, callerOf, setCaller } from './routes.ts';
import { refuseBytes, refuseUrl } from './unread.ts';

/** A part of the server that is made elsewhere: a Fastify plugin behind the same guards, for viewers and above. */
export type Part = (app: FastifyInstance, services: Services) => Promise<void>;

export interface AppOptions {
  readonly services: Services;
  readonly config: ServerConfig;
  readonly access: Access;
  readonly log: Logger;
  readonly version: string;
  /** Whether it has a page to try the API. */
  readonly page: boolean;
  /** Answers what is below `config.receiver`; unset: nothing does. */
  readonly receiver?: Receiver;
  /** What this process counts, for /metrics. */
  readonly metrics?: Metrics;
  /** Works on what is pushed, as `config.push` says; unset: nothing is. */
  readonly pushed?: Pushed;
  /** Further parts. */
  readonly parts?: readonly Part[];
  /** Aborts when it is told to end. */
  readonly ending: AbortSignal;
}

/** The server, not listening yet. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { config, log, receiver } = options;
  const app: FastifyInstance = fastify({
    // What it tells by itself at level info has no `event`, and we tell it, too.
    loggerInstance: log.child({}, { level: 'warn' }) as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: LIMITS.requestBytes,
    requestTimeout: LIMITS.requestMs,
    connectionTimeout: 2 * LIMITS.requestMs,
    trustProxy: config.proxies.length > 0 ? [...config.proxies] : false,
    // A key of the most bytes, each of them escaped.
    routerOptions: { maxParamLength: 3 * LIMITS.keyBytes },
    // Callbacks are known by their very paths, and some of those are secrets: none is logged.
    frameworkErrors: refuseUrl(log),
    clientErrorHandler: refuseBytes(log),
    genReqId: () => options.services.clock.id(8),
  });
  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler(() => {
    throw new HandoverError('request.missing', 'Nothing is there.');
  });
  app.addHook('onResponse', async (request, reply) => {
    const { url: route = 'none' } = request.routeOptions;
    const ms = Math.round(reply.elapsedTime);
    const { method, ip: from } = request;
    log.info({
      event: 'request.answered',
      method,
      route,
      status: reply.statusCode,
      ms,
      by: callerOf(request)?.name,
      from,
    });
  });
  await app.register(helmet, HEADERS);
  health(app, options);
  if (receiver) await app.register(fastifyReceiver(receiver), { prefix: config.receiver });
  if (options.pushed && config.push) {
    const ending = options.ending;
    const push = { ...options.pushed, config: config.push, clock: options.services.clock, signal: ending };
    await app.register(pushReceiver(push), { prefix: '/dispatch' });
  }
  if (options.page) await app.register((scope) => servePage(scope, {}));
  await app.register((scope) => guarded(scope, options));
  return app;
}

/** A page of ours loads what is ours, and is shown in no frame. Over http on loopback nothing is to be upgraded. */
const HEADERS = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      connectSrc: ["'self'"],
      fontSrc: ["'self'", 'data:'],
      imgSrc: ["'self'", 'data:'],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'", "'unsafe-inline'"],
      baseUri: ["'none'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
    },
  },
  strictTransportSecurity: false,
};

/** For whoever watches the process: nothing has to be shown, and nothing is told but whether it lives. */
function health(app: FastifyInstance, { services, ending }: AppOptions): void {
  const answers = storeAnswers(services);
  app.get('/livez', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_, reply) => {
    const ready = !ending.aborted && (await answers()) && !ending.aborted;
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'unavailable' });
  });
}

/** Whether it does. Anybody may ask, as often as he likes: the store is asked once in a while, by all together. */
function storeAnswers({ store, clock }: Services): () => Promise<boolean> {
  let last: { readonly at: number; readonly answer: Promise<boolean> } | undefined;
  const ask = (): Promise<boolean> =>
    patientStore(store, AbortSignal.timeout(LIMITS.requestMs))
      .read([documentKey('campaign', 'readyz')])
      .then(
        () => true,
        () => false,
      );
  return () => {
    const at = clock.ticks();
    if (!last || at - last.at >= LIMITS.readyMs) last = { at, answer: ask() };
    return last.answer;
  };
}

/** All else: first whence it comes, then who asks and how often, and only then what. */
async function guarded(app: FastifyInstance, options: AppOptions): Promise<void> {
  const { services, access, version, page, parts = [] } = options;
  app.setValidatorCompiler<z.ZodType | object>(({ schema }) => (value) => {
    const checked = schema instanceof z.ZodType ? schema.safeParse(value) : { success: true as const, data: value };
    return checked.success ? { value: checked.data } : { error: checked.error };
  });
  // Forms of other pages can send text: nothing here takes it.
  app.removeContentTypeParser('text/plain');
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  app.addHook('onRequest', async (request, reply) => {
    if (access.open) checkLocal(request);
    checkOrigin(request);
    reply.header('cache-control', 'no-store');
  });
  const rates = await ratesOf(app);
  // Before a body is read.
  app.addHook('preParsing', async (request, reply) => {
    const caller = await access.caller(request.headers).catch(async (error: HandoverError) => {
      await rates.failed(request, reply);
      // A page of ours asks for the token itself: a challenge would have the browser ask first.
      const isScript = request.headers['sec-fetch-dest'] === 'empty';
      if (error.code === 'access.missing' && !isScript) reply.header('www-authenticate', CHALLENGES);
      throw error;
    });
    setCaller(request, caller);
    await rates.let(request, reply);
    checkRole(caller, 'viewer');
  });
  await describeApi(app, { page, version });
  app.get('/v1/openapi.json', { schema: { hide: true } as object }, async () => app.swagger());
  for (const operation of OPERATIONS) addRoute(app, operation, services, options.log);
  for (const part of [live(options), ...parts]) await app.register((scope) => part(scope, services));
}
