import { HandoverError } from '../../errors.ts';
import { SLOT_PROPERTY } from '../../record/slot.ts';
import type { Properties, Typed, Value } from '../../record/value.ts';
import { type Database, keyToWire } from './keys.ts';
import type { WireProperties, WireValue } from './wire.ts';

/**
 * The wire form of what was made here. What the store would change silently, or take for something else, is refused
 * here with `entity.refused`; what it refuses itself is left to it.
 */
export interface Writing extends Database {
  /** Whether an array keeps its order when an indexed element stands behind one that is not. */
  readonly keepsMixedArrays: boolean;
}

export function propertiesToWire(to: Writing, properties: Properties): WireProperties {
  if (properties.has(SLOT_PROPERTY)) throw refused(`a property named ${SLOT_PROPERTY}, where the state is kept`);
  return nestedToWire(to, properties);
}

function nestedToWire(to: Writing, properties: Properties): WireProperties {
  // Without a prototype, a property that is named like one of Object's is one like any other.
  const wire: Record<string, WireValue> = Object.create(null);
  for (const [name, value] of properties) wire[name] = valueToWire(to, value);
  return wire;
}

function valueToWire(to: Writing, value: Value): WireValue {
  return {
    ...typedToWire(to, value),
    ...(value.unindexed ? { excludeFromIndexes: true } : {}),
    ...(value.meaning === undefined ? {} : { meaning: value.meaning }),
  };
}

function typedToWire(to: Writing, value: Typed): WireValue {
  switch (value.type) {
    case 'null':
      return { nullValue: 'NULL_VALUE' };
    case 'boolean':
      return { booleanValue: value.value };
    case 'integer':
      return { integerValue: `${value.value}` };
    case 'double':
      return { doubleValue: value.value };
    case 'string':
      return { stringValue: value.value };
    case 'bytes':
      return { blobValue: value.value };
    case 'timestamp':
      if (value.nanos % 1000 !== 0) throw refused('a moment finer than a microsecond, which would be cut off');
      return { timestampValue: { seconds: `${value.seconds}`, nanos: value.nanos } };
    case 'key':
      return { keyValue: keyToWire(to, value.value) };
    case 'geoPoint':
      return { geoPointValue: { latitude: value.latitude, longitude: value.longitude } };
    case 'entity':
      return { entityValue: { properties: nestedToWire(to, value.properties) } };
    case 'array':
      // Some modes take an array in an array, and drop it.
      if (value.values.some(({ type }) => type === 'array')) throw refused('an array in an array');
      if (!to.keepsMixedArrays && isMixed(value.values)) {
        throw refused('an array with an indexed element behind an unindexed one, whose order would be lost');
      }
      return { arrayValue: { values: value.values.map((each) => valueToWire(to, each)) } };
  }
}

function isMixed(values: readonly Value[]): boolean {
  const hidden = values.findIndex(({ unindexed }) => unindexed);
  return hidden >= 0 && values.slice(hidden).some(({ unindexed }) => !unindexed);
}

const refused = (what: string): HandoverError => new HandoverError('entity.refused', `It has ${what}.`);

/** Bytes that properties take in a request, at most: what a value says, and 24 for tags, lengths and flags. */
export function wireBytes(properties: WireProperties): number {
  let bytes = 0;
  for (const name in properties) bytes += 24 + Buffer.byteLength(name) + valueBytes(properties[name]!);
  return bytes;
}

function valueBytes(value: WireValue): number {
  if (value.stringValue !== undefined) return Buffer.byteLength(value.stringValue);
  if (value.blobValue !== undefined) return value.blobValue.length;
  if (value.entityValue) return 24 + wireBytes(value.entityValue.properties);
  if (value.keyValue)
    return (
      200 + value.keyValue.path.reduce((sum, { kind, name = '' }) => sum + 24 + 3 * (kind.length + name.length), 0)
    );
  if (!value.arrayValue) return 24;
  return value.arrayValue.values.reduce((sum, each) => sum + 24 + valueBytes(each), 24);
}
