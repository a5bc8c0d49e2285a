import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify, { type FastifyInstance } from 'fastify';
import { systemClock } from '../src/clock.ts';
import { save } from '../src/engine/documents.ts';
import { callbackKey, subscriptionAtHome, subscriptionKey } from '../src/engine/subscriptionDocument.ts';
import { Content } from '../src/record/content.ts';
import { key } from '../src/record/key.ts';
import { lmdbStore } from '../src/store/lmdb.ts';
import type { Store } from '../src/store/store.ts';
import { fastifyReceiver } from '../src/webhooks/fastifyReceiver.ts';
import { Inbox } from '../src/webhooks/inbox.ts';
import { receiver } from '../src/webhooks/receive.ts';
import { storedCallbacks } from '../src/webhooks/storedCallbacks.ts';
import { median, rounded } from './shared/compare.ts';
import { type Load, load, type Protocol, SECRET, type Loaded as Sent } from './shared/deliveries.ts';
import { optionsOf } from './shared/options.ts';

/**
 * Deliveries a second that are stored and acknowledged, on loopback, sent over 64 connections by a process of its own:
 * the receiver with its callbacks and its inbox in LMDB, against a Fastify handler that does nothing, and one that writes
 * each body to the same kind of store. `npm run bench -- receiver [--deliveries N] [--rounds R] [--connections C] [--case NAME]
 * [--json]`.
 */
interface Case {
  readonly protocol: Protocol;
  readonly serve: (app: FastifyInstance, store: Store) => void | Promise<void>;
  /** How many deliveries lie in the store: a benchmark of something that does not work is worth nothing. */
  readonly stored?: (store: Store) => Promise<number>;
}

interface Loaded extends Sent {
  /** Of the server's process. */
  readonly cpuMicros: number;
}

const RAW = 'Raw';

const CASES: Readonly<Record<string, Case>> = {
  'writes each body': { protocol: 'github', serve: storing, stored: (store) => countOf(store, RAW) },
  'does nothing': { protocol: 'github', serve: answering },
  'receiver, github': { protocol: 'github', serve: receiving('github'), stored: (store) => countOf(store) },
  'receiver, feed': { protocol: 'feed', serve: receiving('feed'), stored: (store) => countOf(store) },
};
const BASELINE = 'writes each body';

/** The raw bytes, as the receiver takes them: no body is parsed by anybody who does not need it. */
function rawBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}

function answering(app: FastifyInstance): void {
  rawBodies(app);
  app.post('/*', async (_request, reply) => reply.code(204).send());
}

function storing(app: FastifyInstance, store: Store): void {
  let n = 0;
  rawBodies(app);
  app.post('/*', async (request, reply) => {
    const body = { type: 'bytes', value: request.body as Buffer, unindexed: true } as const;
    await store.overwrite([{ key: key(RAW, ++n), content: Content.of(new Map([['body', body]])) }]);
    return reply.code(204).send();
  });
}

function receiving(protocol: Protocol) {
  return async (app: FastifyInstance, store: Store): Promise<void> => {
    const of = { campaign: 'bench.1', rule: 0, source: 'Blog:1', hub: 'http://hub.example/', protocol } as const;
    const terms = { topic: 'https://blog.example/', old: 'http://a.example/old', new: 'http://a.example/new' };
    const secrets = { oldSecret: SECRET, newSecret: SECRET };
    const document = subscriptionAtHome({ ...of, topic: terms.topic }, { ...terms, ...secrets });
    const path = { v: 1, subscription: of.source, side: 'new' } as const;
    await save<'callback'>(store, callbackKey('/new'), path, undefined);
    await save<'subscription'>(store, subscriptionKey(of.source), document, undefined);
    const callbacks = storedCallbacks(store, systemClock);
    app.register(fastifyReceiver(receiver({ callbacks, inbox: new Inbox({ store }) })));
  };
}

async function countOf(store: Store, kind?: string): Promise<number> {
  if (kind !== undefined) return (await store.scan({ namespace: '', kind }, 1_000_000)).entities.length;
  let count = 0;
  for await (const _ of new Inbox({ store }).list()) count++;
  return count;
}

async function measure(
  name: string,
  { protocol, serve, stored }: Case,
  size: Omit<Load, 'protocol' | 'url'>,
): Promise<Loaded> {
  const path = mkdtempSync(join(tmpdir(), 'handover-bench-'));
  const store = lmdbStore({ path });
  const app = Fastify();
  try {
    await serve(app, store);
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    globalThis.gc?.();
    let before = process.cpuUsage();
    const begun = () => {
      before = process.cpuUsage();
    };
    const sent = await inChild({ ...size, protocol, url: `${url}/new` }, begun);
    const { user, system } = process.cpuUsage(before);
    const found = stored && (await stored(store));
    if (found !== undefined && found !== size.deliveries)
      throw new Error(`${name}: ${found} of ${size.deliveries} stored`);
    return { ...sent, cpuMicros: (user + system) / size.deliveries };
  } finally {
    await app.close();
    await store.close();
    rmSync(path, { recursive: true, force: true });
  }
}

/** The load has a process of its own: a server that also sends would measure itself. */
async function inChild(what: Load, begun: () => void): Promise<Sent> {
  const child = fork(process.argv[1]!, ['--load', JSON.stringify(what)], { stdio: ['ignore', 2, 2, 'ipc'] });
  const ended = once(child, 'exit');
  const message = async () => ((await Promise.race([once(child, 'message'), ended])) as [Sent | 'begun' | number])[0];
  if ((await message()) === 'begun') begun();
  const answer = await message();
  await ended;
  if (typeof answer !== 'object') throw new Error(`the load ended with ${answer}`);
  return answer;
}

function rowsOf(rounds: readonly ReadonlyMap<string, Loaded>[]) {
  const middle = (name: string, of: (loaded: Loaded) => number) => median(rounds.map((round) => of(round.get(name)!)));
  const rate = ({ perSecond }: Loaded) => perSecond;
  return [...rounds[0]!.keys()].map((name) => {
    // Within a round the machine is about the same: so ratios first, and then their median.
    const ratios = rounds.map((round) => rate(round.get(name)!) / rate(round.get(BASELINE)!)).sort((a, b) => a - b);
    return {
      name,
      perSecond: Math.round(middle(name, rate)),
      p50Ms: rounded(
        middle(name, ({ p50Ms }) => p50Ms),
        2,
      ),
      p95Ms: rounded(
        middle(name, ({ p95Ms }) => p95Ms),
        2,
      ),
      p99Ms: rounded(
        middle(name, ({ p99Ms }) => p99Ms),
        2,
      ),
      cpuMicros: Math.round(middle(name, ({ cpuMicros }) => cpuMicros)),
      ratio: rounded(median(ratios), 2),
      spread: `${rounded(ratios[0]!, 2)} to ${rounded(ratios[ratios.length - 1]!, 2)}`,
    };
  });
}

async function main(argv: readonly string[]): Promise<void> {
  const { flag, number, text } = optionsOf(argv);
  const sent = text('load', '');
  if (sent) {
    process.send!(await load(JSON.parse(sent) as Load, () => process.send!('begun')));
    return process.disconnect();
  }
  const size = { deliveries: number('deliveries', 10_000), connections: number('connections', 64) };
  const only = text('case', '');
  const chosen = Object.entries(CASES).filter(([name]) => only === '' || name === only || name === BASELINE);
  const rounds: Map<string, Loaded>[] = [];
  for (let round = 0; round < number('rounds', 5); round++) {
    const measured = new Map<string, Loaded>();
    for (const [name, each] of chosen) measured.set(name, await measure(name, each, size));
    rounds.push(measured);
  }
  const rows = rowsOf(rounds);
  if (flag('json')) console.log(JSON.stringify({ rows }));
  else {
    console.table(rows);
    console.log(`ratio: deliveries/s against "${BASELINE}" of the same round: the median, and the least and the most.`);
    console.log('Not measured: handlers that run meanwhile, duplicates, TLS, a network, an inbox that holds millions.');
  }
}

await main(process.argv.slice(2));
