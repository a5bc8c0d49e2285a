import type { FastifyRequest } from 'fastify';
import { isLoopback } from '../define/server.ts';
import { HandoverError } from '../errors.ts';

/**
 * Against pages of others: a browser sends what it knows (the password it was given, a proxy's cookie, or that it is on
 * this machine) with every request that any page makes. Throws `access.denied`.
 */
export function checkOrigin({ headers, host, method }: Pick<FastifyRequest, 'headers' | 'host' | 'method'>): void {
  const site = headers['sec-fetch-site'];
  // Typed or bookmarked, or by a link to a page of ours, which does nothing by being looked at.
  const isNavigation = method === 'GET' && headers['sec-fetch-mode'] === 'navigate';
  if (site === 'same-origin' || site === 'none' || isNavigation) return;
  if (site !== undefined) throw new HandoverError('access.denied', 'A page of another origin asks for this.');
  const { origin } = headers;
  if (origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)) return;
  throw new HandoverError('access.denied', 'A page of another origin asks for this.');
}

/**
 * Where nothing has to be shown: only under a name of this machine, which no page on the internet can take on (a name of
 * its own it could let point here), and not through a proxy, whose clients are not on this machine.
 */
export function checkLocal({ headers, hostname, raw }: Pick<FastifyRequest, 'headers' | 'hostname' | 'raw'>): void {
  const forwarded = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'via', 'x-real-ip'].find(
    (name) => headers[name],
  );
  if (isLoopback(hostname) && !forwarded && isLoopback((raw.socket.remoteAddress ?? '').replace(/^::ffff:/, '')))
    return;
  throw new HandoverError('access.denied', 'Without tokens and OIDC, this is for this machine only.');
}
