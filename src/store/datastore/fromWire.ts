import type { Properties, Typed, Value } from '../../record/value.ts';
import { type Database, keyFromWire, unsupported } from './keys.ts';
import type { WireProperties, WireValue } from './wire.ts';

/** The typed form of what was read. Throws `value.unsupported` for what there is no typed form of. */
export function propertiesFromWire(from: Database, wire: WireProperties): Properties {
  const properties = new Map<string, Value>();
  for (const name of Object.keys(wire)) properties.set(name, valueFromWire(from, wire[name]!));
  return properties;
}

function valueFromWire(from: Database, wire: WireValue): Value {
  const typed = typedFromWire(from, wire);
  const meaning = wire.meaning ? { meaning: wire.meaning } : undefined;
  if (!wire.excludeFromIndexes) return meaning ? { ...typed, ...meaning } : typed;
  return { ...typed, ...meaning, unindexed: true };
}

function typedFromWire(from: Database, wire: WireValue): Typed {
  switch (wire.valueType) {
    case 'nullValue':
      return { type: 'null' };
    case 'booleanValue':
      return { type: 'boolean', value: wire.booleanValue! };
    case 'integerValue':
      return { type: 'integer', value: BigInt(wire.integerValue!) };
    case 'doubleValue':
      return { type: 'double', value: wire.doubleValue! };
    case 'stringValue':
      return { type: 'string', value: wire.stringValue! };
    case 'blobValue':
      return { type: 'bytes', value: wire.blobValue! };
    case 'timestampValue':
      return { type: 'timestamp', seconds: BigInt(wire.timestampValue!.seconds), nanos: wire.timestampValue!.nanos };
    case 'keyValue':
      return { type: 'key', value: keyFromWire(from, wire.keyValue!) };
    case 'geoPointValue':
      return { type: 'geoPoint', latitude: wire.geoPointValue!.latitude, longitude: wire.geoPointValue!.longitude };
    case 'entityValue':
      // An embedded entity may have a key of its own; to carry it without would be a loss.
      if (wire.entityValue!.key) throw unsupported('an embedded entity with a key of its own');
      return { type: 'entity', properties: propertiesFromWire(from, wire.entityValue!.properties) };
    case 'arrayValue':
      return { type: 'array', values: wire.arrayValue!.values.map((each) => valueFromWire(from, each)) };
    default:
      throw unsupported(`a value of an unknown type (${wire.valueType})`);
  }
}
