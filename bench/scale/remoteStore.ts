import { once } from 'node:events';
import { connect } from 'node:net';
import { ERRORS, type ErrorCode, HandoverError } from '../../src/errors.ts';
import type { Capabilities, Entity, Outcome, Page, Store, UnitOutcome } from '../../src/store/store.ts';
import {
  type Answered,
  entityIn,
  guardOut,
  keyOut,
  mutationOut,
  rangeIn,
  rangeOut,
  receive,
  send,
  valueOut,
} from './wire.ts';

export interface RemoteStore extends Store {
  /** Any call of the stub, such as are no store's too. */
  ask<R>(op: string, ...args: readonly unknown[]): Promise<R>;
}

/** The store of a stub's process, over one socket, with as many calls under way as its user makes. */
export async function remoteStore(path: string, who: string): Promise<RemoteStore> {
  const socket = connect(path);
  await once(socket, 'connect');
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let calls = 0;
  let closed = false;
  receive<Answered>(socket, (answer) => {
    const call = waiting.get(answer.id)!;
    waiting.delete(answer.id);
    if ('value' in answer) call.resolve(answer.value);
    else call.reject(errorOf(answer));
  });
  // What it had under way may have been carried out or not.
  socket.on('close', () => {
    for (const { reject } of waiting.values()) reject(new HandoverError('store.unknown', 'The stub is gone.'));
  });
  socket.on('error', () => {});
  const ask = <R>(op: string, ...args: readonly unknown[]): Promise<R> => {
    if (closed) return Promise.reject(new HandoverError('store.closed', 'The store was closed.'));
    const id = calls++;
    return new Promise<R>((resolve, reject) => {
      waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      send(socket, { id, op, args });
    });
  };
  const pageIn = ({ entities, more }: { entities: readonly object[]; more: boolean }): Page => ({
    entities: entities.map((entity) => entityIn(entity as never)!),
    more,
  });
  const entitiesIn = (sent: readonly object[]): (Entity | undefined)[] =>
    sent.map((entity) => entityIn(entity as never));
  const capabilities = await ask<Capabilities>('hello', who);
  return {
    capabilities,
    ask,
    scan: async (range, limit) => pageIn(await ask('scan', rangeOut(range), limit)),
    split: async (range, n, finer) => {
      const pieces = await ask<object[]>('split', rangeOut(range), n, finer);
      return pieces.map((piece) => rangeIn(piece as never));
    },
    read: async (keys) => entitiesIn(await ask('read', keys.map(keyOut))),
    readTogether: async (keys) => entitiesIn(await ask('readTogether', keys.map(keyOut))),
    atOneMoment: async () => {
      throw new RangeError(`${capabilities.name} has no snapshot scans.`);
    },
    find: async (range, property, value, limit) =>
      pageIn(await ask('find', rangeOut(range), property, valueOut(value), limit)),
    kinds: (namespace) => ask('kinds', namespace),
    commit: (mutations, guard) => ask<Outcome[]>('commit', mutations.map(mutationOut), guardOut(guard)),
    commitTogether: (units, guard) => {
      const sent = units.map((unit) => unit.map(mutationOut));
      return ask<UnitOutcome[]>('commitTogether', sent, guardOut(guard));
    },
    overwrite: (puts, removes = []) => {
      const sent = puts.map(({ key, content, slot }) => ({ key: key.bytes, content: content.bytes, slot }));
      return ask('overwrite', sent, removes.map(keyOut));
    },
    close: async () => {
      closed = true;
      socket.end();
    },
  };
}

function errorOf({ code, message, facts }: Exclude<Answered, { readonly value: unknown }>): Error {
  if (code in ERRORS) return new HandoverError(code as ErrorCode, message, facts);
  return code === 'RangeError' ? new RangeError(message) : new Error(message);
}
