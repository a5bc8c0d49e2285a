import { createHmac } from 'node:crypto';
import { createHistogram } from 'node:perf_hooks';
import { Client } from 'undici';

export type Protocol = 'github' | 'feed';

export interface Load {
  readonly url: string;
  readonly protocol: Protocol;
  readonly deliveries: number;
  readonly connections: number;
}

export interface Loaded {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

export const SECRET = 'a secret of twenty-four bytes or so';

interface Delivery {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** About 1 KiB each. */
const MAKE: Readonly<Record<Protocol, (n: number) => Delivery>> = {
  github: (n) => {
    const body = Buffer.from(JSON.stringify({ ref: 'refs/heads/main', number: n, text: 'x'.repeat(950) }));
    const signature = createHmac('sha256', SECRET).update(body).digest('hex');
    return {
      body,
      headers: {
        'content-type': 'application/json',
        'x-github-event': 'push',
        'x-github-delivery': `72d3162e-cc78-11e3-81ab-${String(n).padStart(12, '0')}`,
        'x-hub-signature-256': `sha256=${signature}`,
      },
    };
  },
  feed: (n) => {
    const body = Buffer.from(feedOf(n));
    const signature = createHmac('sha256', SECRET).update(body).digest('hex');
    return { body, headers: { 'content-type': 'application/atom+xml', 'x-hub-signature': `sha256=${signature}` } };
  },
};

const feedOf = (n: number): string => `<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
  <title>The blog</title><id>https://blog.example/</id><updated>2026-11-25T12:00:00Z</updated>
  <link rel="self" href="https://blog.example/"/><link rel="hub" href="http://hub.example/"/>
  <entry>
    <title>Entry ${n}</title><id>https://blog.example/${n}</id><updated>2026-11-25T12:00:00Z</updated>
    <link href="https://blog.example/${n}"/><content type="text">${'x'.repeat(500)}</content>
  </entry>
</feed>`;

/** Sends them all, one at a time on each connection, made and signed before. Throws what is not answered 2xx. */
export async function load({ url, protocol, deliveries, connections }: Load, begun: () => void): Promise<Loaded> {
  const { origin, pathname: path } = new URL(url);
  const clients = Array.from({ length: connections }, () => new Client(origin));
  const ready = Array.from({ length: deliveries }, (_, n) => MAKE[protocol](n));
  const times = createHistogram();
  let next = 0;
  const lane = async (client: Client): Promise<void> => {
    for (let delivery = ready[next++]; delivery; delivery = ready[next++]) {
      const start = process.hrtime.bigint();
      const { statusCode, body } = await client.request({ method: 'POST', path, ...delivery });
      await body.dump();
      times.record(process.hrtime.bigint() - start);
      if (statusCode >= 300) throw new Error(`${url} answered ${statusCode}`);
    }
  };
  // A connection is made with its first request, which nobody is to wait for.
  await Promise.all(clients.map(async (client) => (await client.request({ method: 'HEAD', path })).body.dump()));
  begun();
  const start = performance.now();
  await Promise.all(clients.map(lane));
  const perSecond = (deliveries * 1000) / (performance.now() - start);
  await Promise.all(clients.map((client) => client.close()));
  const ms = (percent: number) => times.percentile(percent) / 1e6;
  return { perSecond, p50Ms: ms(50), p95Ms: ms(95), p99Ms: ms(99) };
}
