import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Requests to a test server are forms and small documents. */
const MOST_BYTES = 1024 * 1024;

export interface Listening {
  /** Without a slash at the end. */
  readonly origin: string;
  close(): Promise<void>;
}

/** A server on loopback, on a port that was free. */
export async function listen(
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<Listening> {
  const server = createServer((request, response) => {
    handle(request, response).catch((error) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(String(error));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The whole body, or undefined where it is too long. */
export async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes <= MOST_BYTES) chunks.push(chunk);
  }
  return bytes <= MOST_BYTES ? Buffer.concat(chunks).toString() : undefined;
}

export function end(response: ServerResponse, status: number, why = ''): void {
  response.writeHead(status, { 'content-type': 'text/plain' });
  response.end(why);
}

export interface Sent {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** `no answer`: the connection failed, or the answer took too long. `under way`: it is still awaited. */
export type Status = number | 'no answer' | 'under way';

export interface Answered {
  readonly status: number | 'no answer';
  readonly body: string;
  /** Where a redirect points. */
  readonly location: string | undefined;
}

const NO_ANSWER: Answered = { status: 'no answer', body: '', location: undefined };

/** One request on a connection of its own, so that none fails for an old one that was closed. Follows no redirects. */
export async function send(
  { url, method, headers, body }: Sent,
  ends: AbortSignal,
  answerMs: number,
): Promise<Answered> {
  try {
    const response = await fetch(url, {
      method,
      headers: { ...headers, connection: 'close' },
      body: body ?? null,
      redirect: 'manual',
      signal: AbortSignal.any([ends, AbortSignal.timeout(answerMs)]),
    });
    const location = response.headers.get('location');
    return {
      status: response.status,
      body: await response.text(),
      location: location === null ? undefined : new URL(location, url).href,
    };
  } catch {
    return NO_ANSWER;
  }
}

export const isSuccess = ({ status }: Answered): boolean => status !== 'no answer' && status >= 200 && status < 300;
