import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';

/** What is the matter with a subscriber; most are well. */
export type Trouble = 'slow' | 'failing' | 'loses answers' | 'old one failing' | 'refuses';

const TROUBLES: Readonly<Record<number, Trouble>> = {
  3: 'slow',
  7: 'failing',
  11: 'loses answers',
  17: 'old one failing',
};

export const troubleOf = (n: number): Trouble | undefined => (n % 40 === 13 ? 'refuses' : TROUBLES[n % 20]);

export const secretOf = (n: number, side: string): string =>
  `whsec_${Buffer.from(`subscriber ${n}, ${side} endpoint`).toString('base64')}`;

/** Failures that an endpoint has in it before it is repaired: one that never gets well is never proven, and holds up all. */
const FAILURES = 4;
const SLOW_MS = 250;

/** One subscriber: it applies each event once, by its id, whichever of its endpoints that comes in on. */
export class Subscriber {
  readonly #n: number;
  readonly effects = new Set<string>();
  doubles = 0;
  forgeries = 0;
  /** Events that came in on its new endpoint. */
  atNew = 0;
  #requests = 0;

  constructor(n: number) {
    this.#n = n;
  }

  async answer(side: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await textOf(request);
    const id = String(request.headers['webhook-id']);
    try {
      new Webhook(secretOf(this.#n, side)).verify(body, request.headers as Record<string, string>);
    } catch {
      this.forgeries++;
      return end(response, 401);
    }
    const trouble = troubleOf(this.#n);
    const { type, challenge } = JSON.parse(body) as { type: string; challenge?: string };
    if (type === 'endpoint.challenge')
      return trouble === 'refuses' ? end(response, 404) : end(response, 200, challenge);
    const attempt = ++this.#requests;
    if (trouble === 'slow') await sleep(SLOW_MS);
    if (trouble === (side === 'new' ? 'failing' : 'old one failing') && attempt <= FAILURES) return end(response, 503);
    this.#apply(id, side);
    if (trouble === 'loses answers' && attempt % 5 === 0 && attempt <= 5 * FAILURES) return void response.destroy();
    end(response, 204);
  }

  #apply(id: string, side: string): void {
    if (side === 'new') this.atNew++;
    if (this.effects.has(id)) this.doubles++;
    this.effects.add(id);
  }
}

/** A server for each subscriber, on this machine, with its two endpoints `/old` and `/new`; and its URL. */
export async function listen(subscribers: ReadonlyMap<number, Subscriber>) {
  const servers = new Map<number, Server>();
  const urls = new Map<number, string>();
  for (const [n, subscriber] of subscribers) {
    const server = createServer((request, response) => {
      subscriber.answer((request.url ?? '').slice(1), request, response).catch(() => response.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.set(n, server);
    urls.set(n, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }
  const close = () => {
    for (const server of servers.values()) {
      server.closeAllConnections();
      server.close();
    }
  };
  return { urls, close };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function end(response: ServerResponse, status: number, body?: string): void {
  response.statusCode = status;
  response.end(body);
}
