import { HandoverError, messageOf } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { FORMAT, MAX_MEANING, MEANING, TAG, TYPE_BITS, UNINDEXED } from './format.ts';
import { Key } from './key.ts';
import { Reader } from './reader.ts';
import type { Properties, Typed, Value } from './value.ts';

const KNOWN_BITS = TYPE_BITS | MEANING | UNINDEXED;

// One for all decoding, which does not yield.
const from = new Reader();

/**
 * The properties that these canonical bytes (format.ts) say. Throws `content.corrupt` for anything that
 * `encodeProperties` does not write, so that bytes and properties stay two forms of one content.
 */
export function decodeProperties(bytes: Buffer): Properties {
  from.start(bytes);
  try {
    const format = from.byte();
    if (format !== FORMAT) throw new Error(`format ${format}`);
    const properties = readProperties(0);
    if (from.left !== 0) throw new Error(`${from.left} bytes left over`);
    return properties;
  } catch (cause) {
    const detail = `At byte ${from.position} of ${bytes.length}: ${messageOf(cause)}.`;
    throw new HandoverError('content.corrupt', detail, {}, { cause });
  } finally {
    from.stop();
  }
}

function readProperties(depth: number): Properties {
  const properties = new Map<string, Value>();
  let last: string | undefined;
  for (let left = from.count(2); left > 0; left--) {
    const name = from.name();
    if (last !== undefined && name <= last) throw new Error('names out of order');
    properties.set(name, readValue(depth));
    last = name;
  }
  return properties;
}

type Flagged = Typed & { unindexed?: true; meaning?: number };

function readValue(depth: number): Value {
  const tag = from.byte();
  if (tag & ~KNOWN_BITS) throw new Error(`tag ${tag}`);
  const meaning = tag & MEANING ? from.varint() : undefined;
  const value: Flagged = readTyped(tag & TYPE_BITS, depth);
  if (tag & UNINDEXED) value.unindexed = true;
  if (meaning === undefined) return value;
  if (meaning > MAX_MEANING) throw new Error(`meaning ${meaning}`);
  value.meaning = meaning;
  return value;
}

function readTyped(type: number, depth: number): Typed {
  switch (type) {
    case TAG.null:
      return { type: 'null' };
    case TAG.false:
    case TAG.true:
      return { type: 'boolean', value: type === TAG.true };
    case TAG.integer:
      return { type: 'integer', value: from.integer() };
    case TAG.wideInteger:
      return { type: 'integer', value: from.wideInteger() };
    case TAG.double:
      return { type: 'double', value: from.double() };
    case TAG.string:
      return { type: 'string', value: from.text() };
    case TAG.bytes:
      return { type: 'bytes', value: from.bytes() };
    case TAG.timestamp:
      return { type: 'timestamp', seconds: from.int64(), nanos: from.nanos() };
    case TAG.key:
      return { type: 'key', value: readKey() };
    case TAG.geoPoint:
      return { type: 'geoPoint', latitude: from.double(), longitude: from.double() };
    case TAG.entity:
      return { type: 'entity', properties: readProperties(deeper(depth)) };
    case TAG.array:
      return { type: 'array', values: readValues(deeper(depth)) };
    default:
      throw new Error(`type ${type}`);
  }
}

function deeper(depth: number): number {
  if (depth >= LIMITS.valueDepth) throw new Error(`nested deeper than ${LIMITS.valueDepth}`);
  return depth + 1;
}

function readValues(depth: number): readonly Value[] {
  const values: Value[] = [];
  for (let left = from.count(1); left > 0; left--) values.push(readValue(depth));
  return values;
}

function readKey(): Key {
  const key = Key.fromBytes(from.bytes());
  key.path; // decodes now, while it is known whose bytes these are
  return key;
}
