import fc from 'fast-check';
import { expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { Content } from '../../src/record/content.ts';
import { Key, key } from '../../src/record/key.ts';
import type { Properties, Value } from '../../src/record/value.ts';
import { connect } from '../../src/store/datastore/client.ts';
import { datastoreStore } from '../../src/store/datastore/datastore.ts';
import { keyToWire } from '../../src/store/datastore/keys.ts';
import type { WireValue } from '../../src/store/datastore/wire.ts';
import type { Store } from '../../src/store/store.ts';
import { connectionTo, describeEachMode, newProject } from '../emulators/each.ts';
import { show } from '../record/arbitraries.ts';
import { commitOne, contentOf, insert, integer, readOne, string } from '../store/contract/steps.ts';

const names = fc.oneof(
  fc.constantFrom('a', 'b', 'a.b', 'é', '\0', 'constructor', 'toString', ' ', '1'),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 6 }).filter((name) => !/^__.*__$/s.test(name)),
);
const seconds = fc.bigInt(-62_135_596_800n, 253_402_300_799n);
const ids = fc.oneof(fc.bigInt(1n, 2n ** 63n - 1n), fc.constantFrom('a', '7', '\0', 'é', '😀'));
const keys = fc
  .tuple(
    fc.array(fc.record({ kind: fc.constantFrom('User', 'É', 'a b'), id: ids }), { minLength: 1, maxLength: 3 }),
    fc.constantFrom('', 'other'),
  )
  .map(([path, namespace]) => Key.of(path, namespace));

const unindexed = (value: Value): Value => ({ ...value, unindexed: true });
const byFlag = (a: Value, b: Value): number => Number(a.unindexed ?? 0) - Number(b.unindexed ?? 0);

/** What both we and every mode can say; index flags at every level that has them. */
const { value: single, list } = fc.letrec<{ value: Value; typed: Value; list: Value }>((tie) => ({
  value: fc
    .tuple(tie('typed'), fc.boolean())
    .map(([typed, unindexed]) => (unindexed ? { ...typed, unindexed: true as const } : typed)),
  typed: fc.oneof(
    { maxDepth: 3 },
    fc.constant<Value>({ type: 'null' }),
    fc.boolean().map((value): Value => ({ type: 'boolean', value })),
    fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map((value): Value => ({ type: 'integer', value })),
    fc
      .oneof(fc.double(), fc.constantFrom(1, -0, 0, Number.NaN, Infinity))
      .map((value): Value => ({ type: 'double', value })),
    fc.string({ unit: 'binary', maxLength: 60 }).map((value): Value => ({ type: 'string', value })),
    fc.uint8Array({ maxLength: 40 }).map((value): Value => ({ type: 'bytes', value })),
    fc
      .tuple(seconds, fc.nat(999_999))
      .map(([s, micros]): Value => ({ type: 'timestamp', seconds: s, nanos: micros * 1000 })),
    keys.map((value): Value => ({ type: 'key', value })),
    fc
      .tuple(fc.double({ min: -90, max: 90, noNaN: true }), fc.double({ min: -180, max: 180, noNaN: true }))
      .map(([latitude, longitude]): Value => ({ type: 'geoPoint', latitude, longitude })),
    fc
      .uniqueArray(fc.tuple(names, fc.oneof({ maxDepth: 2 }, tie('value'), tie('list'))), {
        maxLength: 3,
        selector: ([name]) => name,
      })
      .map((entries): Value => ({ type: 'entity', properties: new Map(entries) })),
  ),
  list: fc
    .tuple(fc.array(tie('value'), { maxLength: 4 }), fc.boolean())
    // Indexed ones first: no mode changes that order.
    .map(
      ([values, hidden]): Value => ({ type: 'array', values: hidden ? values.map(unindexed) : values.sort(byFlag) }),
    ),
}));
const meant = fc.constantFrom<Value>(
  { type: 'string', value: 'a text', unindexed: true, meaning: 15 },
  { type: 'string', value: 'u', meaning: 11 },
);
const anyProperties: fc.Arbitrary<Properties> = fc
  .uniqueArray(fc.tuple(names, fc.oneof({ weight: 4, arbitrary: single }, list, meant)), {
    maxLength: 5,
    selector: ([name]) => name,
  })
  .map((entries) => new Map(entries));

const AT = key('Feed', 1);

describeEachMode('datastore: values', (mode) => {
  const projectId = newProject();
  const withStore = async (use: (store: Store) => Promise<void>) => {
    const store = await datastoreStore(connectionTo(mode, projectId));
    try {
      await use(store);
    } finally {
      await store.close();
    }
  };
  const raw = async (at: Key, properties: Record<string, WireValue>) => {
    const wire = await connect(connectionTo(mode, projectId), systemClock);
    await wire.commit({ mode: 'NON_TRANSACTIONAL', mutations: [{ upsert: { key: keyToWire(wire, at), properties } }] });
    await wire.close();
  };

  it('what is written comes back, and is carried on as it is, whatever it is', () =>
    withStore(async (store) => {
      let id = 100;
      await fc.assert(
        fc.asyncProperty(anyProperties, async (properties) => {
          const [at, copy] = [key('Feed', id++), key('Feed', id++)];
          await insert(store, at, Content.of(properties), 'slot');
          const read = (await readOne(store, at))!;
          expect(show(read.content.properties)).toBe(show(properties));
          expect(read.content.fingerprint).toBe(Content.of(properties).fingerprint);
          await insert(store, copy, read.content);
          expect(show((await readOne(store, copy))!.content.properties)).toBe(show(properties));
        }),
        { numRuns: 60 },
      );
    }));

  it('what has no typed form here is refused by whoever looks into it, and is never written without it', () =>
    withStore(async (store) => {
      const foreign: WireValue = {
        keyValue: { partitionId: { projectId: 'another' }, path: [{ kind: 'User', id: '1' }] },
      };
      const embedded: WireValue = {
        entityValue: { key: { path: [{ kind: 'Inner', name: 'x' }] }, properties: { n: { integerValue: '1' } } },
      };
      for (const [name, value] of Object.entries({ foreign, embedded })) {
        const at = key('Raw', name);
        await raw(at, { value });
        const { content } = (await store.scan({ namespace: '', kind: 'Raw', root: at }, 1)).entities[0]!;
        expect(() => content.properties).toThrow(expect.objectContaining({ code: 'value.unsupported' }));
        expect(() => content.fingerprint).toThrow(expect.objectContaining({ code: 'value.unsupported' }));
        await expect(store.commit([{ op: 'insert', key: AT, content }])).rejects.toMatchObject({
          code: 'value.unsupported',
        });
      }
    }));

  it('a slot that is not text is no slot, and does not spoil its page', () =>
    withStore(async (store) => {
      await raw(key('Slotted', 1), { _handover: { integerValue: '1' }, n: { integerValue: '5' } });
      const entity = (await readOne(store, key('Slotted', 1)))!;
      expect([entity.slot, [...entity.content.properties.keys()]]).toEqual(['not text but integerValue', ['n']]);
    }));

  it('what would be changed silently is refused, and so is what the store refuses; the others of the commit go on', () =>
    withStore(async (store) => {
      const hidden: Value = { ...string('x'), unindexed: true };
      const wrong: Value[] = [
        { type: 'timestamp', seconds: 1n, nanos: 1 },
        { type: 'array', values: [{ type: 'array', values: [] }] },
        { type: 'array', values: [], unindexed: true },
        string('x'.repeat(1501)),
        { type: 'geoPoint', latitude: 91, longitude: 0 },
        { type: 'timestamp', seconds: 253_402_300_800n, nanos: 0 },
      ];
      const keepsOrder = mode === 'firestore';
      const mixed: Value = { type: 'array', values: [hidden, integer(1)] };
      const all = [...wrong, mixed].map((value, i) => ({
        op: 'insert' as const,
        key: key('Bad', i + 1),
        content: contentOf({ value }),
      }));
      const good = [1, 2, 3].map((id) => ({
        op: 'insert' as const,
        key: key('Good', id),
        content: contentOf({ n: integer(id) }),
      }));
      const outcomes = await store.commit([good[0]!, ...all, good[1]!, good[2]!]);
      expect(outcomes.map(({ status }) => status)).toEqual([
        'applied',
        ...wrong.map(() => 'refused'),
        keepsOrder ? 'applied' : 'refused',
        'applied',
        'applied',
      ]);
      for (const outcome of outcomes) if (outcome.status === 'refused') expect(outcome.code).toBe('entity.refused');
      if (keepsOrder) {
        expect((await readOne(store, key('Bad', 7)))!.content.equals(contentOf({ value: mixed }))).toBe(true);
      }
      const unit = await store.commitTogether([[all[0]!, { ...good[0]!, key: key('Good', 4) }]]);
      expect(unit).toMatchObject([{ status: 'refused', code: 'entity.refused' }]);
      expect(await readOne(store, key('Good', 4))).toBeUndefined();
    }));

  it('a key or kind that is too long, a reserved name: refused, by the record', () =>
    withStore(async (store) => {
      const keysTried = [key('Feed', 'x'.repeat(1501)), key('Feed', '__x__'), key('__Feed__', 1)];
      const outcomes = await store.commit(keysTried.map((at) => ({ op: 'insert', key: at, content: contentOf({}) })));
      expect(outcomes.map(({ status }) => status)).toEqual(['refused', 'refused', 'refused']);
    }));

  it('an update keeps nothing of what was there', () =>
    withStore(async (store) => {
      const version = await insert(store, AT, contentOf({ a: integer(1), b: integer(2) }), 'slot');
      await commitOne(store, { op: 'update', key: AT, version, content: contentOf({ b: integer(3) }) });
      const entity = (await readOne(store, AT))!;
      expect([entity.slot, show(entity.content.properties)]).toEqual([undefined, '{"b"=3n}']);
    }));
});
