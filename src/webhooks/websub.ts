import { type Clock, systemClock } from '../clock.ts';
import type { Discovery, Fetched, Hub, HubAnswer, HubRequest } from '../define/hub.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { failureOf } from './answers.ts';
import { linksInBody, linksInHeaders } from './links.ts';
import { type Answered, httpUrl, type OutboundOptions, outbound, type Send } from './outbound.ts';

export interface WebSubOptions extends OutboundOptions {
  /** For messages and stored states. */
  readonly name?: string;
  /** For hubs of PubSubHubbub 0.3, which want to be told how to verify; in order of preference. */
  readonly verify?: readonly ('async' | 'sync')[];
  /** Secrets may be sent without TLS: for tests, and networks that nobody else listens to. */
  readonly plainHttp?: boolean;
  readonly clock?: Clock;
}

const TOPIC_REDIRECTS = [301, 302, 307, 308];
/** The two that keep the method: after the others a POST would become a GET. */
const HUB_REDIRECTS = [307, 308];

/** Any hub of WebSub (W3C Recommendation of 2018-01-23) or of PubSubHubbub 0.4 or 0.3, found where the topic says it is. */
export function websub(options: WebSubOptions = {}): Hub & Required<Pick<Hub, 'fetch'>> {
  const { name = 'websub', clock = systemClock } = options;
  const send = outbound(options);
  return {
    name,
    shape: 'overlap',
    discover: (topic) => discover(send, topic, clock),
    subscribe: (request) => ask(send, 'subscribe', request, options),
    unsubscribe: (request) => ask(send, 'unsubscribe', request, options),
    async fetch(topic): Promise<Fetched> {
      const { headers, body, whole } = await get(send, topic, clock);
      if (!whole) throw unreachable(topic, 'its body is too long, or was cut off');
      return { contentType: headers.get('content-type')?.[0] ?? '', body };
    },
  };
}

/** WebSub, section 4: the Link headers first, and what is missing there in the body. */
async function discover(send: Send, topic: string, clock: Clock): Promise<Discovery> {
  const answer = await get(send, topic, clock);
  let { hubs, self } = linksInHeaders(answer);
  if (hubs.length === 0 || self === undefined) {
    const body = linksInBody(answer);
    if (hubs.length === 0) hubs = body.hubs;
    self ??= body.self;
  }
  const hub = hubs.find((url) => httpUrl(url)?.protocol === 'https:') ?? hubs[0];
  if (hub === undefined) throw new HandoverError('topic.hubless', `${answer.url} has no link to a hub.`, { topic });
  // Feeds of PubSubHubbub 0.3 need not say what they are called: then it is where they were found.
  return { topic: self ?? answer.url, hub };
}

/** Throws `topic.unreachable` for anything but a body. */
async function get(send: Send, topic: string, clock: Clock): Promise<Answered> {
  const answer = await send({
    method: 'GET',
    url: topic,
    // One preference for all: the hub asks for no more, and would see another topic otherwise.
    headers: { accept: '*/*' },
    follow: { codes: TOPIC_REDIRECTS },
    mostBytes: LIMITS.topicBytes,
  });
  const failure = failureOf(answer, clock);
  if (failure || answer.status !== 'answered') throw unreachable(topic, failure?.cause ?? '');
  return answer;
}

const unreachable = (topic: string, cause: string) =>
  new HandoverError('topic.unreachable', `${topic}: ${cause}.`, { topic, cause });

type Mode = 'subscribe' | 'unsubscribe';

/** WebSub, section 5.1. */
async function ask(send: Send, mode: Mode, request: HubRequest, options: WebSubOptions): Promise<HubAnswer> {
  const cause = objection(mode, request, options);
  if (cause !== undefined) return { status: 'refused', cause, again: false };
  const secure = mode === 'subscribe' && request.secret !== undefined && !options.plainHttp;
  const answer = await send({
    method: 'POST',
    url: request.hub,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: formOf(mode, request, options).toString(),
    follow: { codes: HUB_REDIRECTS, secure },
  });
  const failure = failureOf(answer, options.clock ?? systemClock);
  if (failure || answer.status !== 'answered') return failure ?? { status: 'unknown', cause: '' };
  // 204 is what hubs of 0.3 say that have verified already, 200 what some of them say instead. All else waits for the hub.
  return { status: answer.code === 204 || answer.code === 200 ? 'done' : 'accepted' };
}

function formOf(mode: Mode, request: HubRequest, { verify = [] }: WebSubOptions): URLSearchParams {
  const { topic, callback, leaseSeconds, secret } = request;
  const form = new URLSearchParams({ 'hub.mode': mode, 'hub.topic': topic, 'hub.callback': callback });
  for (const way of verify) form.append('hub.verify', way);
  if (mode === 'unsubscribe') return form;
  if (leaseSeconds !== undefined) form.append('hub.lease_seconds', String(leaseSeconds));
  if (secret !== undefined) form.append('hub.secret', secret);
  return form;
}

/** Why a request is not made at all: the hub would misunderstand it, or somebody would overhear it. */
function objection(mode: Mode, request: HubRequest, { plainHttp = false }: WebSubOptions): string | undefined {
  const { hub, callback, leaseSeconds, secret } = request;
  const url = httpUrl(hub);
  const target = httpUrl(callback);
  if (!url) return `the hub ${hub} is no URL of http or https`;
  if (target?.hash !== '') return `the callback ${callback} is no URL of http or https without a fragment`;
  // What was subscribed once, by whatever program, must be there to be unsubscribed.
  if (mode === 'unsubscribe') return undefined;
  if ([...target.searchParams.keys()].some((key) => key.startsWith('hub.'))) {
    return `the callback ${callback} has parameters that the hub overwrites`;
  }
  if (leaseSeconds !== undefined && !(Number.isSafeInteger(leaseSeconds) && leaseSeconds > 0)) {
    return `a lease of ${leaseSeconds} seconds is no positive whole number`;
  }
  if (secret === undefined) return undefined;
  if (secret === '' || Buffer.byteLength(secret) > LIMITS.hubSecretBytes) {
    return `the secret is not 1 to ${LIMITS.hubSecretBytes} bytes long`;
  }
  return url.protocol === 'https:' || plainHttp ? undefined : `the hub ${hub} has no TLS to send a secret through`;
}
