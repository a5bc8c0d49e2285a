import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface Heard {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Said {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Relay {
  readonly origin: string;
  close(): Promise<void>;
}

/** A server that does with each request what it is told. Where nobody answers, the connection breaks. */
export async function relay(handle: (heard: Heard) => Promise<Said | undefined>): Promise<Relay> {
  const server = createServer(async (request, response) => {
    const body = (await buffer(request)).toString();
    const { method = '', url = '' } = request;
    const said = await handle({ method, url, headers: kept(Object.entries(request.headers)), body });
    if (!said) return void request.socket.destroy();
    response.writeHead(said.status, said.headers);
    response.end(said.body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** What that origin says to it; undefined when there is no answer. */
export async function passedOn({ method, url, headers, body }: Heard, origin: string): Promise<Said | undefined> {
  try {
    const sent = {
      method,
      headers: { ...headers, connection: 'close' },
      body: body || null,
      redirect: 'manual' as const,
    };
    const response = await fetch(`${origin}${url}`, sent);
    return { status: response.status, headers: kept([...response.headers]), body: await response.text() };
  } catch {
    return undefined;
  }
}

/** Of one connection, and no business of the next. */
const OWN = new Set(['connection', 'content-length', 'host', 'keep-alive', 'transfer-encoding']);

const kept = (headers: readonly (readonly [string, unknown])[]): Record<string, string> =>
  Object.fromEntries(headers.filter(([name]) => !OWN.has(name)).map(([name, value]) => [name, String(value)]));
