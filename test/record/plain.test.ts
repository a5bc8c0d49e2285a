import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/limits.ts';
import { Content } from '../../src/record/content.ts';
import { key } from '../../src/record/key.ts';
import {
  double,
  fromPlain,
  GeoPoint,
  integer,
  type PlainRecord,
  rename,
  Timestamp,
  toPlain,
  unindexed,
} from '../../src/record/plain.ts';
import type { Properties, Value } from '../../src/record/value.ts';
import { anyProperties, show, showValue } from './arbitraries.ts';
import { thrownBy } from './throws.ts';

const record = (properties: Record<string, Value>): Properties => new Map(Object.entries(properties));
const text = (value: string): Value => ({ type: 'string', value });
const array = (...values: Value[]): Value => ({ type: 'array', values });
const hidden = (value: Value): Value => ({ ...value, unindexed: true });

/** What property `a` becomes when a transform sets it to `plain` and it was `was`. */
function written(plain: unknown, was?: Value): string {
  const after = fromPlain({ a: plain }, was ? record({ a: was }) : new Map());
  return after.has('a') ? showValue(after.get('a')!) : 'absent';
}

/** A new view with every container copied, as a transform makes by spreading: equal, but not the same objects. */
function spread(plain: unknown): unknown {
  if (Array.isArray(plain)) return plain.map(spread);
  if (typeof plain !== 'object' || plain === null || Object.getPrototypeOf(plain) !== Object.prototype) return plain;
  const copy = { ...(plain as object) } as Record<string, unknown>;
  for (const name of Object.keys(copy)) {
    Object.defineProperty(copy, name, { value: spread(copy[name]), enumerable: true });
  }
  return copy;
}

describe('a record that a transform does not touch', () => {
  it('is the same record, whatever it holds', () => {
    fc.assert(
      fc.property(anyProperties, (properties) => {
        expect(fromPlain(toPlain(properties), properties)).toBe(properties);
        expect(fromPlain(spread(toPlain(properties)), properties)).toBe(properties);
      }),
      { numRuns: 1000 },
    );
  });

  it('keeps its fingerprint when other properties come and go', () => {
    fc.assert(
      fc.property(anyProperties, fc.string(), (properties, name) => {
        fc.pre(!properties.has(name) && name !== '');
        const added = fromPlain(
          Object.assign(Object.create(null), spread(toPlain(properties)), { [name]: 'new' }),
          properties,
        );
        expect(added.size).toBe(properties.size + 1);
        const plain = toPlain(added);
        delete plain[name];
        const removed = fromPlain(plain, added);
        expect(Content.of(removed).fingerprint).toBe(Content.of(properties).fingerprint);
      }),
    );
  });

  it('keeps what stands beside and within a changed property', () => {
    const original = record({
      price: { type: 'double', value: 1 },
      at: { type: 'timestamp', seconds: -1n, nanos: 123_456_789 },
      note: hidden({ ...text('n'), meaning: 15 }),
      inner: hidden({
        type: 'entity',
        meaning: 9,
        properties: record({ x: { type: 'double', value: 2 }, y: text('y') }),
      }),
    });
    const plain = toPlain(original);
    (plain['inner'] as PlainRecord)['y'] = 'changed';
    const after = fromPlain(plain, original);
    for (const name of ['price', 'at', 'note']) expect(after.get(name)).toBe(original.get(name));
    expect(showValue(after.get('inner')!)).toBe('~m9 {"x"=2d "y"="changed"}');
  });
});

describe('the plain view', () => {
  it('shows each type as what authors expect', () => {
    const view = toPlain(
      record({
        nothing: { type: 'null' },
        yes: { type: 'boolean', value: true },
        small: { type: 'integer', value: -(2n ** 53n) + 1n },
        wide: { type: 'integer', value: 2n ** 53n },
        price: { type: 'double', value: 1 },
        title: text('t'),
        bytes: { type: 'bytes', value: Buffer.from('ab') },
        at: { type: 'timestamp', seconds: 1n, nanos: 5 },
        owner: { type: 'key', value: key('User', 'ann') },
        place: { type: 'geoPoint', latitude: 55.7, longitude: 12.6 },
        inner: { type: 'entity', properties: record({ n: { type: 'integer', value: 1n } }) },
        tags: array(text('a'), array({ type: 'integer', value: 2n })),
      }),
    );
    const { owner, ...rest } = view;
    expect(String(owner)).toBe('User:ann');
    expect(rest).toEqual({
      nothing: null,
      yes: true,
      small: Number.MIN_SAFE_INTEGER,
      wide: 2n ** 53n,
      price: 1,
      title: 't',
      bytes: Buffer.from('ab'),
      at: Timestamp.of(1, 5),
      place: new GeoPoint(55.7, 12.6),
      inner: { n: 1 },
      tags: ['a', [2]],
    });
  });

  it('belongs to the transform: what it does to it does not reach the record', () => {
    const original = record({
      bytes: { type: 'bytes', value: Buffer.from('ab') },
      tags: array(text('a')),
      inner: { type: 'entity', properties: record({ n: text('n') }) },
    });
    const before = show(original);
    const view = toPlain(original);
    (view['bytes'] as Uint8Array).fill(0);
    (view['tags'] as unknown[]).push('b');
    (view['inner'] as PlainRecord)['n'] = 'changed';
    view['extra'] = 1;
    expect(show(original)).toBe(before);
  });

  it('does not follow bytes that a transform goes on using', () => {
    const bytes = new Uint8Array([1]);
    const after = fromPlain({ bytes });
    bytes[0] = 2;
    expect(show(after)).toBe('{"bytes"=x01}');
  });

  it('shows properties that have names which objects have by nature', () => {
    const original = new Map<string, Value>([
      ['__proto__', { type: 'entity', properties: record({ polluted: text('yes') }) }],
      ['constructor', text('c')],
      ['hasOwnProperty', text('h')],
    ]);
    const view = toPlain(original);
    expect(Object.keys(view)).toEqual(['__proto__', 'constructor', 'hasOwnProperty']);
    expect(Object.getPrototypeOf(view)).toBe(Object.prototype);
    expect(({} as PlainRecord)['polluted']).toBeUndefined();
    expect(fromPlain({ ...view }, original)).toBe(original);
  });
});

describe('a changed value', () => {
  const one: Value = { type: 'integer', value: 1n };
  const float: Value = { type: 'double', value: 1.5 };
  it.each<[string, unknown, Value, string]>([
    ['stays a double when it becomes whole', 2, float, '2d'],
    ['stays a double when it becomes -0', -0, float, '-0d'],
    ['stays an integer when it becomes -0', -0, { type: 'integer', value: 0n }, '0n'],
    ['becomes a double when it is no longer whole', 1.5, one, '1.5d'],
    ['becomes a double when it is NaN', Number.NaN, one, 'NaNd'],
    ['becomes an integer when it is a bigint', 2n, float, '2n'],
    ['is unchanged when a bigint says the same', 1n, hidden(one), '~1n'],
    ['keeps its index flag', 'b', hidden(text('a')), '~"b"'],
    ['keeps its index flag when its type changes', null, hidden(text('a')), '~null'],
    ['keeps its meaning when its type stays', 'b', { ...text('a'), meaning: 15 }, 'm15 "b"'],
    ['loses its meaning when its type changes', 7, { ...text('a'), meaning: 15 }, '7n'],
    ['is a double by `double`', double(2), one, '2d'],
    ['keeps its index flag under `double`', double(2), hidden(one), '~2d'],
    ['is an integer by `integer`', integer(2), float, '2n'],
    ['is the original when `integer` says the same', integer(1), { ...one, meaning: 4 }, 'm4 1n'],
    ['leaves the indexes by `unindexed`', unindexed(1), one, '~1n'],
    ['keeps its type under `unindexed`', unindexed(1), { type: 'double', value: 1 }, '~1d'],
    ['loses nanoseconds to a Date', new Date(1), { type: 'timestamp', seconds: 0n, nanos: 1_000_001 }, '@0.1000000'],
    ['goes absent when undefined', undefined, one, 'absent'],
  ])('%s', (_, plain, was, expected) => {
    expect(written(plain, was)).toBe(expected);
  });

  it.each<[string, unknown, Value, string]>([
    ['keep theirs, one by one', ['a', 'B'], array(text('a'), hidden(text('b'))), '["a" ~"B"]'],
    ['keep doubles doubles', [1, 2], array(float, float), '[1d 2d]'],
    [
      'are indexed when some of the old ones were',
      ['a', 'b', 'c'],
      array(hidden(text('a')), text('b')),
      '[~"a" "b" "c"]',
    ],
    ['are unindexed when all the old ones were', ['a', 'b', [1]], array(hidden(text('a'))), '[~"a" ~"b" [~1n]]'],
    ['are unindexed where an unindexed value was', ['a'], hidden(text('a')), '[~"a"]'],
    ['hand their flag to a single value', 'a', array(hidden(text('a'))), '~"a"'],
    ['can be taken out', ['a'], array(text('a'), text('b')), '["a"]'],
    ['leave the flag of the array itself as it was', ['b'], { ...array(text('a')), unindexed: true }, '~["b"]'],
    ['can be new objects', [{ x: 1 }], array({ type: 'entity', properties: record({ x: float }) }), '[{"x"=1d}]'],
  ])('in an array: elements %s', (_, plain, was, expected) => {
    expect(written(plain, was)).toBe(expected);
  });
});

describe('a new value', () => {
  it.each<[string, unknown, string]>([
    ['a whole number', 7, '7n'],
    ['the greatest exact number', Number.MAX_SAFE_INTEGER, '9007199254740991n'],
    ['a whole number that is not exact', 2 ** 53, '9007199254740992d'],
    ['a fraction', 0.5, '0.5d'],
    ['-0', -0, '-0d'],
    ['NaN', Number.NaN, 'NaNd'],
    ['infinity', -Infinity, '-Infinityd'],
    ['a bigint', 2n ** 63n - 1n, '9223372036854775807n'],
    ['double', double(1), '1d'],
    ['integer of a number', integer(1), '1n'],
    ['integer of a bigint', integer(2n ** 62n), `${2n ** 62n}n`],
    ['a Date', new Date(-1), '@-1.999000000'],
    ['a Timestamp', Timestamp.of(-1, 1), '@-1.1'],
    ['a GeoPoint', new GeoPoint(-90, 180), '(-90 180)'],
    ['a key', key('User', 'ann'), '<"" "User":"ann">'],
    ['bytes', new Uint8Array([1, 255]), 'x01ff'],
    ['a Buffer', Buffer.from('a'), 'x61'],
    ['an object', { b: 1, c: undefined, a: [null] }, '{"a"=[null] "b"=1n}'],
    ['an object without prototype', Object.assign(Object.create(null), { a: true }), '{"a"=true}'],
    ['an object of another context', runInNewContext('({ a: [1] })'), '{"a"=[1n]}'],
    ['an unindexed object', unindexed({ a: 1 }), '~{"a"=1n}'],
    ['an unindexed array', unindexed(['a', ['b'], double(1)]), '[~"a" [~"b"] ~1d]'],
    ['unindexed twice', unindexed(unindexed('a')), '~"a"'],
    ['an empty array', [], '[]'],
  ])('%s', (_, plain, expected) => {
    expect(written(plain)).toBe(expected);
  });
});

describe('what has no typed form is refused by path', () => {
  class Custom {}
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  const cyclicArray: unknown[] = [];
  cyclicArray.push(cyclicArray);
  it.each<[string, unknown, string]>([
    ['a function', { tags: [1, 2, 3, { name: () => 1 }] }, 'tags[3].name'],
    ['a symbol', { a: Symbol('s') }, 'a'],
    ['an object of a class', { a: { b: new Custom() } }, 'a.b'],
    ['a Map', { a: new Map() }, 'a'],
    ['a promise', { a: Promise.resolve() }, 'a'],
    ['an ArrayBuffer', { a: new ArrayBuffer(1) }, 'a'],
    ['an invalid Date', { a: [new Date(Number.NaN)] }, 'a[0]'],
    ['a bigint above 64 bits', { a: 2n ** 63n }, 'a'],
    ['a bigint below 64 bits', { a: -(2n ** 63n) - 1n }, 'a'],
    ['a hole in an array', { a: new Array(2) }, 'a[0]'],
    ['undefined in an array', { a: [1, undefined] }, 'a[1]'],
    ['a lone surrogate', { a: 'x\ud800' }, 'a'],
    ['a lone surrogate in a name', { 'x\ud800': 1 }, '["x\\ud800"]'],
    ['a property without a name', { a: { '': 1 } }, 'a[""]'],
    ['the property that holds the state', { _handover: 'mine' }, '_handover'],
    ['a place that does not exist', { a: new GeoPoint(91, 0) }, 'a'],
    ['a place of NaN', { a: new GeoPoint(0, Number.NaN) }, 'a'],
    ['an odd name on the way', { 'a b': [{ c: Symbol('s') }] }, '["a b"][0].c'],
    ['a fraction as integer', { a: integer(1.5) }, 'a'],
    ['an inexact integer', { a: integer(2 ** 53) }, 'a'],
    ['an integer above 64 bits', { a: integer(2n ** 63n) }, 'a'],
    ['text as double', { a: double('1' as never) }, 'a'],
    ['a function, unindexed', { a: [unindexed(() => 1)] }, 'a[0]'],
  ])('%s', (_, plain, path) => {
    const error = thrownBy('value.invalid', () => fromPlain(plain));
    expect(error.facts).toEqual({ path });
    expect(error.detail.startsWith(`${path}: `)).toBe(true);
  });

  it.each<[string, unknown]>([
    ['a cycle of objects', { a: cyclic }],
    ['a cycle of arrays', { a: cyclicArray }],
    ['too deep an object', { a: deep(LIMITS.valueDepth + 1) }],
  ])('%s', (_, plain) => {
    expect(thrownBy('value.invalid', () => fromPlain(plain)).detail).toContain(`deeper than ${LIMITS.valueDepth}`);
  });

  it('but nothing that the codec would take', () => {
    const properties = fromPlain({ a: deep(LIMITS.valueDepth) });
    expect(show(Content.fromBytes(Content.of(properties).bytes).properties)).toBe(show(properties));
  });

  it.each([null, undefined, 'text', 7, [], new Map(), new Date()])('%o for a whole record', (plain) => {
    thrownBy('value.invalid', () => fromPlain(plain));
  });
});

function deep(depth: number): unknown {
  return depth === 0 ? 1 : { n: deep(depth - 1) };
}

describe('rename', () => {
  const original = record({ old: hidden({ type: 'double', value: 1, meaning: 7 }), other: text('o') });

  it('keeps type, index flag and meaning, which a copy under another name would lose', () => {
    expect(show(rename(original, { old: 'new' }))).toBe('{"new"=~m7 1d "other"="o"}');
  });

  it('is undone by the inverted map, or refuses', () => {
    const names = fc.constantFrom('url', 'title', 'tags', 'a', '__proto__', 'constructor');
    const maps = fc.uniqueArray(fc.tuple(names, names), { selector: ([old]) => old, maxLength: 4 });
    fc.assert(
      fc.property(anyProperties, maps, (properties, moves) => {
        fc.pre(new Set(moves.map(([, now]) => now)).size === moves.length);
        let renamed: Properties;
        try {
          renamed = rename(properties, Object.fromEntries(moves));
        } catch (error) {
          expect(error).toMatchObject({ code: 'value.invalid' });
          return;
        }
        const back = rename(renamed, Object.fromEntries(moves.map(([old, now]) => [now, old])));
        expect(show(back)).toBe(show(properties));
        for (const [name, value] of properties) expect(back.get(name)).toBe(value);
      }),
      { numRuns: 1000 },
    );
  });

  it('can swap two names', () => {
    expect(show(rename(original, { old: 'other', other: 'old' }))).toBe('{"old"="o" "other"=~m7 1d}');
  });

  it('passes over a name that the record does not have, and returns the record itself if there is none', () => {
    expect(rename(original, { missing: 'new' })).toBe(original);
    expect(rename(original, { old: 'old' })).toBe(original);
  });

  it.each<[string, Record<string, string>]>([
    ['a name that another property has', { old: 'other' }],
    [
      'a name that another property has, though the renamed one is missing: there would be no way back',
      { missing: 'other' },
    ],
    ['one name for two', { old: 'new', other: 'new' }],
    ['no name', { old: '' }],
    ['the name of the state', { old: '_handover' }],
    ['a name that is no text', { old: 7 as never }],
  ])('refuses %s', (_, names) => {
    thrownBy('value.invalid', () => rename(original, names));
  });
});

describe('a timestamp', () => {
  it('agrees with Date, before 1970 too', () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true }), (date) => {
        const timestamp = Timestamp.fromDate(date);
        expect(timestamp.toDate()).toEqual(date);
        expect(timestamp.valueOf()).toBe(date.getTime());
        expect(timestamp.toString()).toBe(date.toISOString().replace('Z', '000000Z'));
      }),
    );
  });

  it('compares as a moment, to the microsecond', () => {
    expect(Timestamp.of(1_763_840_000, 1_000) < Timestamp.of(1_763_840_000, 2_000)).toBe(true);
    expect(Timestamp.of(-1, 999_999_999) < Timestamp.of(0)).toBe(true);
  });

  it('writes itself beyond the range of Date', () => {
    expect(JSON.stringify([Timestamp.of(0, 7), Timestamp.of(2n ** 62n, 7)])).toBe(
      '["1970-01-01T00:00:00.000000007Z","4611686018427387904s +000000007ns"]',
    );
    expect(String(Timestamp.of(8_640_000_000_000))).toBe('+275760-09-13T00:00:00.000000000Z');
    expect(String(Timestamp.of(8_640_000_000_000, 1_000_000))).toBe('8640000000000s +001000000ns');
  });

  it('does not change', () => {
    expect(() => Object.assign(Timestamp.of(1), { nanos: 7 })).toThrow(TypeError);
    expect(() => Object.assign(new GeoPoint(1, 2), { latitude: 7 })).toThrow(TypeError);
  });

  it.each<[string, () => Timestamp]>([
    ['a fraction of a second in seconds', () => Timestamp.of(1.5)],
    ['seconds beyond 64 bits', () => Timestamp.of(2n ** 63n)],
    ['a second of nanoseconds', () => Timestamp.of(0, 1_000_000_000)],
    ['negative nanoseconds', () => Timestamp.of(0, -1)],
    ['NaN', () => Timestamp.of(Number.NaN)],
    ['an invalid Date', () => Timestamp.fromDate(new Date(Number.NaN))],
  ])('is not made of %s', (_, make) => {
    thrownBy('value.invalid', make);
  });
});
