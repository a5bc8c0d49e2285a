import { HandoverError } from '../../errors.ts';
import type { View } from '../store.ts';
import type { Connection } from './client.ts';
import { readIn } from './lookups.ts';
import { scan } from './queries.ts';

/**
 * Many pages in one read-only transaction, which takes no locks. The service ends one after 270 seconds, or when it was idle
 * for 60: then the next read is refused, and the whole look is worth nothing (`store.moment`).
 */
export async function atOneMoment<R>(
  connection: Connection,
  run: (view: View) => Promise<R>,
  isClosing: () => boolean,
): Promise<R> {
  const transaction = await connection.beginReadOnly();
  const within = async <T>(read: () => Promise<T>): Promise<T> => {
    if (isClosing()) throw new HandoverError('store.closed', `The store of ${connection.where} was closed.`);
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof HandoverError) || error.code !== 'store.rejected') throw error;
      throw new HandoverError('store.moment', error.detail, error.facts, { cause: error });
    }
  };
  try {
    return await run({
      scan: (range, limit) => within(() => scan(connection, range, limit, transaction)),
      read: (keys) => within(() => readIn(connection, keys, transaction)),
    });
  } finally {
    await connection.rollback(transaction).catch(() => undefined);
  }
}
