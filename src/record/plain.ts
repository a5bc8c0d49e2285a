import { HandoverError } from '../errors.ts';
import type { Key } from './key.ts';
import { GeoPoint, Timestamp } from './scalars.ts';
import { SLOT_PROPERTY } from './slot.ts';
import type { Properties, Value } from './value.ts';

export { double, GeoPoint, integer, Timestamp, unindexed } from './scalars.ts';
export { fromPlain } from './typed.ts';

/** What a transform sees of a value. */
export type PlainValue =
  | null
  | boolean
  | string
  | number
  | bigint
  | Uint8Array
  | Timestamp
  | Key
  | GeoPoint
  | PlainRecord
  | PlainValue[];

/** What a transform sees of a record. It is the transform's own: changing it changes nothing else. */
export interface PlainRecord {
  [name: string]: PlainValue;
}

const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * The plain view of a record: integers as numbers while those are exact, else as bigints; doubles as numbers; entities
 * as objects; index flags not at all. `fromPlain` is the way back, without loss for what was not touched.
 */
export function toPlain(properties: Properties): PlainRecord {
  const record: PlainRecord = {};
  for (const [name, value] of properties) {
    // Assigning `__proto__` would change the object's prototype and lose the property.
    if (name === '__proto__') defineProto(record, plainOf(value));
    else record[name] = plainOf(value);
  }
  return record;
}

function defineProto(record: PlainRecord, value: PlainValue): void {
  Object.defineProperty(record, '__proto__', { value, enumerable: true, configurable: true, writable: true });
}

function plainOf(value: Value): PlainValue {
  switch (value.type) {
    case 'null':
      return null;
    case 'boolean':
    case 'double':
    case 'string':
    case 'key':
      return value.value;
    case 'integer':
      return value.value <= SAFE && value.value >= -SAFE ? Number(value.value) : value.value;
    case 'bytes':
      return Buffer.from(value.value);
    case 'timestamp':
      return Timestamp.of(value.seconds, value.nanos);
    case 'geoPoint':
      return new GeoPoint(value.latitude, value.longitude);
    case 'entity':
      return toPlain(value.properties);
    case 'array':
      return value.values.map(plainOf);
  }
}

/**
 * Gives properties other names, and changes nothing else of them: types, index flags and meanings stay. All at once, so
 * that two may swap; the inverted map undoes it. A name in the map that the record does not have is passed over.
 * Throws `value.invalid` when a new name is taken by a property that keeps it, for then there would be no way back.
 */
export function rename(properties: Properties, names: Readonly<Record<string, string>>): Properties {
  const moves = Object.entries(names);
  for (const [old, now] of moves) {
    if (typeof now !== 'string' || now === '' || now === SLOT_PROPERTY) {
      throw new HandoverError('value.invalid', `${old} cannot be renamed to ${JSON.stringify(now)}.`, { path: old });
    }
    if (properties.has(now) && !Object.hasOwn(names, now)) throw taken(old, now);
  }
  if (!moves.some(([old, now]) => old !== now && properties.has(old))) return properties;
  const renamed = new Map<string, Value>();
  for (const [old, value] of properties) {
    const now = Object.hasOwn(names, old) ? names[old]! : old;
    if (renamed.has(now)) throw taken(old, now);
    renamed.set(now, value);
  }
  return renamed;
}

function taken(old: string, now: string): HandoverError {
  const detail = `${old} cannot be renamed to ${now}: the record has another property of that name.`;
  return new HandoverError('value.invalid', detail, { path: old });
}
