import { afterEach, describe, expect, it } from 'vitest';
import { parts } from '../../src/define/parts.ts';
import { Content } from '../../src/record/content.ts';
import { type Key, key } from '../../src/record/key.ts';
import { fromPlain, toPlain } from '../../src/record/plain.ts';
import { type Fault, memoryStore, type StoreCall } from '../../src/store/memory.ts';
import { partsView } from '../../src/store/parts/view.ts';
import type { Mutation, Store } from '../../src/store/store.ts';
import { scanAll, statuses, texts } from './contract/steps.ts';

const KIND = parts<{ id: number | string }>({ of: 'Customer', property: 'subscriptions', id: ({ id }) => id });
const OTHER = parts<{ id: number }>({ of: 'Customer', property: 'notes', id: ({ id }) => id });
const part = (customer: number, id: number | string): Key => key('Customer', customer, 'subscriptions', id);
const content = (plain: object): Content => Content.of(fromPlain(plain));
const SHADOW = `{"v":1,"r":"H","s":"S","f":"x","p":"Subscription:1","c":"c.1","n":1,"j":""}`;
const OWNER = `{"v":1,"r":"O","s":"S","f":"x","p":"Subscription:1","c":"c.1","n":1,"j":""}`;
const PARTS = { namespace: '', kind: 'subscriptions', rootKind: 'Customer' };

function opened(fault?: (call: StoreCall) => Fault | undefined) {
  const base = memoryStore(fault ? { fault } : {});
  return { base, raw: memoryStore({ data: base.data }), view: partsView(base, [KIND, OTHER]) };
}

async function seed(store: Store, customer: number, ...items: object[]) {
  await store.overwrite([{ key: key('Customer', customer), content: content({ name: 'ann', subscriptions: items }) }]);
}

const plain = async (store: Store, customer: number) =>
  toPlain((await store.read([key('Customer', customer)]))[0]!.content.properties);

async function held(view: Store, at: Key) {
  return (await view.read([at]))[0]!;
}

describe('records inside others, as entities of their own', () => {
  it('are scanned in key order, page by page, from any part on and to any', async () => {
    const { raw, view } = opened();
    await seed(raw, 2, { id: 'b' }, { id: 10 }, { id: 'a' }, { id: 2 });
    await seed(raw, 3);
    await seed(raw, 11, { id: 1 });
    await seed(raw, 1, { id: 5 });
    const all = [part(1, 5), part(2, 2), part(2, 10), part(2, 'a'), part(2, 'b'), part(11, 1)].map(String);
    for (const limit of [1, 2, 3, 6, 7]) expect(texts(await scanAll(view, PARTS, limit))).toEqual(all);
    const some = { ...PARTS, after: part(2, 2), until: part(2, 'a') };
    expect(texts(await scanAll(view, some, 1))).toEqual(all.slice(2, 4));
    expect(texts(await scanAll(view, { ...PARTS, root: key('Customer', 2) }, 3))).toEqual(all.slice(1, 5));
    for (const n of [1, 2, 3, 9]) {
      const pieces = await view.split(PARTS, n);
      const found = await Promise.all(pieces.map((piece) => scanAll(view, piece, 2)));
      expect(texts(found.flat())).toEqual(all);
    }
    const found = await view.find(PARTS, 'id', { type: 'integer', value: 5n }, 9);
    expect(texts(found.entities)).toEqual([all[0]]);
  });

  it('a part’s write leaves its siblings’ versions, its container’s slot and all else of it', async () => {
    const { raw, view } = opened();
    const container = { name: 'ann', tags: ['x'], subscriptions: [{ id: 1 }, { id: 2 }, { id: 3 }] };
    await raw.overwrite([{ key: key('Customer', 1), content: content(container), slot: OWNER }]);
    const [one, two] = [await held(view, part(1, 1)), await held(view, part(1, 2))];
    const write = (of: typeof one, plan: string): Mutation => ({
      op: 'update',
      key: of.key,
      version: of.version,
      content: content({ id: Number(of.key.id), plan }),
      slot: OWNER,
    });
    expect(await statuses(view.commit([write(one, 'a'), write(two, 'b')]))).toEqual(['applied', 'applied']);
    const again = [await held(view, part(1, 1)), await held(view, part(1, 2))];
    expect(await statuses(view.commit([write(again[0]!, 'c')]))).toEqual(['applied']);
    expect(await statuses(view.commit([write(again[1]!, 'd')]))).toEqual(['applied']);
    expect(await statuses(view.commit([write(again[1]!, 'e')]))).toEqual(['conflict']);
    const { _handoverParts: _, ...rest } = await plain(raw, 1);
    const items = [{ id: 1, plan: 'c' }, { id: 2, plan: 'd' }, { id: 3 }];
    expect(rest).toEqual({ ...container, subscriptions: items });
    expect((await raw.read([key('Customer', 1)]))[0]!.slot).toBe(OWNER);
  });

  it('a version never comes back: not with the same content, not when all state was gone in between', async () => {
    const { raw, view } = opened();
    await seed(raw, 1);
    const seen = new Set<string | number>();
    for (let n = 0; n < 6; n++) {
      const slot = n % 2 ? OWNER : undefined;
      const [made] = await view.commit([{ op: 'insert', key: part(1, 1), content: content({ id: 1 }), slot }]);
      expect(made).toMatchObject({ status: 'applied', version: (await held(view, part(1, 1))).version });
      const { version } = await held(view, part(1, 1));
      expect(seen.has(version)).toBe(false);
      seen.add(version);
      expect(await statuses(view.commit([{ op: 'delete', key: part(1, 1), version }]))).toEqual(['applied']);
      expect(await plain(raw, 1)).toEqual({ name: 'ann' });
    }
  });

  it('what an old writer changed, slot and all, is an owner: no copy and not frozen any more', async () => {
    const { raw, view } = opened();
    await seed(raw, 1, { id: 1 });
    const { version } = await held(view, part(1, 1));
    await view.commit([{ op: 'update', key: part(1, 1), version, content: content({ id: 1 }), slot: SHADOW }]);
    expect((await held(view, part(1, 1))).slot).toBe(SHADOW);
    const before = (await held(view, part(1, 1))).version;
    const now = await plain(raw, 1);
    await raw.overwrite([
      { key: key('Customer', 1), content: content({ ...now, subscriptions: [{ id: 1, late: true }, { id: 9 }] }) },
    ]);
    const changed = await held(view, part(1, 1));
    expect(changed.slot).toBeUndefined();
    expect(changed.version).not.toBe(before);
    expect(await held(view, part(1, 9))).toMatchObject({ slot: undefined });
  });

  it('an item that cannot be told apart is shown as one that cannot be read, and its siblings go on', async () => {
    const { raw, view } = opened();
    await raw.overwrite([
      { key: key('Customer', 1), content: content({ subscriptions: [{ id: 1 }, 'no entity', { id: 2 }, { id: 2 }] }) },
      { key: key('Customer', 2), content: content({ subscriptions: 'no array' }) },
    ]);
    const all = (await view.scan(PARTS, 9)).entities;
    expect(texts(all)).toEqual([
      'Customer:1/subscriptions:1',
      'Customer:1/subscriptions:2',
      part(1, '(unreadable)').toString(),
      part(2, '(unreadable)').toString(),
    ]);
    for (const each of all.slice(1)) {
      expect(() => each.content.properties).toThrow('parts.invalid');
      const drop = { op: 'delete', key: each.key, version: each.version } as const;
      expect(await view.commit([drop])).toMatchObject([{ status: 'refused', code: 'parts.invalid' }]);
    }
    const { version } = all[0]!;
    expect(await statuses(view.commit([{ op: 'delete', key: part(1, 1), version }]))).toEqual(['applied']);
    expect((await plain(raw, 1))['subscriptions']).toEqual(['no entity', { id: 2 }, { id: 2 }]);
  });

  it('is not made where there is no container, nor under another id than its own', async () => {
    const { raw, view } = opened();
    await seed(raw, 1);
    const insert = (at: Key, id: number) => view.commit([{ op: 'insert', key: at, content: content({ id }) }]);
    expect(await insert(part(7, 1), 1)).toMatchObject([{ status: 'refused', code: 'parts.missing' }]);
    expect(await insert(part(1, 1), 2)).toMatchObject([{ status: 'refused', code: 'parts.invalid' }]);
  });

  it('too many for one container: those that fit are written, the others are refused', async () => {
    const base = memoryStore({ capabilities: { maxEntityBytes: 1_000 } });
    const view = partsView(base, [KIND]);
    await seed(base, 1);
    const inserts = [1, 2, 3, 4].map((id) => {
      return { op: 'insert', key: part(1, id), content: content({ id, text: 'x'.repeat(400) }) } as const;
    });
    const answers = await statuses(view.commit(inserts));
    expect(answers).toEqual(['applied', 'applied', 'refused', 'refused']);
  });

  it('a tombstone has no item, and is there for those who look for it', async () => {
    const { raw, view } = opened();
    await seed(raw, 1, { id: 1 });
    const { version } = await held(view, part(1, 1));
    const slot = OWNER.replace('"O"', '"OX"');
    await view.commit([{ op: 'update', key: part(1, 1), version, content: Content.of(new Map()), slot }]);
    expect('subscriptions' in (await plain(raw, 1))).toBe(false);
    const tombstone = await held(view, part(1, 1));
    expect(tombstone.slot).toBe(slot);
    expect(texts((await view.scan(PARTS, 9)).entities)).toEqual([part(1, 1).toString()]);
    await view.commit([{ op: 'delete', key: part(1, 1), version: tombstone.version }]);
    expect(await plain(raw, 1)).toEqual({ name: 'ann' });
  });

  it('the very same store without any, and no view of a view', () => {
    const { base, view } = opened();
    expect(partsView(base, [])).toBe(base);
    expect(partsView(view, [KIND])).toBe(view);
    expect(partsView(base, [KIND, OTHER])).toBe(view);
  });

  describe('others who write the container', () => {
    const calls = { strike: undefined as undefined | ((call: StoreCall) => Promise<void>) };
    afterEach(() => {
      calls.strike = undefined;
    });
    const contended = () => {
      const base = memoryStore({
        fault: async (call) => {
          await calls.strike?.(call);
          return undefined;
        },
      });
      return { raw: memoryStore({ data: base.data }), view: partsView(base, [KIND]) };
    };

    it('hold up nobody once; all the time, the call says that it is busy', async () => {
      const { raw, view } = contended();
      await seed(raw, 1, { id: 1 }, { id: 2 });
      let { version } = await held(view, part(1, 1));
      const one = (text: string) =>
        view.commit([{ op: 'update', key: part(1, 1), version, content: content({ id: 1, text }), slot: OWNER }]);
      const [first] = await one('a');
      version = (first as { version: string }).version;
      let left = 1;
      let n = 0;
      calls.strike = async ({ op }) => {
        if (op === 'commit' && left-- > 0)
          await raw.overwrite([
            { key: key('Customer', 1), content: content({ ...(await plain(raw, 1)), name: `ben ${++n}` }) },
          ]);
      };
      const [second] = await one('b');
      expect(second!.status).toBe('applied');
      version = (second as { version: string }).version;
      expect(await plain(raw, 1)).toMatchObject({ name: 'ben 1', subscriptions: [{ id: 1, text: 'b' }, { id: 2 }] });
      left = 99;
      expect(await one('c')).toMatchObject([{ status: 'busy', why: 'contention' }]);
    });

    it('an answer that was lost is unknown, and nothing is tried again', async () => {
      const base = memoryStore({ fault: ({ op }) => (op === 'commit' ? { kind: 'lost' } : undefined) });
      const view = partsView(base, [KIND]);
      await seed(base, 1);
      const inserts = [1, 2].map((id) => ({ op: 'insert', key: part(1, id), content: content({ id }) }) as const);
      expect(await statuses(view.commit(inserts))).toEqual(['unknown', 'unknown']);
      expect((await plain(base, 1))['subscriptions']).toEqual([{ id: 1 }, { id: 2 }]);
    });
  });

  it('units of one container are each all or nothing: one that loses takes no other with it', async () => {
    const base = memoryStore({ capabilities: { atomic: 'any' } });
    const view = partsView(base, [KIND]);
    await seed(base, 1, { id: 1 }, { id: 2 }, { id: 3 });
    await base.overwrite([{ key: key('Subscription', 2), content: content({}) }]);
    const units = await Promise.all(
      [1, 2, 3].map(async (id): Promise<Mutation[]> => {
        const { version } = await held(view, part(1, id));
        return [
          { op: 'insert', key: key('Subscription', id), content: content({ id }) },
          { op: 'delete', key: part(1, id), version },
        ];
      }),
    );
    // The versions of items without state end with the first write to their container.
    expect(await statuses(view.commitTogether(units))).toEqual(['applied', 'conflict', 'conflict']);
    expect((await plain(base, 1))['subscriptions']).toEqual([{ id: 2 }, { id: 3 }]);
  });

  it('a guard on a part holds as long as the part does, whatever its siblings do', async () => {
    const { raw, view } = opened();
    await seed(raw, 1, { id: 1 }, { id: 2 });
    const { version } = await held(view, part(1, 1));
    const own = { op: 'update', key: part(1, 1), version, content: content({ id: 1 }), slot: OWNER } as const;
    await view.commit([own]);
    const guard = { key: part(1, 1), version: (await held(view, part(1, 1))).version };
    const two = { op: 'delete', key: part(1, 2), version: (await held(view, part(1, 2))).version } as const;
    expect(await statuses(view.commit([two], guard))).toEqual(['applied']);
    const other = (id: number) => ({ op: 'insert', key: key('X', id), content: content({}) }) as const;
    expect(await statuses(view.commit([other(1)], guard))).toEqual(['applied']);
    expect(await statuses(view.commit([other(2)], { ...guard, version: 'another' }))).toEqual(['fenced']);
  });
});
