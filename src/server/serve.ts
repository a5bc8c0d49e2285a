import type { FastifyInstance } from 'fastify';
import { isLoopback, type ServerConfig } from '../define/server.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Receiver } from '../webhooks/receive.ts';
import { accessOf } from './access.ts';
import { type AppOptions, createApp } from './app.ts';
import { Jobs } from './jobs.ts';
import { notify } from './notify/notify.ts';
import type { Services } from './operations/operation.ts';

export interface ServeOptions extends Pick<AppOptions, 'log' | 'version' | 'page' | 'parts' | 'metrics' | 'pushed'> {
  readonly services: Omit<Services, 'jobs'>;
  readonly config: ServerConfig;
  /** Who uses this machine: the name of everybody, where nothing has to be shown. */
  readonly user: string;
  readonly receiver?: Receiver;
  /** Works until the signal aborts; unset: others do. */
  readonly worker?: (signal: AbortSignal) => Promise<void>;
  /** Ends it all. */
  readonly signal: AbortSignal;
  /** Called with the address when it listens. */
  readonly onListening?: (url: string) => void;
}

/**
 * Serves until the signal aborts, then ends within `LIMITS.shutdownMs`: requests under way are answered, the worker's page
 * is finished and its checkpoint committed, jobs stop after their page. Throws what ended the worker, if that was a
 * defect, and `config.invalid` where anybody could come in.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { config, log, signal, user } = options;
  const { clock } = options.services;
  const access = accessOf(config, clock, user);
  if (access.open && !isLoopback(config.host)) {
    const detail = `Bound to ${config.host} without \`server.tokens\` and \`server.oidc\`, anybody could command.`;
    throw new HandoverError('config.invalid', detail);
  }
  const jobs = new Jobs(clock, log);
  const failed = new AbortController();
  const ending = AbortSignal.any([signal, failed.signal]);
  const app = await createApp({
    ...options,
    services: { ...options.services, jobs },
    access,
    ending,
  });
  const url = await listen(app, config);
  log.info({ event: 'server.started', url, page: options.page, receiver: options.receiver ? config.receiver : false });
  if (access.open) log.warn({ event: 'server.opened', url, meaning: `Whoever uses this machine commands as ${user}.` });
  options.onListening?.(url);
  const working = options.worker?.(ending).catch((error) => failed.abort(error));
  const notifying = notify({ ...options, endpoints: config.notify }, ending);
  await aborted(ending);
  await end(app, jobs, Promise.all([working, notifying]), options);
  if (failed.signal.aborted) throw failed.signal.reason;
}

async function listen(app: FastifyInstance, { host, port }: ServerConfig): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (cause) {
    await app.close();
    const { code } = cause as NodeJS.ErrnoException;
    throw new HandoverError('config.invalid', `${host}:${port} cannot be listened on: ${code}.`, {}, { cause });
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

async function end(
  app: FastifyInstance,
  jobs: Jobs,
  working: Promise<unknown>,
  { log, receiver, services: { clock } }: ServeOptions,
): Promise<void> {
  log.info({ event: 'server.stopping' });
  const done = new AbortController();
  const all = Promise.all([app.close(), jobs.stopAll(), working, receiver?.settled()]).finally(() => done.abort());
  await Promise.race([all, clock.sleep(LIMITS.shutdownMs, done.signal)]);
  const inTime = done.signal.aborted;
  // Whoever holds a connection open holds up nobody.
  if (!inTime) app.server.closeAllConnections();
  log.info({ event: 'server.stopped', inTime });
}
