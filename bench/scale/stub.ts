import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { HandoverError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import type { Value } from '../../src/record/value.ts';
import { lmdbStore } from '../../src/store/lmdb.ts';
import type { Finer, Guard, Store } from '../../src/store/store.ts';
import { seed } from '../shared/feeds.ts';
import { type Asked, Traffic } from './traffic.ts';
import { entityOut, guardIn, keyIn, mutationIn, rangeIn, rangeOut, receive, type Sent, send } from './wire.ts';

/**
 * A store in a process of its own that takes its time: `stub.js SOCKET FOLDER ATOMIC LATENCY_MS RECORDS`. It is the LMDB
 * store, so that it keeps the port's contract, and answers each call so many milliseconds after it came, half of them
 * before it is carried out. Calls of the connection `bench` are answered at once. Prints `ready` when it can be called.
 */
type Put = Parameters<Store['overwrite']>[0][number];
type Args = readonly never[];
type Call = (...args: Args) => Promise<unknown>;

const [socketPath, path, atomic, latency, records] = process.argv.slice(2) as [
  string,
  string,
  'group' | 'any',
  string,
  string,
];
const store = lmdbStore({ path, atomic });
const capabilities: Store['capabilities'] = { ...store.capabilities, name: 'stub', snapshotScans: false };
const latencyMs = Number(latency);
const traffic = new Map<string, Traffic>();
const pageOut = async (page: ReturnType<Store['scan']>) => {
  const { entities, more } = await page;
  return { entities: entities.map(entityOut), more };
};
const readOut = async (found: ReturnType<Store['read']>) => (await found).map(entityOut);

/** What was asked, decoded, and what carries it out. */
const CALLS = {
  scan: (range: never, limit: number) => {
    const within = rangeIn(range);
    return { range: within, run: () => pageOut(store.scan(within, limit)) };
  },
  split: (range: never, n: number, finer: Finer | undefined) => {
    const within = rangeIn(range);
    // As if there were many more: so fewer records tell how many workers share the ranges of a large home.
    const fine = finer && { ...finer, entities: LIMITS.pageSize };
    return { range: within, run: async () => (await store.split(within, n, fine)).map(rangeOut) };
  },
  read: (sent: Uint8Array[]) => {
    const keys = sent.map(keyIn);
    return { keys, run: () => readOut(store.read(keys)) };
  },
  readTogether: (sent: Uint8Array[]) => {
    const keys = sent.map(keyIn);
    return { keys, run: () => readOut(store.readTogether(keys)) };
  },
  find: (range: never, property: string, value: Value, limit: number) => {
    const within = rangeIn(range);
    return { range: within, run: () => pageOut(store.find(within, property, value, limit)) };
  },
  kinds: (namespace: string) => ({ run: () => store.kinds!(namespace) }),
  commit: (sent: never[], by: never) => {
    const mutations = sent.map(mutationIn);
    const guard: Guard | undefined = guardIn(by);
    return { mutations, run: () => store.commit(mutations, guard) };
  },
  commitTogether: (sent: never[][], by: never) => {
    const units = sent.map((unit) => unit.map(mutationIn));
    const guard: Guard | undefined = guardIn(by);
    return { mutations: units.flat(), run: () => store.commitTogether(units, guard) };
  },
  overwrite: (sent: never[], removes: Uint8Array[]) => {
    const puts = sent.map((put) => mutationIn(put) as Put);
    return { run: () => store.overwrite(puts, removes.map(keyIn)) };
  },
} as const;

function serve(socket: Socket): void {
  let who = '';
  const meta: Readonly<Record<string, Call>> = {
    hello: async (name: never) => {
      who = name;
      if (who !== 'bench') traffic.set(who, new Traffic());
      return capabilities;
    },
    traffic: async () => [...traffic.values()].map((each) => each.seen()),
    restart: async () => {
      for (const each of traffic.values()) each.restart();
    },
  };
  const answer = async ({ op, args }: Sent): Promise<unknown> => {
    if (meta[op]) return meta[op](...(args as Args));
    const make = CALLS[op as keyof typeof CALLS] as (...args: readonly unknown[]) => Asked;
    const asked = make(...args);
    const seen = traffic.get(who);
    if (!seen) return asked.run();
    console.error(
      Math.round(performance.now()),
      op,
      asked.range?.kind ?? asked.keys?.[0]?.toString() ?? asked.mutations?.[0]?.key.toString(),
      (asked.keys ?? asked.mutations)?.length,
    );
    const end = seen.begin(op, asked);
    await sleep(latencyMs / 2);
    const value = await asked.run();
    await sleep(latencyMs / 2);
    end(value);
    return value;
  };
  receive<Sent>(socket, (sent) => {
    answer(sent).then(
      (value) => send(socket, { id: sent.id, value }),
      (error) => send(socket, { id: sent.id, ...toldOf(error) }),
    );
  });
  // A worker that was told to end is gone in the middle of an answer.
  socket.on('error', () => {});
}

function toldOf(error: unknown) {
  if (error instanceof HandoverError) return { code: error.code, message: error.detail };
  const { name, message } = error as Error;
  return { code: name, message };
}

await seed(store, Number(records), (n) => n % 1000);
createServer(serve).listen(socketPath, () => console.log('ready'));
