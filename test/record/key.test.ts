import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Key, key, kindPrefix, type PathElement } from '../../src/record/key.ts';
import { anyKey, pathElement, text } from './arbitraries.ts';
import { compareKeysAndContents } from './equality.ts';
import { thrownBy } from './throws.ts';

compareKeysAndContents();

describe('the written form', () => {
  it.each([
    [key('Feed', 7), 'Feed:7'],
    [key('User', 'ann', 'Feed', 7), 'User:ann/Feed:7'],
    [Key.of([{ kind: 'Feed', id: 7n }], 'eu-1'), '[eu-1]Feed:7'],
    [key('User', '7'), 'User:"7"'],
    [key('User', 'a/b'), 'User:"a/b"'],
    [key('User', 'x"y\\'), String.raw`User:"x\"y\\"`],
    [key('User', 2n ** 63n - 1n), 'User:9223372036854775807'],
  ])('of %s is %s', (some, written) => {
    expect(some.toString()).toBe(written);
    expect(JSON.stringify({ some })).toBe(JSON.stringify({ some: written }));
  });

  it('comes back from text as the same key, whatever its parts contain', () => {
    fc.assert(fc.property(anyKey, (some) => pathOf(Key.parse(some.toString())) === pathOf(some)));
  });

  it('is different for different keys', () => {
    fc.assert(fc.property(anyKey, anyKey, (a, b) => (a.toString() === b.toString()) === (pathOf(a) === pathOf(b))));
  });

  it.each([
    '',
    'Feed',
    'Feed:',
    ':7',
    'Feed:7/',
    'Feed:7:',
    'Feed:7:8',
    '/Feed:7',
    'Feed:7//Item:1',
    ':::',
    '[]]Feed:7',
    '[eu-1Feed:7',
    '[eu-1]',
    'Feed:7 ',
    'Feed :7',
    'Feed:0',
    'Feed:-7:1',
    'Feed:9223372036854775808',
    'Feed:""',
    '"":7',
    'Feed:"a',
    String.raw`Feed:"\x41"`,
    'Feed:"a\nb"',
    String.raw`Feed:"\ud800"`,
    'Feed:ü',
  ])('%j is refused', (written) => {
    thrownBy('key.invalid', () => Key.parse(written));
  });

  it('never fails but by a code, whatever text is typed', () => {
    const typed = fc.oneof(text, fc.stringMatching(/^[Fe:/"\\[\]7]{0,12}$/));
    fc.assert(
      fc.property(typed, (written) => {
        try {
          const parsed = Key.parse(written);
          expect(pathOf(Key.parse(parsed.toString()))).toBe(pathOf(parsed));
        } catch (error) {
          expect(error).toMatchObject({ code: 'key.invalid' });
        }
      }),
    );
  });

  it('of a megabyte is refused before it is matched', () => {
    thrownBy('key.tooLong', () => Key.parse(`Feed:"${'a'.repeat(1_000_000)}"`));
  });
});

describe('parts that are no key', () => {
  it.each<[string, () => unknown]>([
    ['no element', () => Key.of([])],
    ['an empty kind', () => key('', 7)],
    ['an empty name', () => key('Feed', '')],
    ['id 0', () => key('Feed', 0)],
    ['a negative id', () => key('Feed', -7)],
    ['an id of more than 63 bits', () => key('Feed', 2n ** 63n)],
    ['a fraction', () => key('Feed', 1.5)],
    ['an id that a number cannot hold', () => key('Feed', 2 ** 53)],
    ['a kind without an id', () => key('User', 'ann', 'Feed')],
    ['a number for a kind', () => key('User', 'ann', 7, 'x')],
    ['a lone surrogate in a kind', () => key('\ud800', 7)],
    ['a lone surrogate in a name', () => key('Feed', 'a\udfff')],
    ['a lone surrogate in a namespace', () => Key.of([{ kind: 'Feed', id: 7n }], '\ud800')],
    ['a number for an id, past the compiler', () => Key.of([{ kind: 'Feed', id: 7 as never }])],
  ])('%s', (_, make) => {
    thrownBy('key.invalid', make);
  });
});

describe('the order-preserving bytes', () => {
  it('come back as the same key', () => {
    fc.assert(
      fc.property(anyKey, (some) => {
        const back = Key.fromBytes(some.bytes);
        expect(pathOf(back)).toBe(pathOf(some));
        expect(Key.of(back.path, back.namespace).bytes).toEqual(some.bytes);
      }),
    );
  });

  it('order as the elements do: namespace, own kind, then the path, ids before names, parents before children', () => {
    fc.assert(
      fc.property(related, ([a, b]) => {
        expect(Math.sign(Buffer.compare(a.bytes, b.bytes))).toBe(Math.sign(compareKeys(a, b)));
      }),
      { numRuns: 2000 },
    );
  });

  it('start with the prefix of their kind, and no other key does', () => {
    fc.assert(
      fc.property(related, ([a, b]) => {
        const own = kindPrefix(a.kind, a.namespace);
        expect(a.bytes.subarray(0, own.length)).toEqual(own);
        const starts = b.bytes.subarray(0, own.length).equals(own);
        expect(starts).toBe(a.kind === b.kind && a.namespace === b.namespace);
      }),
    );
  });

  it('start with the prefix of their kind under the root kind, and only theirs', () => {
    fc.assert(
      fc.property(related, ([a, b]) => {
        const prefix = kindPrefix(a.kind, a.namespace, a.path[0]!.kind);
        const under = a.kind === b.kind && a.namespace === b.namespace && a.path[0]!.kind === b.path[0]!.kind;
        expect(b.bytes.subarray(0, prefix.length).equals(prefix)).toBe(under);
      }),
    );
  });

  it.each<[string, string]>([
    ['nothing', ''],
    ['no path', '004665656400'],
    ['an end within a text', '004665'],
    ['an end within an id', '004665656400466565640001 0000'],
    ['id 0', '004665656400466565640001 0000000000000000'],
    ['an id with the sign bit', '004665656400466565640001 8000000000000001'],
    ['an unknown tag', '0046656564004665656400036100'],
    ['an empty name', '00466565640046656564000200'],
    ['an empty kind', '00000001 0000000000000001'],
    ['a front kind that is not its own', '004665656400557365720001 0000000000000007'],
    ['a byte too many', '004665656400466565640001 0000000000000007 61'],
    ['an escape of nothing', '00466565640046656564000261010300'],
    ['an escape at the end of a text', '004665656400466565640002610100'],
    ['text that is not UTF-8', '00466565640046656564000261c300'],
    ['the bytes of a surrogate', '004665656400466565640002eda08000'],
  ])('of %s are refused', (_, hex) => {
    thrownBy('key.invalid', () => Key.fromBytes(Buffer.from(hex.replaceAll(' ', ''), 'hex')).path);
  });

  it('are refused, or say themselves, when any bit flips', () => {
    fc.assert(
      fc.property(anyKey, fc.nat(), fc.nat({ max: 7 }), (some, at, bit) => {
        const bytes = Buffer.from(some.bytes);
        bytes[at % bytes.length]! ^= 1 << bit;
        let back: Key;
        try {
          back = Key.fromBytes(bytes);
          back.path;
        } catch (error) {
          expect(error).toMatchObject({ code: 'key.invalid' });
          return;
        }
        expect(Key.of(back.path, back.namespace).bytes).toEqual(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  it.each<[string, () => Key]>([
    ['a long name', () => key('Feed', 'a'.repeat(70_000))],
    [
      'a long namespace and kind, each of three bytes a character',
      () => Key.of([{ kind: '猫'.repeat(15_000), id: 1n }], '猫'.repeat(9_000)),
    ],
    ['many elements', () => Key.of(new Array<PathElement>(5_000).fill({ kind: 'Feed', id: 7n }))],
    [
      'a name of zeros, each of which takes two bytes',
      () => key('Feed', '\0'.repeat(30_000), 'Feed', '\0'.repeat(30_000)),
    ],
  ])('of %s do not fit, and are not cut short', (_, make) => {
    const some = make();
    thrownBy('key.tooLong', () => some.bytes);
  });
});

describe('a key', () => {
  it('knows its parent, its root and its last element', () => {
    const item = key('User', 'ann', 'Feed', 7, 'Item', 'x');
    expect([String(item.parent), String(item.root), item.kind, item.id]).toEqual([
      'User:ann/Feed:7',
      'User:ann',
      'Item',
      'x',
    ]);
    const { root } = item;
    expect(root.parent).toBeUndefined();
    expect(root.root).toBe(root);
    expect(String(key(key('User', 'ann'), 'Feed', 7))).toBe('User:ann/Feed:7');
    expect(String(key(Key.parse('[eu]User:ann'), 'Feed', 7))).toBe('[eu]User:ann/Feed:7');
  });

  it('equals another by what it says, not by how it was made', () => {
    const some = key('User', 'ann', 'Feed', 7);
    expect(some.equals(Key.fromBytes(Buffer.from(some.bytes)))).toBe(true);
    expect(some.equals(Key.parse('User:ann/Feed:"7"'))).toBe(false);
    expect({ some }).toEqual({ some: Key.parse(some.toString()) });
    expect({ some }).not.toEqual({ some: some.root });
  });

  it('does not change with the array it was made from, nor by its own', () => {
    const path: PathElement[] = [{ kind: 'Feed', id: 7n }];
    const some = Key.of(path);
    path.push({ kind: 'Item', id: 1n });
    expect(String(some)).toBe('Feed:7');
    expect(() => (some.path as PathElement[]).push(path[1]!)).toThrow(TypeError);
    expect(() => (Key.fromBytes(some.bytes).path as PathElement[]).pop()).toThrow(TypeError);
  });
});

/** Pairs that have much in common, for the order of unrelated keys shows little. */
const related: fc.Arbitrary<[Key, Key]> = fc
  .record({
    shared: fc.array(pathElement, { maxLength: 2 }),
    restA: fc.array(pathElement, { maxLength: 2 }),
    restB: fc.array(pathElement, { maxLength: 2 }),
    last: fc.option(pathElement),
    namespaces: fc.oneof(fc.constant(['', ''] as const), fc.tuple(text, text)),
    kindB: fc.option(fc.constantFrom('a', 'a\0', 'a\x01', 'a\x02', 'Feed', 'User')),
  })
  .filter(
    ({ shared, restA, restB, last }) => last !== null || shared.length > 0 || (restA.length > 0 && restB.length > 0),
  )
  .map(({ shared, restA, restB, last, namespaces, kindB }) => {
    const end = last ? [last] : [];
    const endB = last ? [{ kind: kindB ?? last.kind, id: last.id }] : [];
    return [
      Key.of([...shared, ...restA, ...end], namespaces[0]),
      Key.of([...shared, ...restB, ...endB], namespaces[1]),
    ];
  });

const pathOf = ({ namespace, path }: Key) =>
  JSON.stringify([namespace, ...path.map(({ kind, id }) => [kind, typeof id, String(id)])]);

function compareKeys(a: Key, b: Key): number {
  const before = compareText(a.namespace, b.namespace) || compareText(a.kind, b.kind);
  if (before !== 0) return before;
  for (let i = 0; i < Math.min(a.path.length, b.path.length); i++) {
    const order = compareElements(a.path[i]!, b.path[i]!);
    if (order !== 0) return order;
  }
  return a.path.length - b.path.length;
}

function compareElements(a: PathElement, b: PathElement): number {
  const kinds = compareText(a.kind, b.kind);
  if (kinds !== 0) return kinds;
  if (typeof a.id === 'bigint') return typeof b.id === 'bigint' ? Number(a.id > b.id) - Number(a.id < b.id) : -1;
  return typeof b.id === 'bigint' ? 1 : compareText(a.id, b.id);
}

const compareText = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
