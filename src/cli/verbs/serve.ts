import { serverConfig } from '../../define/server.ts';
import type { Worker, WorkerEvents } from '../../engine/worker.ts';
import { HandoverError } from '../../errors.ts';
import type { ServeOptions } from '../../server/serve.ts';
import { workLog } from '../log.ts';
import { type Session, type Verb, wholeNumber } from '../verb.ts';
import { version } from '../version.ts';
import { openWorker, withWorker } from './work.ts';

interface Options {
  readonly host?: string;
  readonly port?: number;
  readonly page: boolean;
  readonly receiver: boolean;
  readonly worker: boolean;
}

export const serveVerb: Verb<Options> = {
  usage: 'serve',
  summary: 'serve the admin API, receive webhooks and run a worker, until SIGINT or SIGTERM; logs go to stderr',
  configure: (command) =>
    command
      .option('--host <address>', 'where to listen (default: `server.host`, or 127.0.0.1)')
      .option('--port <n>', 'which port (default: `server.port`, or 8400)', wholeNumber('--port', 0, 65_535))
      .option('--no-page', 'without the web page and the page to try the API')
      .option('--no-receiver', 'without the receiver of webhooks')
      .option('--no-worker', 'without a worker: others run'),
  async run(opened, _args, options) {
    const log = workLog(opened);
    // Loaded here, for no other verb needs it: it takes its time.
    const { serve } = await import('../../server/serve.ts');
    const { Metrics } = await import('../../server/metrics/metrics.ts');
    const metrics = new Metrics(opened.clock);
    const session = { ...opened, store: metrics.watched(opened.store) };
    const { host, port } = options;
    const config = {
      ...(session.project.config.server ?? serverConfig()),
      ...(host === undefined ? {} : { host }),
      ...(port === undefined ? {} : { port }),
    };
    const worker = async (signal: AbortSignal) => {
      const work = async (each: Worker) => {
        await each.run(signal);
        return [];
      };
      // Of any worker's pause the server tells: see docs/monitoring.md, Notifications.
      await withWorker({ ...session, signal }, log, work, { ...metrics.events, paused: () => {} });
    };
    const hands = config.push && (await handsOf(session, log, metrics.events));
    let url = '';
    const serving = serve({
      services: session,
      config,
      log,
      metrics,
      user: session.io.user,
      version: version(),
      page: options.page,
      signal: session.signal,
      onListening: (at) => {
        url = at;
      },
      ...(options.receiver ? { receiver: await receiverOf(session, log) } : {}),
      ...(options.worker ? { worker } : {}),
      ...(hands ? { pushed: hands.pushed } : {}),
    });
    await serving.finally(hands?.close);
    return { data: { url }, text: `Served ${url}.` };
  },
};

/** Who works on what is pushed here, and nothing else: a process that is only there while it is asked something. */
async function handsOf(session: Session, log: ServeOptions['log'], events: WorkerEvents) {
  const { worker, dispatch, close } = await openWorker(session, log, { ...events, paused: () => {} });
  if (!dispatch) {
    await close();
    throw new HandoverError('config.invalid', '`server.push` needs `dispatch`: ranges are published by whoever tends.');
  }
  const { take, tend } = { take: worker.take.bind(worker), tend: worker.tend.bind(worker) };
  return { pushed: { dispatch, take, tend }, close };
}

async function receiverOf({ store, clock }: Session, log: ServeOptions['log']) {
  const { Inbox, receiver, storedCallbacks } = await import('../../webhooks/index.ts');
  const onError = (error: unknown) => log.error({ event: 'delivery.failed', err: error });
  const callbacks = storedCallbacks(store, clock, {
    onError,
    onDenied: (denial) => log.warn({ event: 'hub.denied', ...denial }),
  });
  return receiver({ callbacks, inbox: new Inbox({ store, clock }), clock, onError });
}
