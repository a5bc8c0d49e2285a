import { Client, type Dispatcher } from 'undici';
import { LIMITS } from '../limits.ts';
import { ForbiddenAddress, guardedConnector, type Permits, permitting } from './addresses.ts';

export interface OutboundOptions {
  /** What may be connected to although it is not public: addresses, ranges (`10.0.0.0/8`), host names. */
  readonly allow?: readonly string[];
  /** Milliseconds for one call: names, connections, redirects and bodies together. */
  readonly deadlineMs?: number;
  /** Certificate (PEM) of an authority that is trusted beside those that Node trusts: that of an intranet. */
  readonly ca?: string;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface OutboundRequest {
  readonly method: Method;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Redirects that are followed, with the same method and body. None without it. */
  readonly follow?: {
    readonly codes: readonly number[];
    /** To https only: the body is a secret. */
    readonly secure?: boolean;
  };
  /** Bytes of a body that are read; the rest is left. */
  readonly mostBytes?: number;
}

export interface Answered {
  readonly status: 'answered';
  readonly code: number;
  /** Who answered, after redirects. */
  readonly url: string;
  /** By lower-case name, a string for each line. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: Uint8Array;
  /** Whether that is all of the body: it may have been too long, or lost on its way. */
  readonly whole: boolean;
}

export type OutboundAnswer =
  | Answered
  /** Nothing was sent, or it was sent on and not taken: certainly nothing was done. `again`: that may pass. */
  | { readonly status: 'refused'; readonly cause: string; readonly again: boolean }
  /** It was sent, and no answer came: it may have been done. */
  | { readonly status: 'unknown'; readonly cause: string };

export type Send = (request: OutboundRequest) => Promise<OutboundAnswer>;

/** The one place from which requests leave. It never throws for what may happen on a network. */
export function outbound({ allow = [], deadlineMs = LIMITS.hubCallMs, ca }: OutboundOptions = {}): Send {
  const permits = permitting(allow);
  return async (request) => {
    const signal = AbortSignal.timeout(deadlineMs);
    let hop = request;
    for (let redirects = 0; ; redirects++) {
      const answer = await once(hop, { permits, deadlineMs, ca, signal });
      const next = answer.status === 'answered' ? redirected(hop, answer) : undefined;
      if (next === undefined) return answer;
      if (typeof next === 'string') return refused(next);
      if (redirects === LIMITS.hubRedirects) return refused(`more than ${LIMITS.hubRedirects} redirects`);
      hop = next;
    }
  };
}

export const headerOf = ({ headers }: Answered, name: string): string | undefined => headers.get(name)?.join(', ');

const refused = (cause: string, again = false): OutboundAnswer => ({ status: 'refused', cause, again });

interface Bounds {
  readonly permits: Permits;
  readonly deadlineMs: number;
  readonly ca: string | undefined;
  readonly signal: AbortSignal;
}

async function once(request: OutboundRequest, { permits, deadlineMs, ca, signal }: Bounds): Promise<OutboundAnswer> {
  const url = httpUrl(request.url);
  if (!url) return refused(`${request.url} is no URL of http or https`);
  if (signal.aborted) return refused(`${url.host}: ${causeOf(signal.reason)}`, true);
  let connected = false;
  const told = () => {
    connected = true;
  };
  const connect = guardedConnector(permits, { timeout: deadlineMs, ca }, told);
  // A connection of its own: what went wrong before it stood is known to have sent nothing.
  const client = new Client(url.origin, { connect, headersTimeout: 0, bodyTimeout: 0 });
  // A request's own signal is heard only once its connection stands; this ends it at any time.
  const expire = () => client.destroy(signal.reason);
  signal.addEventListener('abort', expire, { once: true });
  try {
    const { method, body } = request;
    const path = url.pathname + url.search;
    const headers = { 'user-agent': 'handover', 'accept-encoding': 'identity', ...request.headers };
    const response = await client.request({ method, path, headers, body: body ?? null });
    const read = await bodyOf(response, request.mostBytes ?? LIMITS.hubAnswerBytes);
    return { status: 'answered', code: response.statusCode, url: url.href, headers: linesOf(response), ...read };
  } catch (error) {
    const cause = `${url.host}: ${causeOf(error)}`;
    return connected ? { status: 'unknown', cause } : refused(cause, !(error instanceof ForbiddenAddress));
  } finally {
    signal.removeEventListener('abort', expire);
    await client.destroy();
  }
}

/** The request to make next, or why it is not made; undefined where the answer stands. */
function redirected(request: OutboundRequest, answer: Answered): OutboundRequest | string | undefined {
  const location = headerOf(answer, 'location');
  if (location === undefined || !request.follow?.codes.includes(answer.code)) return undefined;
  const target = httpUrl(location, answer.url);
  if (!target) return `redirected to ${location}, which is no URL of http or https`;
  if (request.follow.secure && target.protocol !== 'https:') return `redirected to ${target.origin}, without TLS`;
  const headers = target.origin === new URL(answer.url).origin ? request.headers : impersonal(request.headers);
  return { ...request, url: target.href, headers: headers ?? {} };
}

/** What may be said to whom a server sends us: credentials were meant for that server. */
const impersonal = (headers: Readonly<Record<string, string>> = {}) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => /^(accept|content-type)$/i.test(name)));

async function bodyOf({ body }: Dispatcher.ResponseData, mostBytes: number) {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let whole = true;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > mostBytes) break;
    }
  } catch {
    whole = false;
  }
  return { body: Buffer.concat(chunks).subarray(0, mostBytes), whole: whole && bytes <= mostBytes };
}

function linesOf({ headers }: Dispatcher.ResponseData): ReadonlyMap<string, readonly string[]> {
  return new Map(Object.entries(headers).map(([name, value]) => [name, [value ?? []].flat()]));
}

/** Undefined for anything else, credentials in the URL included: they would go unheard. */
export function httpUrl(text: string, base?: string): URL | undefined {
  if (!URL.canParse(text, base)) return undefined;
  const url = new URL(text, base);
  return /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' ? url : undefined;
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'no answer before the deadline';
  // Several addresses that all failed have no message of their own.
  return error.message || ('code' in error ? String(error.code) : error.name);
}
