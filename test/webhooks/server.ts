import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { generate } from 'selfsigned';
import { onTestFinished } from 'vitest';

/** A request as it came in. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Served {
  readonly url: string;
  readonly port: number;
  readonly seen: readonly Seen[];
  /** Connections that were opened, whether or not anything was asked on them. */
  connections(): number;
}

export type Answer = (response: ServerResponse, request: Seen) => void;

/** A certificate for 127.0.0.1, and its key. */
interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** One that nobody trusts who is not told to. */
export async function identity(): Promise<Identity> {
  const altNames = [{ type: 7, ip: '127.0.0.1' } as const];
  const made = await generate([{ name: 'commonName', value: 'hub' }], {
    keyType: 'ec',
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames },
    ],
  });
  return { cert: made.cert, key: made.private };
}

/** A server on all loopback addresses of IPv4, until the test is over; with TLS where it has an identity. */
export async function serve(answer: Answer, secure?: Identity): Promise<Served> {
  const seen: Seen[] = [];
  let connections = 0;
  const listener = (incoming: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk) => chunks.push(chunk));
    incoming.on('end', () => {
      const { method = '', url: path = '', headers } = incoming;
      const request = { method, path, headers, body: Buffer.concat(chunks).toString() };
      seen.push(request);
      answer(response, request);
    });
  };
  const server = secure ? createSecureServer(secure, listener) : createServer(listener);
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  });
  const { port } = server.address() as AddressInfo;
  const scheme = secure ? 'https' : 'http';
  return { url: `${scheme}://127.0.0.1:${port}`, port, seen, connections: () => connections };
}

/** The fields of a form-urlencoded body, each with all its values. */
export function formOf({ body }: Seen): Record<string, string[]> {
  const form: Record<string, string[]> = {};
  for (const [name, value] of new URLSearchParams(body)) {
    form[name] ??= [];
    form[name].push(value);
  }
  return form;
}
