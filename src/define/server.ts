import { z } from 'zod';

/** What somebody may do: look; command; and also end campaigns. Each may do what those before it may. */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Somebody who shows a bearer token. The token itself is nowhere kept: `handover token` makes one and its hash. */
export interface TokenDefinition {
  /** Who it is, for the audit trail. */
  readonly name: string;
  readonly role: Role;
  /** SHA-256 of the token, 64 hexadecimal digits. */
  readonly sha256: string;
  /** The last day on which it is good, `2027-01-31`. Default: for ever. */
  readonly until?: string;
}

/** Those who show an ID token of an OpenID Connect provider, or of a proxy that asks one. */
export interface OidcDefinition {
  readonly issuer: string;
  /** Whom the token must be meant for; one of several. */
  readonly audience: string | readonly string[];
  /** Where the provider publishes its keys; https, unless it is on loopback. */
  readonly jwks: string;
  /** The header that carries the token. Default: `authorization`, as a bearer token. */
  readonly header?: string;
  /** The claim that says who it is. Default: `email`. */
  readonly claim?: string;
  /** Who may do what, by that claim; `*` stands for everybody with a good token. */
  readonly roles: Readonly<Record<string, Role>>;
}

/** Where people are told of what campaigns do by themselves: docs/monitoring.md. */
export interface NotifyDefinition {
  /** https, unless it is on loopback. */
  readonly url: string;
  /** A secret of Standard Webhooks, `whsec_` and base64; from the environment rather than from this file. */
  readonly secret: string;
  /** What may be connected to although it is not public: addresses, ranges (`10.0.0.0/8`), host names. */
  readonly allow?: readonly string[];
}

/** Ranges that Cloud Pub/Sub pushes to `/dispatch`, and calls to `/dispatch/tend`: docs/fleet.md. */
export interface PushDefinition {
  /** The service account that the subscription signs with, as `pusher@project.iam.gserviceaccount.com`. */
  readonly account: string;
  /** The audience that the subscription names. */
  readonly audience: string;
  /** How long the subscription waits for an answer. Default: 60. */
  readonly deadlineSeconds?: number;
  /** Default: Google's. */
  readonly issuer?: string;
  /** Default: Google's. */
  readonly jwks?: string;
}

export type PushConfig = Required<PushDefinition>;

/** What `handover serve` does, unless its options say otherwise. */
export interface ServerDefinition {
  /** Default: `127.0.0.1`, which is the only kind that may do without tokens and OIDC. */
  readonly host?: string;
  /** Default: 8400. */
  readonly port?: number;
  /** Paths of callback URLs begin so. Default: `/webhooks`. */
  readonly receiver?: string;
  /** Addresses, or ranges of them, of proxies in front, whose word on the client's address is believed. */
  readonly proxies?: readonly string[];
  readonly tokens?: readonly TokenDefinition[];
  readonly oidc?: OidcDefinition;
  /** Works on what is pushed here. */
  readonly push?: PushDefinition;
  /** Who is told of what campaigns do by themselves. The same at all servers. */
  readonly notify?: readonly NotifyDefinition[];
}

export type ServerConfig = Required<Omit<ServerDefinition, 'oidc' | 'push'>> &
  Pick<ServerDefinition, 'oidc'> & { readonly push?: PushConfig };

const text = (what: string) => z.string(`must be ${what}`).min(1, `must be ${what}`);
const role = z.enum(ROLES, `must be one of ${ROLES.join(', ')}`);
const object = {
  error: (issue: { code?: string }) => (issue.code === 'invalid_type' ? 'must be an object' : undefined),
};

const token = z.strictObject(
  {
    name: text('a name'),
    role,
    sha256: z
      .string('must be a hash, as `handover token` prints it')
      .regex(/^[0-9a-f]{64}$/, 'must be a hash, as `handover token` prints it'),
    until: z.iso.date('must be a day, as 2027-01-31').exactOptional(),
  },
  object,
);

const oidc = z.strictObject(
  {
    issuer: text('the issuer, as its tokens name it'),
    audience: z.union([text('a text'), z.array(text('a text')).min(1).readonly()], 'must be a text, or several'),
    jwks: z.string('must be a URL').refine(isSafe, 'must be a URL with https, or one on loopback'),
    header: text('the name of a header').toLowerCase().exactOptional(),
    claim: text('the name of a claim').exactOptional(),
    roles: z.record(z.string(), role, 'must be an object of roles'),
  },
  object,
);

const push = z.strictObject(
  {
    account: text('the address of a service account'),
    audience: text('the audience of the subscription'),
    deadlineSeconds: z
      .int('must be seconds, 1 to 600')
      .min(1, 'must be seconds, 1 to 600')
      .max(600, 'must be seconds, 1 to 600')
      .default(60),
    issuer: text('the issuer, as its tokens name it').default('https://accounts.google.com'),
    jwks: z
      .string('must be a URL')
      .refine(isSafe, 'must be a URL with https, or one on loopback')
      .default('https://www.googleapis.com/oauth2/v3/certs'),
  },
  object,
);

const notify = z.strictObject(
  {
    url: z.string('must be a URL').refine(isSafe, 'must be a URL with https, or one on loopback'),
    secret: z
      .string('must be a secret, whsec_ and base64')
      .regex(/^whsec_[A-Za-z0-9+/]{32,}={0,2}$/, 'must be a secret, whsec_ and base64 of 24 bytes or more'),
    allow: z.array(text('an address'), 'must be a list of addresses').readonly().exactOptional(),
  },
  object,
);

export const serverSchema = z.strictObject(
  {
    host: text('an address').default('127.0.0.1'),
    port: z.int('must be a port').min(0, 'must be a port').max(65_535, 'must be a port').default(8400),
    receiver: z
      .string('must be a path, as /webhooks')
      .regex(/^\/[\w.~-]+(\/[\w.~-]+)*$/, 'must be a path, as /webhooks')
      .refine(
        (path) => !/^\/(v1|docs|assets|dispatch|livez|readyz|metrics)(\/|$)/.test(path),
        'must not be a path of the server’s own',
      )
      .default('/webhooks'),
    proxies: z.array(text('an address'), 'must be a list of addresses').readonly().default([]),
    tokens: z.array(token, 'must be a list').readonly().default([]),
    oidc: oidc.exactOptional(),
    push: push.exactOptional(),
    notify: z.array(notify, 'must be a list').readonly().default([]),
  },
  object,
);

/** What holds where nothing is said. */
export const serverConfig = (): ServerConfig => serverSchema.parse({});

function isSafe(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

/** Whether only this machine can reach it. */
export const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
