import { HandoverError } from '../../errors.ts';
import type { Mutation, NotApplied } from '../store.ts';
import type { Connection } from './client.ts';
import { entityToWire } from './entities.ts';
import { idOf, keyToWire } from './keys.ts';
import { type Writing, wireBytes } from './toWire.ts';
import type { WireEntity, WireKey } from './wire.ts';

/** A mutation in wire form. */
export interface Prepared {
  readonly op: Mutation['op'];
  readonly mutation: Mutation;
  readonly key: WireKey;
  /** What is written; none for a delete. */
  readonly entity: WireEntity | undefined;
  /** The version that must stand there; none for an insert. */
  readonly version: string | undefined;
  readonly id: string;
  readonly group: string;
  readonly bytes: number;
}

const VERSION = /^[1-9]\d{0,18}$/;

/** A version that this store never gave fits nothing; to send it would be to ask for an unconditional write. */
export function prepare(to: Connection & Writing, mutation: Mutation): Prepared | NotApplied {
  const { op } = mutation;
  const version = op === 'insert' ? undefined : mutation.version;
  if (op !== 'insert' && !(typeof version === 'string' && VERSION.test(version))) return { status: 'conflict' };
  try {
    const key = keyToWire(to, mutation.key);
    const entity = op === 'delete' ? undefined : entityToWire(to, mutation.key, mutation.content, mutation.slot);
    return {
      op,
      mutation,
      key,
      entity,
      version: version as string | undefined,
      id: idOf(key),
      group: idOf({ ...key, path: key.path.slice(0, 1) }),
      bytes: 100 + 4 * mutation.key.bytes.length + (entity ? wireBytes(entity.properties) : 0),
    };
  } catch (error) {
    if (!(error instanceof HandoverError)) throw error;
    return { status: 'refused', code: error.code, cause: `${mutation.key}: ${error.detail}` };
  }
}

export const isPrepared = (made: Prepared | NotApplied): made is Prepared => 'id' in made;
