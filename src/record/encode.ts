import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { FORMAT, MAX_MEANING, MAX_NANOS, MEANING, NAN_HIGH, TAG, UNINDEXED } from './format.ts';
import { isText } from './text.ts';
import { MAX_INTEGER, MIN_INTEGER, type Properties, type Value } from './value.ts';

// One buffer for all encoding: it never outlives the call, which does not yield.
let out = Buffer.allocUnsafe(64 * 1024);
let at = 0;

/** The canonical bytes (format.ts). Throws `value.invalid` for what no store could hold. */
export function encodeProperties(properties: Properties): Buffer {
  at = 0;
  room(1);
  out[at++] = FORMAT;
  writeProperties(properties, 0);
  return Buffer.from(out.subarray(0, at));
}

function room(bytes: number): void {
  if (at + bytes <= out.length) return;
  const larger = Buffer.allocUnsafe(Math.max(out.length * 2, at + bytes));
  out.copy(larger, 0, 0, at);
  out = larger;
}

function writeProperties(properties: Properties, depth: number): void {
  writeVarint(properties.size);
  if (isSorted(properties)) {
    for (const [name, value] of properties) writeProperty(name, value, depth);
  } else {
    for (const name of [...properties.keys()].sort(byCodeUnit)) writeProperty(name, properties.get(name)!, depth);
  }
}

function writeProperty(name: string, value: Value, depth: number): void {
  writeText(name);
  writeValue(value, depth);
}

/** What was decoded is; sorting costs as much as the rest. */
function isSorted(properties: Properties): boolean {
  let last = '';
  for (const name of properties.keys()) {
    if (name < last) return false;
    last = name;
  }
  return true;
}

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function writeValue(value: Value, depth: number): void {
  switch (value.type) {
    case 'null':
      writeTag(TAG.null, value);
      break;
    case 'boolean':
      writeTag(value.value ? TAG.true : TAG.false, value);
      break;
    case 'integer':
      writeInteger(value);
      break;
    case 'double':
      writeTag(TAG.double, value);
      writeDouble(value.value);
      break;
    case 'string':
      writeTag(TAG.string, value);
      writeText(value.value);
      break;
    case 'bytes':
      writeTag(TAG.bytes, value);
      writeBytes(value.value);
      break;
    case 'timestamp':
      writeTimestamp(value);
      break;
    case 'key':
      writeTag(TAG.key, value);
      writeBytes(value.value.bytes);
      break;
    case 'geoPoint':
      writeTag(TAG.geoPoint, value);
      writeDouble(value.latitude);
      writeDouble(value.longitude);
      break;
    case 'entity':
      deeper(depth);
      writeTag(TAG.entity, value);
      writeProperties(value.properties, depth + 1);
      break;
    case 'array':
      deeper(depth);
      writeTag(TAG.array, value);
      writeVarint(value.values.length);
      for (const element of value.values) writeValue(element, depth + 1);
  }
}

function deeper(depth: number): void {
  if (depth >= LIMITS.valueDepth) throw invalid(`Nested deeper than ${LIMITS.valueDepth}.`);
}

function writeTag(tag: number, { unindexed, meaning }: Value): void {
  room(1);
  out[at++] = tag | (unindexed ? UNINDEXED : 0) | (meaning === undefined ? 0 : MEANING);
  if (meaning === undefined) return;
  if (!Number.isInteger(meaning) || meaning < 0 || meaning > MAX_MEANING) throw invalid(`${meaning} is not a meaning.`);
  writeVarint(meaning);
}

function writeInteger(value: Value & { type: 'integer' }): void {
  const integer = value.value;
  const small = Number(integer);
  if (Number.isSafeInteger(small)) {
    writeTag(TAG.integer, value);
    writeDouble(small);
    return;
  }
  if (integer < MIN_INTEGER || integer > MAX_INTEGER) throw invalid(`${integer} does not fit into 64 bits.`);
  writeTag(TAG.wideInteger, value);
  room(8);
  at = out.writeBigInt64LE(integer, at);
}

function writeTimestamp(value: Value & { type: 'timestamp' }): void {
  const { seconds, nanos } = value;
  const fits = seconds >= MIN_INTEGER && seconds <= MAX_INTEGER && Number.isInteger(nanos);
  if (!fits || nanos < 0 || nanos > MAX_NANOS) throw invalid(`${seconds} s and ${nanos} ns are not a moment.`);
  writeTag(TAG.timestamp, value);
  room(12);
  at = out.writeBigInt64LE(seconds, at);
  at = out.writeUInt32LE(nanos, at);
}

function writeDouble(value: number): void {
  room(8);
  if (Number.isNaN(value)) {
    // The bits of a NaN depend on where it came from, and would leak into the fingerprint.
    at = out.writeUInt32LE(0, at);
    at = out.writeUInt32LE(NAN_HIGH, at);
  } else at = out.writeDoubleLE(value, at);
}

function writeVarint(value: number): void {
  room(8);
  let rest = value;
  while (rest > 127) {
    out[at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  out[at++] = rest;
}

function writeText(text: string): void {
  const length = text.length;
  room(length * 3 + 8);
  if (length < 40) {
    // Short ASCII, the common case, is cheaper in a loop than through a call into native code.
    const start = at++;
    let i = 0;
    for (; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) break;
      out[at++] = code;
    }
    if (i === length) {
      out[start] = length;
      return;
    }
    at = start;
  }
  const bytes = Buffer.byteLength(text, 'utf8');
  if (!isText(text)) throw invalid('A lone surrogate is not text.');
  writeVarint(bytes);
  at += out.write(text, at, 'utf8');
}

function writeBytes(bytes: Uint8Array): void {
  writeVarint(bytes.length);
  room(bytes.length);
  out.set(bytes, at);
  at += bytes.length;
}

function invalid(detail: string): HandoverError {
  return new HandoverError('value.invalid', detail);
}
