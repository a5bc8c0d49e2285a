import { LIMITS } from '../../limits.ts';
import type { Key } from '../../record/key.ts';
import type { Entity } from '../store.ts';
import type { Connection } from './client.ts';
import { entityFromWire } from './entities.ts';
import { idOf, keyToWire } from './keys.ts';
import type { LookupRequest, WireKey, WireResult } from './wire.ts';

/** Each key's entity, at some moment during the call; strongly consistent in every mode. */
export async function read(connection: Connection, keys: readonly Key[]): Promise<(Entity | undefined)[]> {
  const wire = keys.map((key) => keyToWire(connection, key));
  return answer(connection, wire, await lookup(connection, wire));
}

export async function lookup(connection: Connection, keys: readonly WireKey[]): Promise<Map<string, WireResult>> {
  const found = new Map<string, WireResult>();
  const wanted = distinct(keys);
  for (let i = 0; i < wanted.length; i += LIMITS.datastoreLookupKeys) {
    let asked: readonly WireKey[] = wanted.slice(i, i + LIMITS.datastoreLookupKeys);
    while (asked.length > 0) {
      const { found: some, deferred } = await connection.lookup({ keys: asked });
      for (const result of some) found.set(idOf(result.entity.key), result);
      asked = deferred;
    }
  }
  return found;
}

/**
 * All at one moment: a read-only transaction, and another one when that was aborted. The service begins it with the
 * look-up itself; it takes no locks, and there is nothing to end. An emulator may keep what was read in it from being
 * written for a minute, and lets go only of a transaction that was begun and rolled back on its own.
 */
export async function readTogether(connection: Connection, keys: readonly Key[]): Promise<(Entity | undefined)[]> {
  const wire = keys.map((key) => keyToWire(connection, key));
  const found = await connection.repeat(async (lookup) => {
    if (!connection.isEmulator) return lookupIn(lookup, wire, { newTransaction: { readOnly: {} } });
    const transaction = await connection.beginReadOnly();
    try {
      return await lookupIn(lookup, wire, { transaction });
    } finally {
      await connection.rollback(transaction).catch(() => undefined);
    }
  });
  return answer(connection, wire, found);
}

/** Each key's entity as it was when the transaction began. */
export async function readIn(connection: Connection, keys: readonly Key[], transaction: Uint8Array) {
  const wire = keys.map((key) => keyToWire(connection, key));
  return answer(connection, wire, await lookupIn(connection.lookup, wire, { transaction }));
}

async function lookupIn(
  lookup: Connection['lookup'],
  keys: readonly WireKey[],
  begin: NonNullable<LookupRequest['readOptions']>,
): Promise<Map<string, WireResult>> {
  const found = new Map<string, WireResult>();
  let readOptions = begin;
  let asked: readonly WireKey[] = distinct(keys);
  while (asked.length > 0) {
    const { found: some, deferred, transaction } = await lookup({ keys: asked, readOptions });
    for (const result of some) found.set(idOf(result.entity.key), result);
    asked = deferred;
    if (transaction.length > 0) readOptions = { transaction };
  }
  return found;
}

function distinct(keys: readonly WireKey[]): WireKey[] {
  return [...new Map(keys.map((key) => [idOf(key), key])).values()];
}

function answer(connection: Connection, keys: readonly WireKey[], found: ReadonlyMap<string, WireResult>) {
  return keys.map((key) => {
    const result = found.get(idOf(key));
    return result && entityFromWire(connection, result);
  });
}

/** The versions that stand now, by `idOf`; nothing for what does not exist. */
export async function versionsOf(connection: Connection, keys: readonly WireKey[]): Promise<Map<string, string>> {
  const found = await lookup(connection, keys);
  return new Map([...found].map(([id, { version }]) => [id, version]));
}
