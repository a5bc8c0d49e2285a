import fc from 'fast-check';
import { Key, type PathElement } from '../../src/record/key.ts';
import type { JournalEntry, Slot } from '../../src/record/slot.ts';
import { MAX_INTEGER, MIN_INTEGER, type Properties, type Value } from '../../src/record/value.ts';

/** Any text that has a UTF-8 form, with the characters that formats trip over more often than they deserve. */
export const text: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  { weight: 2, arbitrary: fc.string({ maxLength: 70 }) },
  fc.string({ unit: fc.constantFrom(...'\0\x01\x02\n "\\/:[]{};,.@-aÿ\ud7ff\ue000\ufffd\uffff'), maxLength: 4 }),
  fc.constantFrom('', '0', '007', '1e3', '__proto__', 'constructor', 'toString', '\0', '\0\0', '\u{10ffff}', 'ÿ', 'Ã¿'),
);

const nonEmpty = text.filter((some) => some !== '');

export const pathElement: fc.Arbitrary<PathElement> = fc.record({
  kind: fc.oneof(fc.constantFrom('Feed', 'User', 'a', 'a\0', 'a\0b', 'a\x01', 'a\x02', 'é'), nonEmpty),
  id: fc.oneof(fc.bigInt(1n, MAX_INTEGER), fc.constantFrom(1n, 255n, 256n, MAX_INTEGER), nonEmpty),
});

const namespace = fc.oneof({ weight: 3, arbitrary: fc.constant('') }, text);

export const anyKey: fc.Arbitrary<Key> = fc
  .tuple(fc.array(pathElement, { minLength: 1, maxLength: 4 }), namespace)
  .map(([path, ns]) => Key.of(path, ns));

const anyInteger: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt(MIN_INTEGER, MAX_INTEGER),
  fc.integer().map(BigInt),
  fc.constantFrom(
    0n,
    -1n,
    2n ** 53n - 1n,
    2n ** 53n,
    2n ** 53n + 1n,
    -(2n ** 53n) + 1n,
    -(2n ** 53n),
    MIN_INTEGER,
    MAX_INTEGER,
  ),
);

const anyDouble: fc.Arbitrary<number> = fc.oneof(
  fc.double(),
  fc.constantFrom(0, -0, 1, -1, 2 ** 53, 2 ** 63, Number.NaN, Infinity, -Infinity, Number.MIN_VALUE),
);

const names = fc.oneof({ weight: 3, arbitrary: fc.constantFrom('url', 'title', 'tags', 'a', 'b', 'é') }, nonEmpty);

const propertiesOf = (value: fc.Arbitrary<Value>, maxLength: number): fc.Arbitrary<Properties> =>
  fc.uniqueArray(fc.tuple(names, value), { maxLength, selector: ([name]) => name }).map((entries) => new Map(entries));

/** Any typed value, flags and meanings at every level. */
const anyValue: fc.Arbitrary<Value> = fc.letrec<{ value: Value; typed: Value }>((tie) => ({
  value: fc
    .tuple(tie('typed'), fc.boolean(), fc.option(fc.nat({ max: 30 }), { nil: undefined, freq: 4 }))
    .map(([typed, unindexed, meaning]) => ({
      ...typed,
      ...(unindexed ? { unindexed: true as const } : {}),
      ...(meaning === undefined ? {} : { meaning }),
    })),
  typed: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constant({ type: 'null' } as const),
    fc.boolean().map((value) => ({ type: 'boolean', value }) as const),
    anyInteger.map((value) => ({ type: 'integer', value }) as const),
    anyDouble.map((value) => ({ type: 'double', value }) as const),
    text.map((value) => ({ type: 'string', value }) as const),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => ({ type: 'bytes', value: Buffer.from(bytes) }) as const),
    fc
      .tuple(anyInteger, fc.nat(999_999_999))
      .map(([seconds, nanos]) => ({ type: 'timestamp', seconds, nanos }) as const),
    anyKey.map((value) => ({ type: 'key', value }) as const),
    fc.tuple(anyDouble, anyDouble).map(([latitude, longitude]) => ({ type: 'geoPoint', latitude, longitude }) as const),
    propertiesOf(tie('value'), 4).map((properties) => ({ type: 'entity', properties }) as const),
    fc.array(tie('value'), { maxLength: 4 }).map((values) => ({ type: 'array', values }) as const),
  ),
})).value;

export const anyProperties: fc.Arbitrary<Properties> = propertiesOf(anyValue, 8);

/** The same properties, nested ones too, in another order. */
export function reversed(properties: Properties): Properties {
  return new Map([...properties].reverse().map(([name, value]) => [name, reversedValue(value)]));
}

function reversedValue(value: Value): Value {
  if (value.type === 'entity') return { ...value, properties: reversed(value.properties) };
  return value.type === 'array' ? { ...value, values: value.values.map(reversedValue) } : value;
}

/** All that properties say, as text, in name order; written apart from the codec, to judge it. */
export function show(properties: Properties): string {
  const lines = [...properties].map(([name, value]) => `${JSON.stringify(name)}=${showValue(value)}`);
  return `{${lines.sort().join(' ')}}`;
}

export function showValue(value: Value): string {
  return `${value.unindexed ? '~' : ''}${value.meaning === undefined ? '' : `m${value.meaning} `}${showTyped(value)}`;
}

const showDouble = (value: number) => (Object.is(value, -0) ? '-0' : String(value));

function showTyped(value: Value): string {
  switch (value.type) {
    case 'null':
      return 'null';
    case 'boolean':
      return String(value.value);
    case 'integer':
      return `${value.value}n`;
    case 'double':
      return `${showDouble(value.value)}d`;
    case 'string':
      return JSON.stringify(value.value);
    case 'bytes':
      return `x${Buffer.from(value.value).toString('hex')}`;
    case 'timestamp':
      return `@${value.seconds}.${value.nanos}`;
    case 'key':
      return `<${JSON.stringify(value.value.namespace)} ${showPath(value.value.path)}>`;
    case 'geoPoint':
      return `(${showDouble(value.latitude)} ${showDouble(value.longitude)})`;
    case 'entity':
      return show(value.properties);
    case 'array':
      return `[${value.values.map(showValue).join(' ')}]`;
  }
}

const showPath = (path: readonly PathElement[]) =>
  path.map(({ kind, id }) => `${JSON.stringify(kind)}:${typeof id === 'bigint' ? id : JSON.stringify(id)}`).join('/');

const word = fc.stringMatching(/^[a-z]{1,8}$/);

const anyEntry: fc.Arbitrary<JournalEntry> = fc.record({
  seq: fc.nat(),
  move: fc.tuple(word, fc.constantFrom('S', 'T')).map((words) => words.join(' ')),
  at: fc.nat({ max: 4_000_000_000_000 }),
  by: text.filter((by) => by !== '' && !by.includes(';')),
});

export const anySlot: fc.Arbitrary<Slot> = fc
  .record({
    role: fc.constantFrom('owner', 'shadow', 'ceded', 'birth'),
    deleted: fc.boolean(),
    side: fc.constantFrom('S', 'T'),
    of: fc.oneof(fc.stringMatching(/^[\w-]{22}$/), nonEmpty),
    peer: fc.oneof(anyKey.map(String), text),
    campaign: text,
    seq: fc.maxSafeNat(),
    nonce: fc.option(text, { nil: undefined }),
    journal: fc.array(anyEntry, { maxLength: 10 }),
  })
  .map(({ deleted, nonce, ...slot }) => ({
    ...slot,
    ...(deleted && slot.role === 'owner' ? { deleted: true as const } : {}),
    ...(nonce === undefined ? {} : { nonce }),
  }));
