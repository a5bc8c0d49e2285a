import { type Clock, systemClock } from '../clock.ts';
import { LIMITS } from '../limits.ts';
import type { Callback, Callbacks } from './callbacks.ts';
import { PROTOCOLS } from './identities.ts';
import type { Inbox, Received } from './inbox.ts';
import { header, type Message } from './message.ts';
import type { Checked } from './signatures.ts';
import type { Put } from './storing.ts';

export interface Request extends Message {
  readonly method: string;
  /** As it was sent, without the query: callbacks are known by it. */
  readonly path: string;
  readonly query: URLSearchParams;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface ReceiverOptions {
  readonly callbacks: Callbacks;
  readonly inbox: Inbox;
  readonly clock?: Clock;
  /** Bytes of a request's body; over it, 413. */
  readonly maxBytes?: number;
  /** Told what went wrong where the answer does not wait for it. */
  readonly onError?: (error: unknown) => void;
}

/** What came of the deliveries of this process. */
export type Counts = Record<'stored' | 'duplicate' | 'suspicious' | 'unreadable' | 'tooLarge' | 'unsure', number>;

export interface Receiver {
  /** Never throws: what fails is answered 503, so that it is sent again. */
  receive(request: Request): Promise<Answer>;
  readonly maxBytes: number;
  readonly counts: Readonly<Counts>;
  /** Resolves when all that was said to `Callbacks` beside an answer is said: before the process ends. */
  settled(): Promise<void>;
}

/** Answers what is sent to callback URLs, whichever server took the request. */
export function receiver(options: ReceiverOptions): Receiver {
  const { callbacks, clock = systemClock, maxBytes = LIMITS.deliveryBytes, onError = () => {} } = options;
  const counts: Counts = { stored: 0, duplicate: 0, suspicious: 0, unreadable: 0, tooLarge: 0, unsure: 0 };
  const beside = new Set<Promise<void>>();
  const tell = (told: Promise<void>) => {
    const done: Promise<void> = told.catch(onError).finally(() => beside.delete(done));
    beside.add(done);
  };
  const context: Context = { ...options, clock, counts, tell };
  return {
    maxBytes,
    counts,
    receive: async (request) => {
      try {
        if (request.body.length > maxBytes) return count(context, 'tooLarge', 413);
        const callback = await callbacks.find(request.path);
        if (!callback) return answer(404);
        return (await BY_METHOD[request.method]?.(context, callback, request)) ?? { ...answer(405), headers: ALLOW };
      } catch (error) {
        onError(error);
        return answer(503);
      }
    },
    settled: async () => {
      await Promise.all(beside);
      await callbacks.settled?.();
    },
  };
}

interface Context extends ReceiverOptions {
  readonly clock: Clock;
  readonly counts: Counts;
  readonly tell: (told: Promise<void>) => void;
}

/** Undefined: the method is none of this callback's. */
type Answering = (context: Context, callback: Callback, request: Request) => Promise<Answer> | Answer | undefined;

const BY_METHOD: Readonly<Record<string, Answering>> = {
  GET: verification,
  HEAD: (_, { gone }) => answer(gone ? 410 : 200),
  POST: delivery,
  OPTIONS: permission,
};

const ALLOW = { allow: 'GET, HEAD, POST' };

const signedOf = ({ headers, body }: Request, { url }: Callback): Message =>
  url === undefined ? { headers, body } : { headers, body, url };

/**
 * CloudEvents 1.0.2, HTTP 1.1 Web Hooks, section 4: who asks whether it may post is told so, at any rate, where somebody
 * is to. Silence about the origin means no.
 */
function permission(_: Context, { protocol, gone, wanted = true }: Callback, { headers }: Request): Answer | undefined {
  if (protocol !== 'cloudevents') return undefined;
  if (gone) return answer(410);
  const origin = header({ headers }, 'webhook-request-origin');
  const allow = { allow: 'GET, HEAD, OPTIONS, POST' };
  if (!wanted || !origin) return { ...answer(200), headers: allow };
  return {
    ...answer(200),
    headers: { ...allow, 'webhook-allowed-origin': origin, 'webhook-allowed-rate': '*' },
  };
}

const answer = (status: number, body = ''): Answer => ({ status, headers: body === '' ? {} : PLAIN, body });

/** What is echoed came from outside: no browser shall take it for a page. */
const PLAIN = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' };

function count({ counts }: Context, what: keyof Counts, status: number): Answer {
  counts[what]++;
  return answer(status);
}

/** W3C WebSub, section 5.3. That it is confirmed is stored before the challenge is echoed: a hub asks only so often. */
async function verification(context: Context, callback: Callback, { query }: Request): Promise<Answer> {
  const { subscription, side, topic } = callback;
  const mode = query.get('hub.mode');
  if (query.get('hub.topic') !== topic) return answer(404);
  if (mode === 'denied') {
    context.tell(context.callbacks.denied({ subscription, side, reason: query.get('hub.reason') ?? '' }));
    return answer(200);
  }
  const challenge = query.get('hub.challenge');
  if ((mode !== 'subscribe' && mode !== 'unsubscribe') || !challenge) return answer(404);
  const leaseSeconds = leaseOf(query.get('hub.lease_seconds'));
  const lease = leaseSeconds === undefined ? {} : { leaseSeconds };
  const meant = await context.callbacks.verified({ subscription, side, mode, topic, ...lease });
  return meant ? answer(200, challenge) : answer(404);
}

const leaseOf = (text: string | null): number | undefined =>
  text !== null && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined;

async function delivery(context: Context, callback: Callback, request: Request): Promise<Answer> {
  if (callback.gone) return answer(410);
  if (callback.unready) return count(context, 'unsure', 503);
  const row = PROTOCOLS[callback.protocol];
  const signed = callback.secrets.length > 0;
  if (signed) {
    const checked = row.signature(signedOf(request, callback), callback.secrets, context.clock.now());
    if (checked !== 'valid') return refuse(context, callback, checked);
  }
  const found = row.identify(request);
  switch (found.is) {
    case 'challenge':
      return urlVerification(context, callback, found.challenge);
    case 'nothing':
      context.tell(Promise.reject(new TypeError(`${callback.subscription}: a delivery with ${found.why}.`)));
      return count(context, 'unreadable', 400);
    case 'events':
      return stored(context, callback, await context.inbox.put(receivedOf(callback, request), found.events));
    case 'state':
      return stored(
        context,
        callback,
        await context.inbox.putState(receivedOf(callback, request), found.hash, request.body),
      );
  }
}

/** A signature that is missing or too old is refused, so that a sender who means well can sign and send again. */
function refuse(context: Context, callback: Callback, checked: Exclude<Checked, 'valid'>): Answer {
  const { subscription, side, protocol } = callback;
  context.tell(context.callbacks.suspicious({ subscription, side, why: checked }));
  return count(context, 'suspicious', checked === 'mismatch' ? PROTOCOLS[protocol].mismatch : 401);
}

async function urlVerification(context: Context, callback: Callback, challenge: string): Promise<Answer> {
  const { subscription, side, topic } = callback;
  const meant = await context.callbacks.verified({ subscription, side, mode: 'subscribe', topic });
  return meant ? answer(200, challenge) : answer(404);
}

/** 2xx means receipt, and is said when it is durable. A duplicate of what is there is a receipt too. */
function stored(context: Context, { subscription, side, secrets, proven, protocol }: Callback, put: Put): Answer {
  if (put.status === 'tooLarge') return count(context, 'tooLarge', 413);
  if (put.status === 'unsure') return count(context, 'unsure', 503);
  if (secrets.length > 0 && !proven) context.tell(context.callbacks.delivered({ subscription, side }));
  return count(context, put.status, PROTOCOLS[protocol].receipt ?? 202);
}

/** Not kept: what lets whoever reads the inbox in. */
const CREDENTIALS = new Set(['authorization', 'cookie', 'proxy-authorization']);

function receivedOf({ subscription, side, scope, topic, protocol, secrets }: Callback, request: Request): Received {
  const names = Object.keys(request.headers).filter((name) => !CREDENTIALS.has(name));
  return {
    subscription,
    side,
    scope,
    topic,
    protocol,
    signed: secrets.length > 0,
    contentType: header(request, 'content-type') ?? 'application/octet-stream',
    headers: Object.fromEntries(names.map((name) => [name, header(request, name) ?? ''])),
  };
}
