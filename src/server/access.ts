import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { ROLES, type Role, type ServerConfig, type TokenDefinition } from '../define/server.ts';
import { HandoverError } from '../errors.ts';
import type { Wire } from '../wire.ts';
import { type IdTokens, idTokens } from './idTokens.ts';

export const callerSchema = z
  .object({ name: z.string().meta({ description: 'As it stands in the audit trail' }), role: z.enum(ROLES) })
  .meta({ id: 'Caller', description: 'Who asks' });

export type Caller = Wire<typeof callerSchema>;

export interface Access {
  /** Nobody has to show anything: only for a server that nobody else can reach. */
  readonly open: boolean;
  /** Throws `access.missing` where nothing that is good is shown. */
  caller(headers: IncomingHttpHeaders): Promise<Caller>;
}

/** Whoever is on this machine is its user: `name` without anything shown, where there is nothing to show. */
export function accessOf({ tokens, oidc }: ServerConfig, clock: Clock, name: string): Access {
  const open = tokens.length === 0 && !oidc;
  const id = oidc && idTokens(oidc, clock);
  return {
    open,
    caller: async (headers) => {
      if (open) return { name, role: 'admin' };
      const caller = (await byIdToken(headers, id)) ?? byToken(headers, tokens, clock);
      if (caller) return caller;
      throw new HandoverError('access.missing', 'Nothing was shown that lets in here.');
    },
  };
}

/** Throws `access.denied`. */
export function checkRole({ name, role }: Caller, needed: Role): void {
  if (ROLES.indexOf(role) >= ROLES.indexOf(needed)) return;
  throw new HandoverError('access.denied', `${name} is ${role}, and this is for ${needed}.`, { role, needed });
}

async function byIdToken(headers: IncomingHttpHeaders, id: IdTokens | undefined): Promise<Caller | undefined> {
  if (!id) return undefined;
  const shown = id.header === 'authorization' ? shownIn(headers) : headers[id.header];
  // A token of our own has no dots; one of theirs is three parts.
  if (typeof shown !== 'string' || shown.split('.').length !== 3) return undefined;
  return id.caller(shown);
}

function byToken(headers: IncomingHttpHeaders, tokens: readonly TokenDefinition[], clock: Clock): Caller | undefined {
  const shown = shownIn(headers);
  if (shown === undefined) return undefined;
  const digest = hash('sha256', shown, 'buffer');
  // All are compared, whichever fits: how long it takes tells nothing.
  const [token] = tokens.filter(({ sha256 }) => timingSafeEqual(Buffer.from(sha256, 'hex'), digest));
  if (!token) return undefined;
  const today = new Date(clock.now()).toISOString().slice(0, 10);
  if (token.until !== undefined && token.until < today) {
    throw new HandoverError('access.missing', `The token of ${token.name} was good until ${token.until}.`);
  }
  return { name: token.name, role: token.role };
}

/** A bearer token; or the password of basic authentication, which a browser asks for by itself. The name is ignored. */
function shownIn({ authorization = '' }: IncomingHttpHeaders): string | undefined {
  const [scheme, value] = authorization.split(/ +/, 2);
  if (!value) return undefined;
  if (/^bearer$/i.test(scheme!)) return value;
  if (!/^basic$/i.test(scheme!)) return undefined;
  const pair = Buffer.from(value, 'base64').toString();
  return pair.slice(pair.indexOf(':') + 1) || undefined;
}

/** How to show what lets in, for a 401. */
export const CHALLENGES = ['Bearer realm="handover"', 'Basic realm="handover", charset="UTF-8"'];
