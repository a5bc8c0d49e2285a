import { HandoverError } from '../../errors.ts';
import { Key } from '../../record/key.ts';
import type { Connection } from './client.ts';
import type { WireKey, WireStep } from './wire.ts';

export type Database = Pick<Connection, 'projectId' | 'databaseId'>;

export function keyToWire({ projectId, databaseId }: Database, key: Key): WireKey {
  return {
    partitionId: { projectId, databaseId, namespaceId: key.namespace },
    path: key.path.map(({ kind, id }) => (typeof id === 'bigint' ? { kind, id: `${id}` } : { kind, name: id })),
  };
}

/** Throws `value.unsupported` for a key that points out of this database, or that names no entity. */
export function keyFromWire({ projectId, databaseId }: Database, { partitionId, path }: WireKey): Key {
  if ((partitionId?.projectId || projectId) !== projectId || (partitionId?.databaseId ?? '') !== databaseId) {
    const where = `project ${partitionId?.projectId}, database ${partitionId?.databaseId || '(default)'}`;
    throw unsupported(`a key of another database (${where})`);
  }
  return Key.of(path.map(stepFromWire), partitionId?.namespaceId ?? '');
}

function stepFromWire({ kind, id, name }: WireStep): { kind: string; id: bigint | string } {
  if (name !== undefined) return { kind, id: name };
  if (id === undefined) throw unsupported(`a key without an id (${kind})`);
  if (id.startsWith('-')) throw unsupported(`a key with a negative id (${kind}:${id})`);
  return { kind, id: BigInt(id) };
}

export const unsupported = (what: string): HandoverError => new HandoverError('value.unsupported', `It holds ${what}.`);

/** A key's identity as the wire has it; for finding in an answer what was asked. */
export function idOf({ partitionId, path }: WireKey): string {
  const steps = path.map(({ kind, id, name }) => [kind, name === undefined ? id : [name]]);
  return JSON.stringify([partitionId?.namespaceId ?? '', steps]);
}
