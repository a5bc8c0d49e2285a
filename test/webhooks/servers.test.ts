import { createServer, request as rawRequest } from 'node:http';
import Fastify from 'fastify';
import { describe, expect, onTestFinished, test } from 'vitest';
import { memoryStore } from '../../src/store/memory.ts';
import { fastifyReceiver } from '../../src/webhooks/fastifyReceiver.ts';
import { Inbox } from '../../src/webhooks/inbox.ts';
import { nodeReceiver } from '../../src/webhooks/nodeReceiver.ts';
import { type Receiver, receiver } from '../../src/webhooks/receive.ts';
import { listed, listen, signed, TestCallbacks, TOPIC, until } from './world.ts';

type Serve = (made: Receiver) => Promise<string>;

const node: Serve = (made) => listen(createServer(nodeReceiver(made)));

const fastify: Serve = async (made) => {
  const app = Fastify({ bodyLimit: 10 });
  onTestFinished(() => app.close());
  app.get('/own', async () => ({ own: true }));
  app.post('/own', async ({ body }) => ({ body }));
  await app.register(fastifyReceiver(made), { prefix: '/cb' });
  return app.listen({ host: '127.0.0.1', port: 0 });
};

describe.each([
  ['node:http', node],
  ['Fastify', fastify],
])('behind %s', (_, serve) => {
  async function served() {
    const callbacks = new TestCallbacks();
    const inbox = new Inbox({ store: memoryStore() });
    const errors: unknown[] = [];
    const made = receiver({ callbacks, inbox, maxBytes: 50_000, onError: (error) => errors.push(error) });
    return { callbacks, inbox, errors, url: await serve(made) };
  }

  test('a challenge is echoed byte by byte', async () => {
    const { callbacks, url } = await served();
    callbacks.intents = [{ side: 'new', mode: 'subscribe' }];
    const query = `hub.mode=subscribe&hub.topic=${encodeURIComponent(TOPIC)}&hub.challenge=%2B%2F%3D%C3%A9%20%0A`;
    const response = await fetch(`${url}/cb/new?${query}`);
    expect([response.status, await response.text()]).toEqual([200, '+/=é \n']);
    expect((await fetch(`${url}/cb/old?${query}`)).status).toBe(404);
  });

  test.each([undefined, 'application/json', '', 'no type at all', ';;;', 'text/plain; charset=klingon'])(
    'the raw bytes of type %j are what is signed and kept',
    async (type) => {
      const { inbox, url } = await served();
      const body = Buffer.from('{"a":1, \xff\x00\r\n', 'latin1');
      const headers = { ...signed(body), ...(type === undefined ? {} : { 'content-type': type }) };
      // Not by fetch, which does not send what is no type.
      const status = await new Promise((resolve, reject) => {
        const sent = rawRequest(`${url}/cb/new`, { method: 'POST', headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        sent.on('error', reject);
        sent.end(body);
      });
      expect(status).toBe(202);
      expect(await listed(inbox)).toHaveLength(1);
    },
  );

  test('an empty body is a body', async () => {
    const { inbox, url } = await served();
    expect((await fetch(`${url}/cb/new`, { method: 'POST', headers: signed('') })).status).toBe(202);
    expect(await listed(inbox)).toHaveLength(1);
  });

  test.each([50_001, 5_000_000])('a body of %d bytes is over the limit, and the sender hears so', async (size) => {
    const { inbox, url } = await served();
    const body = Buffer.alloc(size);
    const response = await fetch(`${url}/cb/new`, { method: 'POST', body, headers: signed(body) });
    expect(response.status).toBe(413);
    expect(await listed(inbox)).toEqual([]);
    expect((await fetch(`${url}/cb/new`, { method: 'HEAD' })).status).toBe(200);
  });

  test('one without a length is counted as it comes', async () => {
    const { url } = await served();
    const parts = (n: number) =>
      new ReadableStream({
        start(controller) {
          for (let i = 0; i < n; i++) controller.enqueue(Buffer.alloc(10_000));
          controller.close();
        },
      });
    const send = (n: number) => {
      const init = { method: 'POST', body: parts(n), duplex: 'half', headers: signed(Buffer.alloc(n * 10_000)) };
      return fetch(`${url}/cb/new`, init as RequestInit);
    };
    expect((await send(5)).status).toBe(202);
    expect((await send(6)).status).toBe(413);
  });

  test('a sender that goes away in the middle leaves nothing, and the server goes on', async () => {
    const { callbacks, inbox, url } = await served();
    const sent = rawRequest(`${url}/cb/new`, { method: 'POST', headers: { 'content-length': '1000' } });
    sent.on('error', () => {});
    await new Promise((resolve) => sent.write('half', resolve));
    sent.destroy();
    expect((await fetch(`${url}/cb/new`, { method: 'POST', body: 'x', headers: signed('x') })).status).toBe(202);
    await until('the good one is stored', async () => (await listed(inbox)).length === 1);
    expect(callbacks.suspicions).toEqual([]);
  });

  test('unknown paths, methods and settled URLs', async () => {
    const { callbacks, url } = await served();
    callbacks.set('old', { gone: true });
    const status = async (method: string, path: string) =>
      (await fetch(`${url}${path}`, { method, redirect: 'manual' })).status;
    expect(await status('HEAD', '/cb/new')).toBe(200);
    expect(await status('HEAD', '/cb/none')).toBe(404);
    expect(await status('GET', '/cb/new')).toBe(404);
    expect(await status('POST', '/cb/none')).toBe(404);
    expect(await status('POST', '/cb/old')).toBe(410);
    expect([404, 405]).toContain(await status('DELETE', '/cb/new'));
  });

  test('what fails is 503, and said', async () => {
    const { callbacks, errors, url } = await served();
    callbacks.failing = true;
    expect((await fetch(`${url}/cb/new`, { method: 'POST', body: 'x', headers: signed('x') })).status).toBe(503);
    expect(errors).toHaveLength(1);
  });
});

test('Fastify: the routes of the application keep their parsers', async () => {
  const made = receiver({ callbacks: new TestCallbacks(), inbox: new Inbox({ store: memoryStore() }) });
  const url = await fastify(made);
  const json = { 'content-type': 'application/json' };
  const response = await fetch(`${url}/own`, { method: 'POST', body: '{"a":1}', headers: json });
  expect(await response.json()).toEqual({ body: { a: 1 } });
  expect((await fetch(`${url}/own`, { method: 'POST', body: 'x', headers: { 'content-type': 'a/b' } })).status).toBe(
    415,
  );
});
