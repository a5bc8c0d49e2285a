import { hash } from 'node:crypto';
import { OLD_URL, type Protocol } from '../define/hub.ts';
import { entriesOf } from './feeds.ts';
import { header, json, type Message, textAt } from './message.ts';
import * as signatures from './signatures.ts';

/** One thing that a request tells of. */
export interface Event {
  /** The same on both URLs and in every repetition, and no other event of this scope has it. */
  readonly identity: string;
  readonly body: Uint8Array;
  readonly contentType: string;
}

/** What a request turns out to be. */
export type Identified =
  | { readonly is: 'events'; readonly events: readonly Event[] }
  /** No event but what the topic says now. Equal bytes may come again after others, and then mean something. */
  | { readonly is: 'state'; readonly hash: string }
  /** The provider tries the URL out, and wants this back. */
  | { readonly is: 'challenge'; readonly challenge: string }
  /** It lacks what this protocol's requests are known by. */
  | { readonly is: 'nothing'; readonly why: string };

export interface Row {
  readonly identify: (message: Message) => Identified;
  readonly signature: signatures.Scheme;
  /**
   * The answer to a wrong signature. A WebSub hub may be told 2xx (section 8) and would drop the subscription otherwise;
   * webhook senders repeat what was refused, and that is how a secret that came late loses nothing.
   */
  readonly mismatch: 202 | 401;
  /** What says that a delivery was received: 202 without it. */
  readonly receipt?: 204;
  /** How long identities are kept after they were last seen, by default. */
  readonly keepDays: number;
  /** How long the old URL is to accept deliveries, counted from when the old lease ends or from the switch. */
  readonly oldUrl: { readonly from: 'leaseEnd' | 'switch'; readonly days: number };
}

const webSub = { signature: signatures.webSub, mismatch: 202 } as const;

/**
 * What makes two deliveries the same, protocol by protocol: never the callback URL, and never what changes from one
 * attempt to the next. Windows are longer than the sender goes on repeating.
 */
export const PROTOCOLS: Readonly<Record<Protocol, Row>> = {
  /** Atom and RSS by WebSub: every entry on its own. Kept 30 days beyond the last time that the feed listed it. */
  feed: { ...webSub, identify: entries, keepDays: 30, oldUrl: OLD_URL.feed },
  /** Other WebSub bodies. The last state is kept for ever; that there were earlier ones, for so long. */
  websub: { ...webSub, identify: state, keepDays: 30, oldUrl: OLD_URL.websub },
  /** Standard Webhooks and Svix: the id is constant across attempts, the timestamp and the signature are not. */
  standardwebhooks: {
    identify: (message) => byHeaders(message, [header(message, 'webhook-id') ? 'webhook-id' : 'svix-id']),
    signature: signatures.standardWebhooks,
    mismatch: 401,
    keepDays: 14,
    oldUrl: OLD_URL.standardwebhooks,
  },
  /** CloudEvents 1.0 in binary, structured and batched mode: `source` and `id`. */
  cloudevents: {
    identify: cloudEvents,
    signature: signatures.bearer,
    mismatch: 401,
    keepDays: 14,
    oldUrl: OLD_URL.cloudevents,
  },
  stripe: {
    identify: (message) => byBody(message, ['id']),
    signature: signatures.stripe,
    mismatch: 401,
    keepDays: 14,
    oldUrl: OLD_URL.stripe,
  },
  /** The delivery's id is the event's, and all hooks of a repository see the same one. */
  github: {
    identify: (message) => byHeaders(message, ['x-github-delivery']),
    signature: signatures.gitHub,
    mismatch: 401,
    keepDays: 35,
    oldUrl: OLD_URL.github,
  },
  /** Not `X-Shopify-Webhook-Id`, which is another one for each subscription. */
  shopify: {
    identify: (message) => byHeaders(message, ['x-shopify-shop-domain', 'x-shopify-topic', 'x-shopify-event-id']),
    signature: signatures.shopify,
    mismatch: 401,
    keepDays: 7,
    oldUrl: OLD_URL.shopify,
  },
  slack: {
    identify: slack,
    signature: signatures.slack,
    mismatch: 401,
    keepDays: 2,
    oldUrl: OLD_URL.slack,
  },
  /** WebhookChannel2023. Not the notification's id, which nobody promises to be the same on two channels. */
  solid: {
    identify: solid,
    signature: signatures.bearer,
    mismatch: 401,
    keepDays: 14,
    oldUrl: OLD_URL.solid,
  },
  /** Twilio's messages and what becomes of them: which message, and in which state it is. 204 is "no reply". */
  twilio: {
    identify: twilio,
    signature: signatures.twilio,
    mismatch: 401,
    receipt: 204,
    keepDays: 2,
    oldUrl: OLD_URL.twilio,
  },
};

const contentTypeOf = (message: Message): string => header(message, 'content-type') ?? 'application/octet-stream';

/** Texts that cannot be mistaken for one another however they are cut. */
const identityOf = (...parts: readonly string[]): string => JSON.stringify(parts);

const one = (message: Message, ...parts: readonly string[]): Identified => ({
  is: 'events',
  events: [{ identity: identityOf(...parts), body: message.body, contentType: contentTypeOf(message) }],
});

function byHeaders(message: Message, names: readonly string[]): Identified {
  const values = names.map((name) => header(message, name));
  const missing = names.find((_, i) => !values[i]);
  return missing === undefined ? one(message, ...(values as string[])) : { is: 'nothing', why: `no header ${missing}` };
}

function byBody(message: Message, path: readonly string[]): Identified {
  const value = textAt(json(message), ...path);
  return value === undefined ? { is: 'nothing', why: `no ${path.join('.')} in the body` } : one(message, value);
}

function entries(message: Message): Identified {
  const found = entriesOf(message.body);
  if (!found) return state(message);
  const contentType = contentTypeOf(message).replace(/;\s*charset=[^;]*/i, '');
  const events = found.map(({ feed, id, updated, hash, document }) => ({
    identity: identityOf(feed, id, updated, hash),
    body: document,
    contentType,
  }));
  return { is: 'events', events };
}

function state({ body }: Message): Identified {
  return { is: 'state', hash: hash('sha256', body, 'base64url') };
}

function cloudEvents(message: Message): Identified {
  const type = contentTypeOf(message).toLowerCase();
  if (!type.startsWith('application/cloudevents')) return byHeaders(message, ['ce-source', 'ce-id']);
  const batch = type.startsWith('application/cloudevents-batch');
  const body = json(message);
  const events = (batch ? (Array.isArray(body) ? body : []) : [body]).map((event) => {
    const [source, id] = [textAt(event, 'source'), textAt(event, 'id')];
    if (source === undefined || id === undefined) return undefined;
    const contentType = batch ? 'application/cloudevents+json' : contentTypeOf(message);
    return {
      identity: identityOf(source, id),
      body: batch ? Buffer.from(JSON.stringify(event)) : message.body,
      contentType,
    };
  });
  if (events.length === 0 && !Array.isArray(body)) return { is: 'nothing', why: 'no batch of events in the body' };
  // All or nothing: what is refused is repeated as a whole.
  if (events.includes(undefined)) return { is: 'nothing', why: 'an event without source or id' };
  return { is: 'events', events: events as Event[] };
}

function slack(message: Message): Identified {
  const body = json(message);
  const challenge = textAt(body, 'challenge');
  if (textAt(body, 'type') === 'url_verification' && challenge !== undefined) return { is: 'challenge', challenge };
  return byBody(message, ['event_id']);
}

/** What kind of change and in which container go with `object` and `state`: both channels say the same of them. */
function solid(message: Message): Identified {
  const body = json(message);
  const at = (name: string) => textAt(body, name) ?? textAt(body, name, 'id') ?? textAt(body, name, '@id');
  const object = at('object');
  if (object === undefined) return { is: 'nothing', why: 'no object in the body' };
  // A notification without a state says at least when.
  const state = textAt(body, 'state') ?? textAt(body, 'published') ?? '';
  return one(message, object, state, kindOf(body), at('target') ?? '');
}

function kindOf(body: unknown): string {
  const type = (body as { readonly type?: unknown }).type;
  return (Array.isArray(type) ? type : [type])
    .filter((each) => typeof each === 'string')
    .sort()
    .join(' ');
}

function twilio({ body }: Message): Identified {
  const form = new URLSearchParams(Buffer.from(body).toString());
  const first = (...names: readonly string[]) => names.map((name) => form.get(name)).find((value) => value) ?? '';
  const sid = first('MessageSid', 'SmsSid', 'CallSid');
  if (sid === '') return { is: 'nothing', why: 'no MessageSid or CallSid in the body' };
  const status = first('MessageStatus', 'SmsStatus', 'CallStatus');
  return one(
    { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body },
    sid,
    status,
    first('SequenceNumber'),
  );
}
