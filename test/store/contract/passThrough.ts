import { describe, expect, it } from 'vitest';
import { HandoverError } from '../../../src/errors.ts';
import { Content, EMPTY } from '../../../src/record/content.ts';
import { Key, key } from '../../../src/record/key.ts';
import type { Value } from '../../../src/record/value.ts';
import type { Open } from '../contract.ts';
import { contentOf, eachStore, insert, integer, numbered, readOne, string } from './steps.ts';

const WEIRD: Record<string, Value> = {
  null: { type: 'null' },
  false: { type: 'boolean', value: false },
  one: integer(1),
  oneAsDouble: { type: 'double', value: 1 },
  minusZero: { type: 'double', value: -0 },
  notANumber: { type: 'double', value: Number.NaN },
  infinite: { type: 'double', value: -Infinity },
  wide: integer(2n ** 63n - 1n),
  narrow: integer(-(2n ** 63n)),
  past: { type: 'timestamp', seconds: -62_135_596_800n, nanos: 999_999_000 },
  empty: string(''),
  text: string('NUL \0, é, 😀, \uffff'),
  bytes: { type: 'bytes', value: Uint8Array.from({ length: 256 }, (_, i) => i) },
  reference: { type: 'key', value: Key.of([{ kind: 'User', id: 'ann' }], 'elsewhere') },
  place: { type: 'geoPoint', latitude: -89.5, longitude: 179.25 },
  list: { type: 'array', values: [integer(1), { type: 'null' }, { ...string('x'), unindexed: true }] },
  none: { type: 'array', values: [] },
  nested: { type: 'entity', properties: new Map([['n', { ...integer(3), unindexed: true } as Value]]) },
  hidden: { ...string('not indexed'), unindexed: true },
  meant: { ...string('a text'), unindexed: true, meaning: 15 },
};

export function passThroughContract(name: string, open: Open): void {
  describe(`${name}: what is stored comes back`, () => {
    const the = eachStore(open);

    it('content comes back with the same canonical bytes, from read, scan and find', async () => {
      const content = contentOf({ ...WEIRD, tag: string('here') });
      await insert(the.store, key('Feed', 1), content);
      const range = { namespace: '', kind: 'Feed' };
      const seen = [
        await readOne(the.store, key('Feed', 1)),
        (await the.store.readTogether([key('Feed', 1)]))[0],
        (await the.store.scan(range, 5)).entities[0],
        (await the.store.find(range, 'tag', string('here'), 5)).entities[0],
      ];
      for (const entity of seen) {
        expect(entity!.content.bytes.equals(content.bytes)).toBe(true);
        expect(entity!.key.toString()).toBe('Feed:1');
      }
    });

    it('content without properties comes back', async () => {
      await insert(the.store, key('Feed', 1), EMPTY);
      expect((await readOne(the.store, key('Feed', 1)))!.content.equals(EMPTY)).toBe(true);
    });

    it.each([
      ['no slot', undefined],
      ['an empty slot', ''],
      ['a slot', '{"v":1,"r":"H","p":"Feed:7"}'],
      ['a slot that does not decode', 'not JSON \0 é 😀'],
      ['a long slot', 'x'.repeat(5000)],
    ])('%s comes back as it was, and an update replaces it', async (_, slot) => {
      const at = key('Feed', 1);
      const version = await insert(the.store, at, numbered(1), slot);
      expect((await readOne(the.store, at))!.slot).toBe(slot);
      expect((await the.store.scan({ namespace: '', kind: 'Feed' }, 1)).entities[0]!.slot).toBe(slot);
      await the.store.commit([{ op: 'update', key: at, version, content: numbered(2), slot: 'other' }]);
      expect((await readOne(the.store, at))!.slot).toBe('other');
      const now = (await readOne(the.store, at))!.version;
      await the.store.commit([{ op: 'update', key: at, version: now, content: numbered(2) }]);
      expect((await readOne(the.store, at))!.slot).toBeUndefined();
    });

    it('entities of one page, large and small, do not share bytes, and keep them when others are read', async () => {
      const sizes = [10, 100, 9_000, 0, 70_000, 300, 1_000_000, 5];
      const contents = sizes.map((size, i) =>
        contentOf({ n: integer(i), text: { ...string('x'.repeat(size)), unindexed: true } }),
      );
      await the.store.overwrite(
        contents.map((content, i) => ({ key: key('Feed', i + 1), content, slot: `slot ${i}` })),
      );
      const { entities } = await the.store.scan({ namespace: '', kind: 'Feed' }, 100);
      const again = await the.store.read(entities.map((entity) => entity.key));
      for (const [i, content] of contents.entries()) {
        for (const entity of [entities[i]!, again[i]!]) {
          expect(entity.content.fingerprint).toBe(content.fingerprint);
          expect(entity.content.equals(content)).toBe(true);
          expect(entity.slot).toBe(`slot ${i}`);
          expect(entity.key.equals(key('Feed', i + 1))).toBe(true);
        }
      }
    });

    it('reads answer in the order of the keys, missing and doubled ones included', async () => {
      await insert(the.store, key('Feed', 1), numbered(1));
      const asked = [key('Feed', 2), key('Feed', 1), key('Feed', 1), Key.of([{ kind: 'Feed', id: 1n }], 'a')];
      const seen = (await the.store.read(asked)).map((entity) => entity?.key.toString());
      expect(seen).toEqual([undefined, 'Feed:1', 'Feed:1', undefined]);
    });

    it('an entity that is too large is refused with its key before anything of the call is applied', async () => {
      const { maxEntityBytes } = the.store.capabilities;
      const large = contentOf({ text: { ...string('x'.repeat(maxEntityBytes)), unindexed: true } });
      const [good, bad] = [key('Feed', 1), key('Feed', 2)];
      const refused = { code: 'entity.tooLarge', facts: { key: 'Feed:2' } };
      const inserts = [good, bad].map((each, i) => ({ op: 'insert' as const, key: each, content: i ? large : EMPTY }));
      await expect(the.store.commit(inserts)).rejects.toMatchObject(refused);
      await expect(the.store.commitTogether(inserts.map((each) => [each]))).rejects.toMatchObject(refused);
      await expect(the.store.overwrite(inserts)).rejects.toMatchObject(refused);
      expect(await the.store.read([good, bad])).toEqual([undefined, undefined]);
    });

    it('a slot counts towards the size of its entity', async () => {
      const { maxEntityBytes } = the.store.capabilities;
      const at = key('Feed', 1);
      const text = 'x'.repeat(maxEntityBytes - 100_000);
      const content = contentOf({ text: { ...string(text), unindexed: true } });
      await insert(the.store, at, content);
      const slotted = { op: 'insert' as const, key: key('Feed', 2), content, slot: 'y'.repeat(100_000) };
      await expect(the.store.commit([slotted])).rejects.toThrow(HandoverError);
    });

    it('a key that is too long is refused before anything of the call is applied', async () => {
      const { maxKeyBytes } = the.store.capabilities;
      const [good, bad] = [key('Feed', 1), key('Feed', 'x'.repeat(maxKeyBytes))];
      const inserts = [good, bad].map((each) => ({ op: 'insert' as const, key: each, content: EMPTY }));
      await expect(the.store.commit(inserts)).rejects.toMatchObject({ code: 'key.tooLong' });
      expect(await readOne(the.store, good)).toBeUndefined();
    });

    it('an entity and a key of exactly the limit are stored', async () => {
      const { maxKeyBytes, maxEntityBytes } = the.store.capabilities;
      const longest = keyOf(maxKeyBytes);
      expect(longest.bytes.length).toBe(maxKeyBytes);
      const sized = (size: number) => contentOf({ text: { ...string('x'.repeat(size)), unindexed: true } });
      const rest = maxEntityBytes - maxKeyBytes;
      const content = sized(rest - (sized(rest).bytes.length - rest));
      expect(content.bytes.length).toBe(rest);
      await insert(the.store, longest, content);
      expect((await readOne(the.store, longest))!.content.fingerprint).toBe(content.fingerprint);
    });

    it('more mutations than the store declares are refused', async () => {
      const { maxMutations } = the.store.capabilities;
      const many = Array.from({ length: maxMutations + 1 }, (_, i) => {
        return { op: 'insert' as const, key: key('Feed', i + 1), content: EMPTY };
      });
      await expect(the.store.commit(many)).rejects.toThrow(RangeError);
      expect(await the.store.commit(many.slice(0, maxMutations))).toHaveLength(maxMutations);
    });

    it('content is not decoded by being stored, read or scanned', async ({ skip }) => {
      if (the.opened.lacks?.opaqueContent) skip();
      const content = Content.fromBytes(Buffer.from([99, 1, 2, 3]));
      await insert(the.store, key('Broken', 1), content);
      const [entity] = (await the.store.scan({ namespace: '', kind: 'Broken' }, 5)).entities;
      expect([...entity!.content.bytes]).toEqual([99, 1, 2, 3]);
    });
  });
}

/** A key of so many bytes, in steps of which none is long. */
function keyOf(bytes: number): Key {
  let at = key('Feed', 'x');
  while (bytes - at.bytes.length > 1500) at = key(at, 'Feed', 'x'.repeat(1000));
  const left = bytes - key(at, 'Feed', 'x').bytes.length;
  return key(at, 'Feed', 'x'.repeat(left + 1));
}
