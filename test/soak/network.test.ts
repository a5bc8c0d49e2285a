import { once } from 'node:events';
import { type ClientHttp2Session, connect, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { CALM, Network, type Weather } from './network.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A server that counts what it was asked, and a client of it, with a network between. `random`: what chance says. */
async function between(weather: Weather, random: number) {
  let asked = 0;
  const server = createServer((_, response) => {
    asked++;
    response.end('x'.repeat(100_000));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const options = { random: () => random, delayMs: 20, stallMs: 20 };
  const network = await Network.to(`127.0.0.1:${port}`, options);
  const client = connect(`http://${network.host}`).on('error', () => {});
  closing.push(
    () => client.destroy(),
    () => network.close(),
    () => server.close(),
  );
  await once(client, 'remoteSettings');
  network.weather = weather;
  return { network, ask: () => ask(client), asked: () => asked };
}

/** Bytes of the answer, or that there was none. */
function ask(client: ClientHttp2Session): Promise<number | 'no answer'> {
  return new Promise((resolve) => {
    let bytes = 0;
    let ended = false;
    const call = client.request({ ':path': '/' });
    call.on('data', (data: Buffer) => {
      bytes += data.length;
    });
    call.on('end', () => {
      ended = !call.rstCode;
    });
    call.on('error', () => {});
    call.on('close', () => resolve(ended && bytes > 0 ? bytes : 'no answer'));
  });
}

it('in calm weather all gets through, and answers are counted by their frames', async () => {
  const { network, ask } = await between(CALM, 0);
  expect(await Promise.all([ask(), ask(), ask()])).toEqual([100_000, 100_000, 100_000]);
  expect(network.counts).toEqual({ connections: 1, cuts: 0, delays: 0, swallows: 0, answers: 3, swallowedAnswers: 0 });
});

it('what is delayed arrives, whole and in its order', async () => {
  const { network, ask } = await between({ ...CALM, delay: 0 }, 0.5);
  expect(await ask()).toBe(100_000);
  expect(network.counts).toMatchObject({ cuts: 0, answers: 1, swallowedAnswers: 0 });
  expect(network.counts.delays).toBeGreaterThan(1);
});

it.each([
  ['at once', 0.1],
  ['when it has stalled', 0.9],
])('a swallowed answer is of a request that was carried out, and the connection breaks %s', async (_, random) => {
  const { network, ask, asked } = await between({ ...CALM, swallow: 0 }, random);
  expect(await ask()).toBe('no answer');
  expect(asked()).toBe(1);
  expect(network.counts).toMatchObject({ swallows: 1, answers: 1, swallowedAnswers: 1 });
});

it('of what is cut half gets through, and the connection breaks', async () => {
  const { network, ask, asked } = await between({ ...CALM, cut: 0 }, 0.5);
  expect(await ask()).toBe('no answer');
  expect(asked()).toBe(0);
  expect(network.counts.cuts).toBeGreaterThan(0);
});
