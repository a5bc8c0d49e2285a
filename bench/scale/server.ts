import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { HandoverError } from '../../src/errors.ts';
import type { Finer, Guard, Store } from '../../src/store/store.ts';
import { type Asked, Traffic } from './traffic.ts';
import { entityOut, guardIn, keyIn, mutationIn, rangeIn, rangeOut, receive, type Sent, send, valueIn } from './wire.ts';

export interface Serving {
  readonly latencyMs: number;
  /** In place of the store's own. */
  readonly split?: Store['split'];
}

type Put = Parameters<Store['overwrite']>[0][number];
type Args = readonly never[];
type Call = (...args: Args) => Promise<unknown>;

const pageOut = async (page: ReturnType<Store['scan']>) => {
  const { entities, more } = await page;
  return { entities: entities.map(entityOut), more };
};
const readOut = async (found: ReturnType<Store['read']>) => (await found).map(entityOut);

/** What was asked, decoded, and what carries it out. */
const callsOf = (store: Store, split: Store['split']) => ({
  scan: (range: never, limit: number) => {
    const within = rangeIn(range);
    return { range: within, run: () => pageOut(store.scan(within, limit)) };
  },
  split: (range: never, n: number, finer: Finer | undefined) => {
    const within = rangeIn(range);
    return { range: within, run: async () => (await split(within, n, finer)).map(rangeOut) };
  },
  read: (sent: Uint8Array[]) => {
    const keys = sent.map(keyIn);
    return { keys, run: () => readOut(store.read(keys)) };
  },
  readTogether: (sent: Uint8Array[]) => {
    const keys = sent.map(keyIn);
    return { keys, run: () => readOut(store.readTogether(keys)) };
  },
  find: (range: never, property: string, sent: Uint8Array, limit: number) => {
    const within = rangeIn(range);
    return { range: within, run: () => pageOut(store.find(within, property, valueIn(sent), limit)) };
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
});

/**
 * Answers the calls of every connection with what the store does, so many milliseconds after they came, half of them before
 * they are carried out; those of the connection `bench` at once, and `traffic` and `restart`, which are no store's.
 */
export function serverOf(store: Store, { latencyMs, split = store.split }: Serving): Server {
  const capabilities = { ...store.capabilities, name: 'stub', snapshotScans: false };
  const traffic = new Map<string, Traffic>();
  const calls = callsOf(store, split);
  return createServer((socket) => serve(socket, { capabilities, calls, traffic, latencyMs }));
}

interface Context {
  readonly capabilities: Store['capabilities'];
  readonly calls: ReturnType<typeof callsOf>;
  /** By the name of who calls. */
  readonly traffic: Map<string, Traffic>;
  readonly latencyMs: number;
}

function serve(socket: Socket, { capabilities, calls, traffic, latencyMs }: Context): void {
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
    const make = calls[op as keyof typeof calls] as (...args: readonly unknown[]) => Asked;
    const asked = make(...args);
    const seen = traffic.get(who);
    if (!seen) return asked.run();
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
  if (error instanceof HandoverError) return { code: error.code, message: error.detail, facts: error.facts };
  const { name, message } = error as Error;
  return { code: name, message, facts: {} };
}
