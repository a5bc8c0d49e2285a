import { createHmac, timingSafeEqual } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { LIMITS } from '../limits.ts';
import { header, type Message } from './message.ts';

/**
 * `missing`: there is none, where there must be one. `mismatch`: nobody who knows a secret made it for these bytes, or by
 * no method that we know. `stale`: it is right, and too old or too new: a replay, or a clock gone wrong.
 */
export type Checked = 'valid' | 'missing' | 'mismatch' | 'stale';

/** Checks a message against every acceptable secret. `now`: milliseconds since 1970. */
export type Scheme = (message: Message, secrets: readonly string[], now: number) => Checked;

type Method = 'sha1' | 'sha256' | 'sha384' | 'sha512';

const hmac = (method: Method, secret: string, ...parts: readonly (string | Uint8Array)[]): Buffer => {
  const mac = createHmac(method, secret);
  for (const part of parts) mac.update(part);
  return mac.digest();
};

/** In constant time for digests of one length, and with no early end at the first secret that fits. */
function anyEqual(given: readonly Buffer[], made: readonly Buffer[]): boolean {
  let equal = false;
  for (const a of given) {
    for (const b of made) equal = (a.length === b.length && timingSafeEqual(a, b)) || equal;
  }
  return equal;
}

const matches = (given: readonly Buffer[], made: readonly Buffer[]): Checked =>
  anyEqual(given, made) ? 'valid' : 'mismatch';

/** Buffer.from would take the part of it that is hexadecimal. */
const hex = (text: string): Buffer => Buffer.from(/^(?:[0-9a-f]{2})*$/i.test(text) ? text : '', 'hex');

/** `method=hex` over the raw body, as WebSub and GitHub have it. */
function prefixed(name: string, methods: readonly Method[]): Scheme {
  return (message, secrets) => {
    const given = header(message, name);
    if (!given) return 'missing';
    const [said = '', digest = ''] = given.split('=', 2).map((part) => part.trim());
    const method = methods.find((each) => each === said.toLowerCase());
    if (!method) return 'mismatch';
    return matches(
      [hex(digest)],
      secrets.map((secret) => hmac(method, secret, message.body)),
    );
  };
}

/** W3C WebSub, section 7.1.1: `X-Hub-Signature`. */
export const webSub = prefixed('x-hub-signature', ['sha1', 'sha256', 'sha384', 'sha512']);

/** GitHub: `X-Hub-Signature-256`. The sha1 header that it sends too is not looked at. */
export const gitHub = prefixed('x-hub-signature-256', ['sha256']);

/** Standard Webhooks, and Svix under its older names: id, moment and body; several signatures in one header. */
export const standardWebhooks: Scheme = (message, secrets, now) => {
  const part = (name: string) => header(message, `webhook-${name}`) ?? header(message, `svix-${name}`);
  const [id, at, given] = [part('id'), part('timestamp'), part('signature')];
  if (!id || !at || !given) return 'missing';
  const seconds = secondsOf(at);
  if (seconds === undefined) return 'mismatch';
  // It signs texts: bytes that are none cannot have been signed by it.
  const text = Buffer.from(message.body);
  const made = secrets.flatMap((secret) => signed(secret, id, seconds, text));
  const checked = matches(
    given.split(' ').map((each) => Buffer.from(each)),
    made,
  );
  return isTimely(seconds, now) ? checked : late(checked);
};

function signed(secret: string, id: string, seconds: number, text: Buffer): Buffer[] {
  try {
    return [Buffer.from(new Webhook(secret).sign(id, new Date(seconds * 1000), text))];
  } catch {
    return []; // not a secret of this scheme: nothing is signed with it
  }
}

/** Stripe: `Stripe-Signature: t=…,v1=…,v1=…` over `t.body`. */
export const stripe: Scheme = (message, secrets, now) => {
  const given = header(message, 'stripe-signature');
  if (!given) return 'missing';
  const fields = given.split(',').map((field) => field.trim().split('=', 2) as [string, string?]);
  const all = (name: string) => fields.flatMap(([key, value]) => (key === name && value ? [value] : []));
  const at = all('t')[0];
  const seconds = secondsOf(at);
  if (at === undefined || seconds === undefined) return 'mismatch';
  const made = secrets.map((secret) => hmac('sha256', secret, `${at}.`, message.body));
  const checked = matches(all('v1').map(hex), made);
  return isTimely(seconds, now) ? checked : late(checked);
};

/** Slack: `X-Slack-Signature: v0=…` over `v0:moment:body`. */
export const slack: Scheme = (message, secrets, now) => {
  const given = header(message, 'x-slack-signature');
  const at = header(message, 'x-slack-request-timestamp');
  if (!given || !at) return 'missing';
  const seconds = secondsOf(at);
  if (seconds === undefined || !given.startsWith('v0=')) return 'mismatch';
  const made = secrets.map((secret) => hmac('sha256', secret, `v0:${at}:`, message.body));
  const checked = matches([hex(given.slice('v0='.length))], made);
  return isTimely(seconds, now) ? checked : late(checked);
};

/** Shopify: `X-Shopify-Hmac-Sha256`, in base64, over the raw body. */
export const shopify: Scheme = (message, secrets) => {
  const given = header(message, 'x-shopify-hmac-sha256');
  if (!given) return 'missing';
  return matches(
    [Buffer.from(given, 'base64')],
    secrets.map((secret) => hmac('sha256', secret, message.body)),
  );
};

/** Twilio: `X-Twilio-Signature`, sha1 in base64 over the URL and what the form says, by name. The secret is the auth token. */
export const twilio: Scheme = ({ url = '', ...message }, secrets) => {
  const given = header(message, 'x-twilio-signature');
  if (!given) return 'missing';
  const form = new URLSearchParams(Buffer.from(message.body).toString());
  const names = [...new Set(form.keys())].sort();
  const fields = names.flatMap((name) => [...new Set(form.getAll(name))].sort().map((value) => name + value)).join('');
  const made = urlsOf(url).flatMap((each) => secrets.map((secret) => hmac('sha1', secret, each, fields)));
  return matches([Buffer.from(given, 'base64')], made);
};

/** A fragment is for Twilio itself, and whether the port that goes without saying is said depends on what it sends. */
function urlsOf(text: string): string[] {
  const [url = ''] = text.split('#', 1);
  if (!URL.canParse(url) || new URL(url).port !== '') return [url];
  const { protocol, host } = new URL(url);
  const port = protocol === 'https:' ? 443 : 80;
  return [url, url.replace(`//${host}`, `//${host}:${port}`)];
}

/**
 * No signature but a token that the sender was given: CloudEvents HTTP webhooks, section 3.1. It is compared as a digest,
 * so that not even its length can be measured.
 */
export const bearer: Scheme = (message, secrets) => {
  const [, token] = /^bearer +(\S+)$/i.exec(header(message, 'authorization') ?? '') ?? [];
  if (!token) return 'missing';
  const digest = (text: string) => hmac('sha256', 'bearer', text);
  return matches([digest(token)], secrets.map(digest));
};

/** Of a stale one only who knows a secret shall hear that it is stale. */
const late = (checked: Checked): Checked => (checked === 'valid' ? 'stale' : checked);

const secondsOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : undefined;

const isTimely = (seconds: number, now: number): boolean =>
  Math.abs(now / 1000 - seconds) <= LIMITS.signatureAgeSeconds;
