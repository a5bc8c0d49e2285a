import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
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

/** A server on all loopback addresses of IPv4, until the test is over. */
export async function serve(answer: Answer): Promise<Served> {
  const seen: Seen[] = [];
  let connections = 0;
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk) => chunks.push(chunk));
    incoming.on('end', () => {
      const { method = '', url: path = '', headers } = incoming;
      const request = { method, path, headers, body: Buffer.concat(chunks).toString() };
      seen.push(request);
      answer(response, request);
    });
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, seen, connections: () => connections };
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
