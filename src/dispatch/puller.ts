import type { v1 } from '@google-cloud/pubsub';
import type { Clock } from '../clock.ts';
import type { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { type Answer, type Hint, hintOf, type Receiving } from './dispatch.ts';

interface PullerOptions extends Receiving {
  readonly subscriber: Pick<v1.SubscriberClient, 'pull' | 'acknowledge' | 'modifyAckDeadline'>;
  /** Of the subscription, in full. */
  readonly name: string;
  readonly clock: Clock;
  readonly work: (hint: Hint) => Promise<Answer>;
  readonly failed: (what: string, cause: unknown) => HandoverError;
}

/**
 * Lanes that each ask for one message, work on it, and answer it, before they ask for the next. So nobody has what he does
 * not work on, and a worker that dies takes no more along than it was at.
 */
export class Puller {
  readonly #options: PullerOptions;
  /** Aborts when the signal does, or one lane was told what will be no better in a while. */
  readonly #over = new AbortController();
  readonly #signal: AbortSignal;
  readonly #aborted: Promise<'aborted'>;

  constructor(options: PullerOptions) {
    this.#options = options;
    this.#signal = AbortSignal.any([options.signal, this.#over.signal]);
    this.#aborted = new Promise((resolve) => {
      if (this.#signal.aborted) resolve('aborted');
      this.#signal.addEventListener('abort', () => resolve('aborted'), { once: true });
    });
  }

  /** Until the signal aborts. Rejects with `dispatch.missing` or `dispatch.denied`. */
  async run(): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.lanes }, () => this.#lane()));
    if (this.#over.signal.aborted) throw this.#over.signal.reason;
  }

  async #lane(): Promise<void> {
    const { clock, failed, onFaltered, name } = this.#options;
    let pauseMs: number = LIMITS.callPauseMs;
    while (!this.#signal.aborted) {
      try {
        await this.#next();
        pauseMs = LIMITS.callPauseMs;
      } catch (cause) {
        if (this.#signal.aborted) return;
        const error = failed(`pull from ${name}`, cause);
        if (error.code !== 'dispatch.unavailable') return this.#over.abort(error);
        onFaltered(error);
        await clock.sleep(pauseMs, this.#signal);
        pauseMs = Math.min(2 * pauseMs, LIMITS.controlPauseMostMs);
      }
    }
  }

  async #next(): Promise<void> {
    const { subscriber, name: subscription, work } = this.#options;
    const pulling = this.#pull();
    const received = await Promise.race([pulling, this.#aborted]);
    if (received === 'aborted') {
      // The client cannot take a pull back. What it still brings is given to somebody else, as far as that goes.
      pulling.then((late) => (late?.ackId ? this.#keep(late.ackId, 0) : undefined)).catch(() => undefined);
      return;
    }
    const { ackId, message } = received ?? {};
    if (!ackId) return;
    const hint = hintOf(String(message?.data ?? ''));
    // One of somebody else, or of a version to come: nobody here will ever understand it.
    const given = hint ? await this.#kept(ackId, () => work(hint)) : 'done';
    if (given === 'done') await subscriber.acknowledge({ subscription, ackIds: [ackId] }, CALL);
    else await this.#keep(ackId, 0);
  }

  /** One message, if one comes in time. */
  async #pull() {
    const { subscriber, name: subscription } = this.#options;
    try {
      const [answer] = await subscriber.pull({ subscription, maxMessages: 1 }, { timeout: LIMITS.pullMs, ...ONCE });
      return answer.receivedMessages?.[0];
    } catch (cause) {
      if ((cause as { readonly code?: unknown }).code === DEADLINE_EXCEEDED) return undefined;
      throw cause;
    }
  }

  /** Keeps a message from others while somebody is at it. */
  async #kept<R>(ackId: string, act: () => Promise<R>): Promise<R> {
    const { clock } = this.#options;
    const done = new AbortController();
    const keeping = (async () => {
      while (!done.signal.aborted) {
        // Where it fails, somebody else gets the message, and finds the range in this one's hands.
        await this.#keep(ackId, LIMITS.messageMs).catch(() => undefined);
        await clock.sleep(LIMITS.messageMs / 3, done.signal);
      }
    })();
    try {
      return await act();
    } finally {
      done.abort();
      await keeping;
    }
  }

  async #keep(ackId: string, ms: number): Promise<void> {
    const { subscriber, name: subscription } = this.#options;
    await subscriber.modifyAckDeadline({ subscription, ackIds: [ackId], ackDeadlineSeconds: ms / 1_000 }, CALL);
  }
}

/** Of gRPC. */
const DEADLINE_EXCEEDED = 4;

/** Nothing is tried again but here. The library asks for all of these numbers, and uses none. */
const ONCE = {
  retry: {
    retryCodes: [],
    backoffSettings: {
      initialRetryDelayMillis: 0,
      retryDelayMultiplier: 1,
      maxRetryDelayMillis: 0,
      initialRpcTimeoutMillis: null,
      rpcTimeoutMultiplier: null,
      maxRpcTimeoutMillis: null,
      totalTimeoutMillis: null,
    },
  },
};
const CALL = { timeout: LIMITS.callMs, ...ONCE };
