import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/limits.ts';
import { decodeProperties } from '../../src/record/decode.ts';
import { encodeProperties } from '../../src/record/encode.ts';
import { Key, key } from '../../src/record/key.ts';
import type { Properties, Value } from '../../src/record/value.ts';
import { anyProperties, reversed, show } from './arbitraries.ts';
import { thrownBy } from './throws.ts';

const encodeOne = (value: Value) => encodeProperties(new Map([['a', value]]));
const hexOf = (value: Value) => encodeOne(value).toString('hex');

describe('canonical bytes', () => {
  it('come back as the same properties: every type, flag and meaning, at every level', () => {
    fc.assert(
      fc.property(anyProperties, (properties) => {
        expect(show(decodeProperties(encodeProperties(properties)))).toBe(show(properties));
      }),
      { numRuns: 1000 },
    );
  });

  it('do not depend on the order of properties, nested ones neither', () => {
    fc.assert(
      fc.property(anyProperties, (properties) => {
        expect(encodeProperties(reversed(properties)).equals(encodeProperties(properties))).toBe(true);
      }),
    );
  });

  it('are equal exactly when the properties are', () => {
    fc.assert(
      fc.property(anyProperties, anyProperties, (a, b) => {
        expect(encodeProperties(a).equals(encodeProperties(b))).toBe(show(a) === show(b));
      }),
    );
  });

  it.each<[string, Value, Value]>([
    ['integer and double', { type: 'integer', value: 1n }, { type: 'double', value: 1 }],
    ['0 and -0', { type: 'double', value: 0 }, { type: 'double', value: -0 }],
    ['integers beyond 2^53', { type: 'integer', value: 2n ** 53n }, { type: 'integer', value: 2n ** 53n + 1n }],
    ['null and false', { type: 'null' }, { type: 'boolean', value: false }],
    ['text and bytes', { type: 'string', value: 'a' }, { type: 'bytes', value: Buffer.from('a') }],
    ['empty entity and empty array', { type: 'entity', properties: new Map() }, { type: 'array', values: [] }],
    ['one nanosecond', { type: 'timestamp', seconds: -1n, nanos: 1 }, { type: 'timestamp', seconds: -1n, nanos: 0 }],
    ['an index flag', { type: 'null' }, { type: 'null', unindexed: true }],
    ['a meaning', { type: 'null' }, { type: 'null', meaning: 0 }],
    [
      'the index flag of an element',
      { type: 'array', values: [{ type: 'null' }] },
      { type: 'array', values: [{ type: 'null', unindexed: true }] },
    ],
    ['an id and a name of digits', { type: 'key', value: key('Feed', 7) }, { type: 'key', value: key('Feed', '7') }],
  ])('differ with %s', (_, a, b) => {
    expect(hexOf(a)).not.toBe(hexOf(b));
  });

  it('of every NaN are the same, wherever it came from', () => {
    const other = Buffer.from('010000000000f87f', 'hex').readDoubleLE(0);
    const negative = Buffer.from('000000000000f8ff', 'hex').readDoubleLE(0);
    const expected = hexOf({ type: 'double', value: Number.NaN });
    expect(hexOf({ type: 'double', value: other })).toBe(expected);
    expect(hexOf({ type: 'double', value: negative })).toBe(expected);
  });

  it('hold texts of every length around the bounds of the short paths', () => {
    for (const unit of ['a', 'é', '猫', '🐈']) {
      for (const length of [0, 1, 22, 23, 24, 25, 39, 40, 41, 63, 64, 127, 128, 129, 16_383, 16_384, 70_000]) {
        const properties: Properties = new Map([[unit.repeat(length), { type: 'string', value: unit.repeat(length) }]]);
        expect(show(decodeProperties(encodeProperties(properties)))).toBe(show(properties));
      }
    }
  });

  it('keep a short name apart from another whose bytes look like its characters', () => {
    // The bytes of the second are the character codes of the first, and both fall into one place of the cache of names.
    for (const name of ['Ã°aÕ¡', 'ðaա', 'Ã°aÕ¡']) {
      const properties: Properties = new Map([[name, { type: 'null' }]]);
      expect([...decodeProperties(encodeProperties(properties)).keys()]).toEqual([name]);
    }
  });

  it('grow with the record, beyond the buffer they are made in', () => {
    const properties: Properties = new Map([
      ['bytes', { type: 'bytes', value: Buffer.alloc(300_000, 7) }],
      ['text', { type: 'string', value: 'a'.repeat(300_000) }],
      ['z', { type: 'array', values: new Array<Value>(50_000).fill({ type: 'integer', value: 7n }) }],
    ]);
    expect(show(decodeProperties(encodeProperties(properties)))).toBe(show(properties));
  });

  it('belong to the caller: the next encoding does not touch them', () => {
    const first = encodeOne({ type: 'string', value: 'first' });
    const before = first.toString('hex');
    encodeOne({ type: 'string', value: 'other' });
    expect(first.toString('hex')).toBe(before);
  });

  it('and what they are decoded to do not share memory', () => {
    const bytes = encodeOne({
      type: 'array',
      values: [
        { type: 'bytes', value: Buffer.from('abc') },
        { type: 'key', value: key('Feed', 7) },
      ],
    });
    const before = decodeProperties(Buffer.from(bytes));
    const decoded = decodeProperties(bytes);
    bytes.fill(0);
    expect(show(decoded)).toBe(show(before));
  });

  it('of a deep record with unsorted names cost no more for each level', () => {
    let value: Value = { type: 'null' };
    for (let depth = 0; depth < LIMITS.valueDepth; depth++) {
      value = {
        type: 'entity',
        properties: new Map<string, Value>([
          ['b', value],
          ['a', { type: 'null' }],
        ]),
      };
    }
    const bytes = encodeOne(value);
    expect(bytes.length).toBeLessThan(200);
    expect(show(decodeProperties(bytes))).toBe(show(new Map([['a', value]])));
  }, 2_000);
});

describe('values that no store could hold', () => {
  const nested = (depth: number, wrap: (value: Value) => Value): Value =>
    depth === 0 ? { type: 'null' } : wrap(nested(depth - 1, wrap));
  const inArray = (value: Value): Value => ({ type: 'array', values: [value] });
  const inEntity = (value: Value): Value => ({ type: 'entity', properties: new Map([['n', value]]) });

  it.each<[string, Value]>([
    ['an integer above 64 bits', { type: 'integer', value: 2n ** 63n }],
    ['an integer below 64 bits', { type: 'integer', value: -(2n ** 63n) - 1n }],
    ['a second of nanoseconds', { type: 'timestamp', seconds: 0n, nanos: 1_000_000_000 }],
    ['negative nanoseconds', { type: 'timestamp', seconds: 0n, nanos: -1 }],
    ['half a nanosecond', { type: 'timestamp', seconds: 0n, nanos: 0.5 }],
    ['seconds beyond 64 bits', { type: 'timestamp', seconds: 2n ** 63n, nanos: 0 }],
    ['a lone surrogate', { type: 'string', value: '\ud800' }],
    ['a lone surrogate in a long text', { type: 'string', value: `${'a'.repeat(100)}\udc00` }],
    ['a lone surrogate in a name', { type: 'entity', properties: new Map([['\ud800', { type: 'null' }]]) }],
    ['a negative meaning', { type: 'null', meaning: -1 }],
    ['half a meaning', { type: 'null', meaning: 1.5 }],
    ['a meaning beyond 32 bits', { type: 'null', meaning: 2 ** 31 }],
    ['arrays too deep', nested(LIMITS.valueDepth + 1, inArray)],
    ['entities too deep', nested(LIMITS.valueDepth + 1, inEntity)],
  ])('%s is refused', (_, value) => {
    thrownBy('value.invalid', () => encodeOne(value));
  });

  it('begin just beyond the greatest depth, the same for arrays and entities', () => {
    for (const wrap of [inArray, inEntity]) {
      const properties: Properties = new Map([['a', nested(LIMITS.valueDepth, wrap)]]);
      expect(show(decodeProperties(encodeProperties(properties)))).toBe(show(properties));
    }
  });
});

describe('bytes that were damaged', () => {
  const judge = (bytes: Buffer): 'refused' | 'canonical' => {
    let decoded: Properties;
    try {
      decoded = decodeProperties(Buffer.from(bytes));
    } catch (error) {
      expect(error).toMatchObject({ code: 'content.corrupt' });
      return 'refused';
    }
    expect(encodeProperties(decoded).toString('hex')).toBe(bytes.toString('hex'));
    return 'canonical';
  };

  it('by a flipped bit are refused, or are the canonical bytes of what they now say', () => {
    fc.assert(
      fc.property(anyProperties, fc.nat(), fc.nat({ max: 7 }), (properties, at, bit) => {
        const bytes = encodeProperties(properties);
        bytes[at % bytes.length]! ^= 1 << bit;
        judge(bytes);
      }),
      { numRuns: 3000 },
    );
  });

  it('by a byte put in, taken out or changed are no different', () => {
    const edit = fc.tuple(fc.nat(), fc.nat({ max: 2 }), fc.uint8Array({ maxLength: 3 }));
    fc.assert(
      fc.property(anyProperties, edit, (properties, [where, without, put]) => {
        const bytes = encodeProperties(properties);
        const at = where % bytes.length;
        judge(Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + without)]));
      }),
      { numRuns: 3000 },
    );
  });

  it('by being cut short are refused at every length', () => {
    fc.assert(
      fc.property(anyProperties, (properties) => {
        const bytes = encodeProperties(properties);
        for (let length = 0; length < bytes.length; length++) expect(judge(bytes.subarray(0, length))).toBe('refused');
      }),
    );
  });

  it('or never were a record are refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (noise) => void judge(Buffer.from([1, ...noise]))),
      { numRuns: 3000 },
    );
  });

  const entity = (rest: string) => `0101 0161 ${rest}`;
  it.each<[string, string]>([
    ['no byte', ''],
    ['another format', '0200'],
    ['a byte left over', '010000'],
    ['names out of order', '0102 0162 00 0161 00'],
    ['a name twice', '0102 0161 00 0161 00'],
    ['more properties than bytes', '01ff7f'],
    ['a count in more bytes than it needs', '018000'],
    ['a count without end', '01ffffffffffffffffffff7f'],
    ['an array of four thousand million values', entity('0c ffffffff0f')],
    ['a text past the end', entity('06 05 6162')],
    ['bytes past the end', entity('07 05 6162')],
    ['a name past the end', '0101 3f61'],
    ['a text that is not UTF-8', entity('06 02 c328')],
    ['a long text that is not UTF-8', entity(`06 1e ${'61'.repeat(29)}ff`)],
    ['a text with the bytes of a surrogate', entity('06 03 eda080')],
    ['a text with an overlong form', entity('06 02 c080')],
    ['a name that is not UTF-8', '0101 01ff 00'],
    ['an unknown type', entity('0d')],
    ['an unknown flag', entity('80')],
    ['a fraction as integer', entity('03 000000000000f83f')],
    ['-0 as integer', entity('03 0000000000000080')],
    ['NaN as integer', entity('03 000000000000f87f')],
    ['infinity as integer', entity('03 000000000000f07f')],
    ['2^53 as a short integer', entity('03 0000000000004043')],
    ['a small number as wide integer', entity('04 0100000000000000')],
    ['another NaN', entity('05 010000000000f87f')],
    ['another NaN as latitude', entity('0a 010000000000f87f 0000000000000000')],
    ['a double past the end', entity('05 00000000')],
    ['a timestamp past the end', entity('08 0000000000000000 0000')],
    ['a second of nanoseconds', entity('08 0000000000000000 00ca9a3b')],
    ['a meaning beyond 32 bits', entity('20 8080808008')],
    ['an embedded key that is none', entity('09 03 004665')],
    ['an embedded key of no bytes', entity('09 00')],
    ['an embedded key with id 0', entity('09 14 004665656400466565640001 0000000000000000')],
    ['arrays one too deep', entity(`${'0c01'.repeat(LIMITS.valueDepth)}0c00`)],
    ['entities one too deep', entity(`${'0b010161'.repeat(LIMITS.valueDepth)}0b00`)],
    ['arrays a million deep', entity(`0c01`.repeat(500_000))],
  ])('%s: refused', (_, hex) => {
    expect(judge(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toBe('refused');
  });

  it('say where, and why', () => {
    const error = thrownBy('content.corrupt', () => decodeProperties(Buffer.from('01010161030000', 'hex')));
    expect(error.detail).toMatch(/^At byte 5 of 7: /);
    const ofKey = thrownBy('content.corrupt', () => decodeProperties(Buffer.from('010101610900', 'hex')));
    expect(ofKey.cause).toMatchObject({ code: 'key.invalid' });
  });

  it('do not spoil the next record', () => {
    const good = encodeOne({ type: 'key', value: Key.parse('[eu]User:ann') });
    judge(good.subarray(0, 9));
    expect(judge(good)).toBe('canonical');
  });
});
