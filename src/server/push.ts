import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { PushConfig } from '../define/server.ts';
import { type Answer, type Dispatch, type Hint, hintOf } from '../dispatch/dispatch.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { idTokens } from './idTokens.ts';

/** Who works on what is pushed. */
export interface Pushed {
  readonly dispatch: Pick<Dispatch, 'publish'>;
  readonly take: (hint: Hint, signal: AbortSignal) => Promise<Answer>;
  readonly tend: (signal: AbortSignal) => Promise<void>;
}

interface PushOptions extends Pushed {
  readonly config: PushConfig;
  readonly clock: Clock;
  /** Aborts when the server is to end. */
  readonly signal: AbortSignal;
}

/** As Pub/Sub wraps a message: https://cloud.google.com/pubsub/docs/push. */
const envelope = z.object({ message: z.object({ data: z.base64().optional() }) });

/**
 * Ranges that Cloud Pub/Sub pushes: a request is a message, and works on its range for as long as the subscription waits for
 * an answer. Any answer but a 2xx is a message that comes again. `/tend`: for whoever calls now and then, as Cloud
 * Scheduler does, so that campaigns go on when no message is under way.
 */
export function pushReceiver(options: PushOptions): FastifyPluginAsync {
  const { config, clock, signal, take, tend } = options;
  const tokens = idTokens({ ...config, roles: { [config.account]: 'operator' } }, clock);
  let inHand = 0;

  /** Those it was signed for by the account that was named, and nobody else. */
  const check = async ({ headers }: FastifyRequest) => {
    const [, token] = /^bearer (.+)$/i.exec(headers.authorization ?? '') ?? [];
    if (!token) throw new HandoverError('access.missing', 'A push shows an ID token.');
    await tokens.caller(token);
  };

  /** What is not done by then is given back: by a new message, for one that is refused so often would count as poisoned. */
  const work = async (hint: Hint): Promise<boolean> => {
    const over = new AbortController();
    const due = new AbortController();
    void clock.sleep(config.deadlineSeconds * 1_000 * LIMITS.pushShare, over.signal).then(() => due.abort('due'));
    try {
      if ((await take(hint, AbortSignal.any([signal, due.signal]))) === 'done') return true;
      if (!due.signal.aborted) return false;
      await options.dispatch.publish([hint]);
      return true;
    } finally {
      over.abort();
    }
  };

  return async (app) => {
    app.addHook('onRequest', check);
    app.post('/', async (request, reply) => {
      const parsed = envelope.safeParse(request.body);
      const hint = parsed.success && hintOf(Buffer.from(parsed.data.message.data ?? '', 'base64').toString());
      // Nobody here will ever understand it, however often it comes.
      if (!hint) return reply.code(204).send();
      if (signal.aborted || inHand >= LIMITS.lanes) return reply.code(429).send();
      inHand++;
      try {
        const done = await work(hint);
        // It may have been the last one of its turn, and this the only process.
        await tend(signal);
        return reply.code(done ? 204 : 429).send();
      } finally {
        inHand--;
      }
    });
    app.post('/tend', async (_, reply) => {
      await tend(signal);
      return reply.code(204).send();
    });
  };
}
