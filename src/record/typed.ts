import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { Key } from './key.ts';
import { describe, invalid, type Trail } from './path.ts';
import { Explicit, GeoPoint, Timestamp } from './scalars.ts';
import { SLOT_PROPERTY } from './slot.ts';
import { isText } from './text.ts';
import { MAX_INTEGER, MIN_INTEGER, type Properties, type Typed, type Value } from './value.ts';

const NOTHING: Properties = new Map();

/**
 * The typed form of what a transform returned. `original` is what its plain view was made from, and each plain value is
 * laid beside the typed one at the same path:
 *
 * - the same: the original value itself, with its type, index flag and meaning; if all is the same, `original` itself
 * - another: keeps the index flag, and the meaning if the type stays; a whole number stays a double where there was one
 * - new: whole numbers that are exact are integers, other numbers doubles, Dates timestamps; indexed, save for an
 *   element of an array whose elements are all unindexed
 * - `undefined`: the property is absent
 *
 * Throws `value.invalid`, with the path, for what has no typed form.
 */
export function fromPlain(plain: unknown, original: Properties = NOTHING): Properties {
  if (!isRecord(plain)) throw new HandoverError('value.invalid', `A record must be an object, not ${describe(plain)}.`);
  return propertiesOf(plain, original, 0, []);
}

function propertiesOf(plain: Record<string, unknown>, original: Properties, depth: number, trail: Trail): Properties {
  const properties = new Map<string, Value>();
  let same = true;
  for (const name of Object.keys(plain)) {
    const value = plain[name];
    if (value === undefined) continue;
    trail[depth] = name;
    const was = original.get(name);
    if (was === undefined) checkName(name, depth, trail);
    const now = convert(value, was, depth, trail);
    if (now !== was) same = false;
    properties.set(name, now);
  }
  return same && properties.size === original.size ? original : properties;
}

function checkName(name: string, depth: number, trail: Trail): void {
  if (name === '' || !isText(name)) throw invalid('The name of this property is not text', depth, trail);
  if (depth === 0 && name === SLOT_PROPERTY) throw invalid('This property is where the state is kept', depth, trail);
}

function convert(plain: unknown, was: Value | undefined, depth: number, trail: Trail): Value {
  if (was !== undefined && isSame(plain, was)) return was;
  if (plain instanceof Explicit) return explicitOf(plain, was, depth, trail);
  const typed = typedOf(plain, was, depth, trail);
  return typed === was ? was : dressed(typed, was);
}

/** Whether a value that holds no others is what the view of `was` said. */
function isSame(plain: unknown, was: Value): boolean {
  switch (was.type) {
    case 'null':
      return plain === null;
    case 'boolean':
    case 'string':
      return plain === was.value;
    case 'double':
      return Object.is(plain, was.value);
    case 'integer':
      // -0 is equal: arithmetic on an integer's view must not make a double of it.
      return typeof plain === 'number'
        ? Number.isSafeInteger(plain) && plain === Number(was.value)
        : plain === was.value;
    case 'bytes':
      return plain instanceof Uint8Array && Buffer.compare(plain, was.value) === 0;
    case 'timestamp':
      return plain instanceof Timestamp && plain.nanos === was.nanos && plain.seconds === was.seconds;
    case 'key':
      return plain instanceof Key && plain.equals(was.value);
    case 'geoPoint':
      return (
        plain instanceof GeoPoint &&
        Object.is(plain.latitude, was.latitude) &&
        Object.is(plain.longitude, was.longitude)
      );
    default:
      return false;
  }
}

/** The bare typed form; `was` itself when it holds others and none of them changed. */
function typedOf(plain: unknown, was: Value | undefined, depth: number, trail: Trail): Typed {
  switch (typeof plain) {
    case 'string':
      if (!isText(plain)) throw invalid('A lone surrogate is not text', depth, trail);
      return { type: 'string', value: plain };
    case 'number':
      return numberOf(plain, was);
    case 'boolean':
      return { type: 'boolean', value: plain };
    case 'bigint':
      if (plain < MIN_INTEGER || plain > MAX_INTEGER) throw invalid(`${plain} exceeds 64 bits`, depth, trail);
      return { type: 'integer', value: plain };
    case 'object':
      return plain === null ? { type: 'null' } : objectOf(plain, was, depth, trail);
    default:
      throw invalid(`${describe(plain)} has no typed form`, depth, trail);
  }
}

function numberOf(value: number, was: Value | undefined): Typed {
  const exact = Number.isSafeInteger(value) && !Object.is(value, -0);
  return exact && was?.type !== 'double' ? { type: 'integer', value: BigInt(value) } : { type: 'double', value };
}

function objectOf(plain: object, was: Value | undefined, depth: number, trail: Trail): Typed {
  if (Array.isArray(plain)) return arrayOf(plain, was, depth, trail);
  if (isRecord(plain)) {
    if (depth >= LIMITS.valueDepth) throw invalid(`Nested deeper than ${LIMITS.valueDepth}`, depth, trail);
    const before = was?.type === 'entity' ? was.properties : NOTHING;
    const properties = propertiesOf(plain, before, depth + 1, trail);
    return was?.type === 'entity' && properties === before ? was : { type: 'entity', properties };
  }
  if (plain instanceof Date) {
    if (Number.isNaN(plain.getTime())) throw invalid('An invalid Date is not a moment', depth, trail);
    const { seconds, nanos } = Timestamp.fromDate(plain);
    return { type: 'timestamp', seconds, nanos };
  }
  if (plain instanceof Timestamp) return { type: 'timestamp', seconds: plain.seconds, nanos: plain.nanos };
  if (plain instanceof Key) return { type: 'key', value: plain };
  if (plain instanceof Uint8Array) return { type: 'bytes', value: Buffer.from(plain) };
  if (plain instanceof GeoPoint) return pointOf(plain, depth, trail);
  throw invalid(`${describe(plain)} has no typed form`, depth, trail);
}

function pointOf({ latitude, longitude }: GeoPoint, depth: number, trail: Trail): Typed {
  if (Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180) return { type: 'geoPoint', latitude, longitude };
  throw invalid(`${latitude}, ${longitude} is no place on Earth`, depth, trail);
}

function arrayOf(plain: readonly unknown[], was: Value | undefined, depth: number, trail: Trail): Typed {
  if (depth >= LIMITS.valueDepth) throw invalid(`Nested deeper than ${LIMITS.valueDepth}`, depth, trail);
  const before = was?.type === 'array' ? was.values : [];
  // What is put into a property that is kept out of the indexes must stay out: it may be too long for them.
  const hidden = was !== undefined && isUnindexed(was);
  let same = was?.type === 'array' && before.length === plain.length;
  const values: Value[] = [];
  for (let i = 0; i < plain.length; i++) {
    trail[depth + 1] = i;
    const value = convert(plain[i], before[i], depth + 1, trail);
    if (value !== before[i]) same = false;
    values.push(hidden && i >= before.length ? unindexedOf(value) : value);
  }
  return same ? (was as Value & { type: 'array' }) : { type: 'array', values };
}

function explicitOf({ as, value }: Explicit, was: Value | undefined, depth: number, trail: Trail): Value {
  if (as === 'unindexed') return unindexedOf(convert(value, was, depth, trail));
  const typed = as === 'double' ? doubleOf(value) : integerOf(value);
  if (!typed) throw invalid(`${describe(value)} cannot be stored as ${as}`, depth, trail);
  return was?.type === as && Object.is(was.value, typed.value) ? was : dressed(typed, was);
}

function doubleOf(value: unknown): (Typed & { type: 'double' }) | undefined {
  return typeof value === 'number' ? { type: 'double', value } : undefined;
}

function integerOf(value: unknown): (Typed & { type: 'integer' }) | undefined {
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? { type: 'integer', value: BigInt(value) } : undefined;
  return typeof value === 'bigint' && value >= MIN_INTEGER && value <= MAX_INTEGER
    ? { type: 'integer', value }
    : undefined;
}

/** With the index flag of what stood there before, and its meaning if that still fits. */
function dressed(typed: Typed, was: Value | undefined): Value {
  if (was === undefined) return typed;
  const meaning = was.type === typed.type && was.meaning !== undefined ? { meaning: was.meaning } : {};
  // An array's index flag is its elements' affair; one of its own is only kept where there was one.
  const unindexed = typed.type === 'array' ? was.type === 'array' && was.unindexed : isUnindexed(was);
  return unindexed ? { ...typed, ...meaning, unindexed: true } : { ...typed, ...meaning };
}

function isUnindexed(value: Value): boolean {
  if (value.unindexed) return true;
  return value.type === 'array' && value.values.length > 0 && value.values.every(isUnindexed);
}

function unindexedOf(value: Value): Value {
  if (value.type === 'array') {
    return value.values.every(isUnindexed) ? value : { ...value, values: value.values.map(unindexedOf) };
  }
  return value.unindexed ? value : { ...value, unindexed: true };
}

function isRecord(plain: unknown): plain is Record<string, unknown> {
  if (typeof plain !== 'object' || plain === null) return false;
  const prototype = Object.getPrototypeOf(plain) as object | null;
  // The second half is Object.prototype of any realm, for definitions that run in a context of their own.
  return prototype === null || prototype === Object.prototype || isForeignObjectPrototype(prototype);
}

function isForeignObjectPrototype(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
}
