import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HandClock } from '../../src/testing/hub/handClock.ts';
import { TestHub, type TestHubOptions } from '../../src/testing/hub/hub.ts';
import { numbersIn } from '../../src/testing/hub/topic.ts';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

/** `nothing`: the connection is destroyed. `silence`: it stays open, and no answer comes. */
export type Reply = Answer | 'nothing' | 'silence';

/** Says yes to every verification, and takes every delivery. */
export const obliging = ({ query }: Received): Answer => ({ status: 200, body: query.get('hub.challenge') ?? '' });

/** URLs to deliver to. Each does what the test tells it, and by default obliges. */
export async function callbacks() {
  const received: Received[] = [];
  const manners = new Map<string, (received: Received) => Reply>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { pathname, searchParams } = new URL(request.url!, 'http://here');
    const { method = '', headers } = request;
    const got = { method, path: pathname, query: searchParams, headers, body: Buffer.concat(chunks).toString() };
    received.push(got);
    const reply = (manners.get(pathname) ?? obliging)(got);
    if (reply === 'nothing') return request.socket.destroy();
    if (reply === 'silence') return;
    response.writeHead(reply.status, reply.headers).end(reply.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    received,
    url: (path: string) => `${origin}${path}`,
    /** Called with all that comes to this path. */
    answer: (path: string, reply: (received: Received) => Reply) => manners.set(path, reply),
    /** To deliveries only; undefined obliges again. */
    answerDeliveries: (path: string, reply: Reply | undefined) =>
      manners.set(path, (got) => (reply && got.method === 'POST' ? reply : obliging(got))),
    answerVerifications: (path: string, reply: Reply | undefined) =>
      manners.set(path, (got) => (reply && got.method === 'GET' ? reply : obliging(got))),
    deliveries: (path: string) => received.filter((each) => each.path === path && each.method === 'POST'),
    /** Of each delivery, the newest number in it. */
    numbers: (path: string) =>
      received.filter((each) => each.path === path && each.method === 'POST').map(({ body }) => numbersIn(body)[0]),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const open: { close(): void | Promise<void> }[] = [];

/** What was started for a test ends with it. */
export function closing<Server extends { close(): void | Promise<void> }>(server: Server): Server {
  open.push(server);
  return server;
}

export async function closeAll(): Promise<void> {
  for (const server of open.splice(0)) await server.close();
}

/** A hub on a clock that the test moves, a topic of it, and URLs to subscribe. */
export async function scene(options: TestHubOptions & { kind?: 'atom' | 'json' } = {}) {
  const clock = new HandClock();
  const hub = closing(await TestHub.start({ clock, ...options }));
  const web = closing(await callbacks());
  const topic = hub.addTopic('news', options.kind ?? 'json');
  const ask = async (mode: string, path: string, more: Record<string, string> = {}) => {
    const form = { 'hub.mode': mode, 'hub.topic': topic, 'hub.callback': web.url(path), ...more };
    const { status } = await fetch(hub.url, { method: 'POST', body: new URLSearchParams(form) });
    return status;
  };
  const settled = async (mode: string, path: string, more?: Record<string, string>) => {
    const status = await ask(mode, path, more);
    await hub.idle();
    return status;
  };
  return {
    clock,
    hub,
    web,
    topic,
    /** Without waiting for what the hub does after its answer. */
    ask,
    subscribe: (path: string, more?: Record<string, string>) => settled('subscribe', path, more),
    unsubscribe: (path: string, more?: Record<string, string>) => settled('unsubscribe', path, more),
    publish: async (times = 1) => {
      for (let i = 0; i < times; i++) hub.publish(topic);
      await hub.idle();
    },
    /** Lets time pass, with all that the hub does in it. */
    pass: (ms: number) => clock.advance(ms, () => hub.idle()),
    stateOf: (path: string) => hub.log.subscriptions.find(({ callback }) => callback === web.url(path))?.state,
  };
}

export type Scene = Awaited<ReturnType<typeof scene>>;

/** Longer than all attempts of one delivery take. */
export const ALL_ATTEMPTS_MS = 60_000;
