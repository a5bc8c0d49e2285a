import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import type { Clock } from '../../src/clock.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { documentKey, KINDS, load } from '../../src/engine/documents.ts';
import { LIMITS } from '../../src/limits.ts';
import { decodeSlot } from '../../src/record/slot.ts';
import { type Mismatch, Router } from '../../src/router/router.ts';
import { MemoryData, type MemoryStoreOptions, memoryStore, type StoreCall } from '../../src/store/memory.ts';
import type { Capabilities, Store } from '../../src/store/store.ts';
import { changingRule, content, handClock, newKey, oldKey, rest, seed, verified, world } from '../engine/harness.ts';
import { addressOf, inNewShape, inOldShape, lay, named } from './sides.ts';

function counted(capabilities: Partial<Capabilities> = {}) {
  const data = new MemoryData();
  const ops: StoreCall['op'][] = [];
  const fault = ({ op }: StoreCall): undefined => {
    ops.push(op);
  };
  const clock = handClock();
  const store = memoryStore({ data, capabilities });
  const rule = changingRule;
  return { store, ops, clock, options: { store: memoryStore({ data, fault, capabilities }), rule, clock } };
}

const SEPARATE = { atomic: 'entity', snapshotReads: false } as const;

describe('round trips', () => {
  it.each(['O-', 'OH', 'CO', 'HO', '-O'])('a read of %s is one, with snapshots and without', async (pair) => {
    for (const capabilities of [{}, SEPARATE]) {
      const { store, ops, options } = counted(capabilities);
      await lay(store, pair, 1);
      expect((await new Router(options).get(addressOf(1)))?.name).toBe('GOOD');
      expect(ops.length).toBe(1);
    }
  });

  it('an update of an owner is two, an insert four', async () => {
    const { store, ops, options } = counted();
    await lay(store, 'CO', 1);
    const router = new Router(options);
    await router.update(addressOf(1), (it) => it);
    expect(ops.splice(0)).toEqual(['read', 'commit']);
    await router.insert(addressOf(2), named(2, 'A'));
    expect(ops).toEqual(['readTogether', 'commit', 'readTogether', 'commit']);
  });

  it('many reads share theirs, as many pairs in one as the store takes keys for', async () => {
    const { store, ops, options } = counted({ maxMutations: 8 });
    const pairs = ['O-', 'OH', '--', 'CO', '-O', 'C-', 'X-'];
    for (const [i, pair] of pairs.entries()) await lay(store, pair, i + 1);
    const found = await new Router(options).getMany(pairs.map((_, i) => addressOf(i + 1)));
    const good = expect.objectContaining({ name: 'GOOD' });
    expect(found).toEqual([good, good, undefined, good, good, good, undefined]);
    expect(ops).toEqual(['readTogether', 'readTogether']);
  });

  it('many reads without snapshots look twice only where there is no owner', async () => {
    const { store, ops, options } = counted(SEPARATE);
    for (const [i, pair] of ['O-', 'C-', 'CO', '--'].entries()) await lay(store, pair, i + 1);
    const found = await new Router(options).getMany([1, 2, 3, 4].map(addressOf));
    expect(found.map((it) => it?.name)).toEqual(['GOOD', 'GOOD', 'GOOD', undefined]);
    // All at once; a glance and S, T, S for the frozen one; a glance and S, T, S, T for the one that is not there.
    expect(ops.length).toBe(1 + 4 + 5);
  });
});

describe('addresses', () => {
  it.each(['O-', 'OH', 'CO', 'HO'])('the old key alone finds %s', async (pair) => {
    const { store, options } = counted();
    await lay(store, pair, 1);
    const router = new Router(options);
    expect((await router.get({ from: oldKey(1) }))?.name).toBe('GOOD');
    expect(await router.delete({ from: oldKey(1) })).toBe(true);
  });

  it.each(['OH', 'CO', 'HO', '-O'])('the new key alone finds %s', async (pair) => {
    const { store, options } = counted();
    await lay(store, pair, 1);
    expect((await new Router(options).get({ into: newKey(1) }))?.name).toBe('GOOD');
  });

  it('one key that says nothing is not enough, unless the other can be derived', async () => {
    const { store, options } = counted();
    await lay(store, '-O', 1);
    await lay(store, 'O-', 2);
    const router = new Router(options);
    await expect(router.get({ from: oldKey(1) })).rejects.toMatchObject({ code: 'address.incomplete' });
    await expect(router.get({ into: newKey(2) })).rejects.toMatchObject({ code: 'address.incomplete' });
    const keys = {
      into: () => newKey(1),
      from: () => oldKey(2),
    };
    const deriving = new Router({ ...options, keys });
    expect((await deriving.get({ from: oldKey(1) }))?.name).toBe('GOOD');
    expect((await deriving.get({ into: newKey(2) }))?.name).toBe('GOOD');
  });

  it('an insert takes the new key from the record', async () => {
    const { options } = counted();
    const router = new Router(options);
    expect(await router.insert({ from: oldKey(1) }, named(1, 'A'))).toBe(true);
    expect((await router.get(addressOf(1)))?.name).toBe('A');
    expect(await router.insert({ from: oldKey(1) }, named(1, 'B'))).toBe(false);
  });

  it('a record that is paired with another key than the caller knows is followed', async () => {
    const { store, options } = counted();
    await lay(store, 'CO', 1);
    const stale = { from: oldKey(1), into: newKey(1, 'somebody-else') };
    const router = new Router(options);
    expect((await router.get(stale))?.name).toBe('GOOD');
    expect((await router.getMany([stale]))[0]?.name).toBe('GOOD');
    expect(await router.delete(stale)).toBe(true);
    expect(await router.get(addressOf(1))).toBeUndefined();
  });

  it('a write may not change what the new key is made of, wherever the record is', async () => {
    const { store, options } = counted();
    const router = new Router(options);
    const elsewhere = { user: 'somebody-else', name: 'A', visits: 0 };
    for (const pair of ['O-', 'OH', 'CO', '-O', 'C-']) {
      await lay(store, pair, 1);
      const moving = router.update(addressOf(1), (it) => ({ ...it, user: 'somebody-else' }));
      await expect(moving, pair).rejects.toMatchObject({ code: 'record.misplaced' });
      await expect(router.put(addressOf(1), elsewhere), pair).rejects.toMatchObject({ code: 'record.misplaced' });
      expect((await router.get(addressOf(1)))?.name).toBe('GOOD');
    }
    await expect(router.insert(addressOf(2), elsewhere)).rejects.toMatchObject({ code: 'record.misplaced' });
  });

  it('a record whose content was moved to another user by other hands can still be written', async () => {
    const { store, options } = counted();
    await lay(store, 'OH', 1);
    const [S] = await store.read([oldKey(1)]);
    await store.overwrite([
      { key: oldKey(1), content: content({ user: 'x', title: 'good', visits: 0 }), slot: S!.slot! },
    ]);
    expect(await new Router(options).update(addressOf(1), (it) => ({ ...it, visits: 5 }))).toMatchObject({ visits: 5 });
  });
});

describe('what is not this record', () => {
  it('a stranger at the new key: the record is served from its old home, and can be written and deleted', async () => {
    const { store, options } = counted();
    await lay(store, 'O-', 1);
    await store.overwrite([{ key: newKey(1), content: content({ native: true }) }]);
    const router = new Router(options);
    expect((await router.get(addressOf(1)))?.name).toBe('GOOD');
    expect((await router.update(addressOf(1), (it) => ({ ...it, name: 'B' })))?.name).toBe('B');
    expect(await router.delete(addressOf(1))).toBe(true);
    expect((await store.read([newKey(1)]))[0]).toBeDefined();
  });

  it('a new key that belongs to another record: there is no record, and none is inserted', async () => {
    const { store, options } = counted();
    await lay(store, '-O', 1);
    const [T] = await store.read([newKey(1)]);
    const slot = T!.slot!.replace('"p":"Feed:1"', '"p":"Feed:8"');
    await store.overwrite([{ key: newKey(1), content: T!.content, slot }]);
    const router = new Router(options);
    expect(await router.get(addressOf(1))).toBeUndefined();
    await expect(router.insert(addressOf(1), named(1, 'A'))).rejects.toMatchObject({ code: 'target.collision' });
  });

  it('two owners: nothing is chosen', async () => {
    const { store, options } = counted();
    await lay(store, '-O', 1);
    const router = new Router(options);
    await store.overwrite([{ key: oldKey(1), content: inOldShape(1, 'stray') }]);
    for (const address of [addressOf(1), { from: oldKey(1) }, { into: newKey(1) }]) {
      await expect(router.get(address)).rejects.toMatchObject({ code: 'record.split' });
      await expect(router.put(address, named(1, 'A'))).rejects.toMatchObject({ code: 'record.split' });
      await expect(router.delete(address)).rejects.toMatchObject({ code: 'record.split' });
    }
  });

  it('what is over from an earlier campaign whose new home is this one’s old home counts as nothing', async () => {
    const { store, options } = counted();
    await lay(store, 'O-', 1);
    const [S] = await store.read([oldKey(1)]);
    const slot = S!.slot!.replace('"s":"S"', '"s":"T"').replace('"p":"User:u1/Feed:1"', '"p":"Post:1"');
    await store.overwrite([{ key: oldKey(1), content: S!.content, slot }]);
    const router = new Router(options);
    expect((await router.get(addressOf(1)))?.name).toBe('GOOD');
    await store.overwrite([
      { key: oldKey(1), content: S!.content, slot: slot.replace('"r":"O"', '"r":"C"').replace('"f":""', '"f":"x"') },
    ]);
    await expect(router.get(addressOf(1))).rejects.toMatchObject({ code: 'slot.foreign' });
  });
});

describe('code that still speaks the old shape at the old key', () => {
  it.each(['O-', 'OH', 'C-', 'CH', 'CO', 'HO'])('reads, writes and deletes %s', async (pair) => {
    const { store, options } = counted();
    const { legacy, get } = bound(new Router(options));
    await lay(store, pair, 1);
    expect(await legacy.get(oldKey(1))).toMatchObject({ title: 'good' });
    expect(await legacy.update(oldKey(1), (feed) => ({ ...feed, title: `${feed.title} and new` }))).toMatchObject({
      title: 'good and new',
    });
    expect(await get(addressOf(1))).toMatchObject({ name: 'GOOD AND NEW' });
    await legacy.put(oldKey(1), { user: 'u1', title: 'put', visits: 1 });
    expect(await get(addressOf(1))).toMatchObject({ name: 'PUT', visits: 1 });
    expect(await legacy.delete(oldKey(1))).toBe(true);
    expect(await get(addressOf(1))).toBeUndefined();
    expect(await legacy.insert(oldKey(1), { user: 'u1', title: 'inserted', visits: 0 })).toBe(true);
    expect(await get(addressOf(1))).toMatchObject({ name: 'INSERTED' });
  });

  it('leaves alone at the old home what the way there and back would change', async () => {
    const { store, options } = counted();
    await store.overwrite([{ key: oldKey(1), content: content({ user: 'u1', title: 'MiXed', visits: 0 }) }]);
    await new Router(options).legacy.update(oldKey(1), (feed) => ({ ...feed, visits: 1 }));
    const [S] = await store.read([oldKey(1)]);
    expect(S!.content.equals(content({ user: 'u1', title: 'MiXed', visits: 1 }))).toBe(true);
  });
});

const bound = <N extends object, O extends object>(router: Router<N, O>) => ({
  legacy: router.legacy,
  get: router.get.bind(router),
});

describe('shadow reads', () => {
  it('find a copy that differs although its fingerprint is fresh, tell it, and keep the last with both values', async () => {
    const { store, options, clock } = counted();
    const told: Mismatch[] = [];
    const router = new Router({ ...options, compare: 1, events: { mismatched: (it) => told.push(it) } });
    await lay(store, 'OH', 1);
    await router.get(addressOf(1));
    expect(told).toEqual([]);
    const [S, T] = await store.read([oldKey(1), newKey(1)]);
    await store.overwrite([{ key: newKey(1), content: inNewShape(1, 'TAMPERED'), slot: T!.slot! }]);
    for (let n = 0; n < LIMITS.mismatches + 5; n++) expect((await router.get(addressOf(1)))?.name).toBe('GOOD');
    const one = { at: clock.now(), from: 'Feed:1', into: 'User:u1/Feed:1' };
    const values = {
      expected: '{"name":"GOOD","user":"u1","visits":0}',
      found: '{"name":"TAMPERED","user":"u1","visits":0}',
    };
    expect(told.at(-1)).toEqual({ ...one, ...values });
    const kept = await load(store, 'mismatch', documentKey('mismatch', 'feeds.1', 'last'));
    expect(kept?.value.count).toBe(LIMITS.mismatches + 5);
    expect(kept?.value.last.length).toBe(LIMITS.mismatches);
    expect(kept?.value.last[0]).toEqual({ ...one, ...values });
    expect(S!.version).toBe((await store.read([oldKey(1)]))[0]!.version);
  });

  it('do not mind a stale copy, and are not made unless asked for', async () => {
    const { store, options } = counted();
    const told: Mismatch[] = [];
    const events = { mismatched: (it: Mismatch) => told.push(it) };
    await lay(store, 'OH~', 1);
    await new Router({ ...options, compare: 1, events }).get(addressOf(1));
    await lay(store, 'OH', 2);
    const [T] = await store.read([newKey(2)]);
    await store.overwrite([{ key: newKey(2), content: inNewShape(2, 'TAMPERED'), slot: T!.slot! }]);
    await new Router({ ...options, events }).get(addressOf(2));
    expect(told).toEqual([]);
  });
});

describe('records that are moved when they are used', () => {
  const migration = defineMigration({ name: 'feeds', version: 1, records: [changingRule] });
  const stands = async (w: ReturnType<typeof world>, n: number) => {
    const [S, T] = await w.store.read([oldKey(n), newKey(n)]);
    return [S !== undefined, T !== undefined];
  };

  it('go where the campaign wants them: after a write, or after a read, too; and no others do', async () => {
    const w = world({ migration });
    await seed(w.store, 3);
    const options = { store: w.store, rule: changingRule, clock: w.clock };
    const writing = new Router({ ...options, migrate: { on: 'write', migration } });
    const reading = new Router({ ...options, migrate: { on: 'read', migration } });
    await reading.get(addressOf(1));
    expect(await stands(w, 1)).toEqual([true, false]);
    await commands.start(w.context, 'feeds', { to: 'completed' });
    await writing.get(addressOf(1));
    expect(await stands(w, 1)).toEqual([true, false]);
    await writing.update(addressOf(1), (it) => ({ ...it, visits: 7 }));
    expect(await stands(w, 1)).toEqual([false, true]);
    expect(await reading.get(addressOf(2))).toMatchObject({ name: 'FEED 2' });
    expect(await stands(w, 2)).toEqual([false, true]);
    expect(await stands(w, 3)).toEqual([true, false]);
    expect(await reading.get(addressOf(1))).toMatchObject({ visits: 7 });
  });

  it('are left alone while the campaign is paused', async () => {
    const w = world({ migration });
    await seed(w.store, 1);
    await commands.start(w.context, 'feeds', { to: 'completed' });
    await commands.pause(w.context, 'feeds');
    const router = new Router({
      store: w.store,
      rule: changingRule,
      clock: w.clock,
      migrate: { on: 'read', migration },
    });
    await router.get(addressOf(1));
    expect(await stands(w, 1)).toEqual([true, false]);
  });

  it('go to the new home when they are inserted after the campaign was completed', async () => {
    const w = world({ migration });
    await seed(w.store, 1);
    await commands.start(w.context, 'feeds', { to: 'completed' });
    expect((await rest(w)).closed).toBe(true);
    const options = { store: w.store, rule: changingRule, clock: w.clock };
    await new Router(options).insert(addressOf(2), named(2, 'STAYS'));
    expect(await stands(w, 2)).toEqual([true, false]);
    await new Router({ ...options, migrate: { on: 'write', migration } }).insert(addressOf(3), named(3, 'GOES'));
    expect(await stands(w, 3)).toEqual([false, true]);
  });

  it('that a dying client left in the middle of it, under a campaign that is over, are brought on by the next one', async () => {
    const way = async (store: Store, clock: Clock, fault?: MemoryStoreOptions['fault']) => {
      const mortal = memoryStore({ data: (store as ReturnType<typeof memoryStore>).data, ...(fault ? { fault } : {}) });
      const router = new Router({ store: mortal, rule: changingRule, clock, migrate: { on: 'write', migration } });
      return router.insert(addressOf(3), named(3, 'GOES'));
    };
    for (let dies = 0; ; dies++) {
      const w = world({ migration });
      await seed(w.store, 1);
      await commands.start(w.context, 'feeds', { to: 'completed' });
      await rest(w);
      let commits = 0;
      await way(w.store, w.clock, ({ op }) =>
        op.startsWith('commit') && commits++ === dies ? { kind: 'crash', when: 'after' } : undefined,
      ).catch(() => undefined);
      await commands.start(w.context, 'feeds', { to: 'completed' });
      // A birth that nobody settles is withdrawn after a while.
      expect(await rest(w)).toMatchObject({ id: 'feeds.2', closed: true });
      expect(await verified(w)).toMatchObject({ clean: true, quarantined: 0 });
      expect(await stands(w, 3)).toEqual([false, dies > 0]);
      // Announced, settled, copied, ceded, promoted, dropped.
      if (commits <= dies) return expect(commits).toBe(6);
    }
  });

  it('are not moved any more under a campaign that a newer one has followed, however late the client is', async () => {
    const w = world({ migration });
    await seed(w.store, 1);
    await commands.start(w.context, 'feeds', { to: 'completed' });
    await rest(w);
    let held = false;
    const late = memoryStore({
      data: (w.store as ReturnType<typeof memoryStore>).data,
      // Between what it has seen and the first move that it makes, the operator begins anew.
      fault: async ({ mutations }) => {
        if (held || !mutations.some(({ key: at }) => at.equals(newKey(3)))) return undefined;
        held = true;
        await commands.start(w.context, 'feeds');
        return undefined;
      },
    });
    const router = new Router({ store: late, rule: changingRule, clock: w.clock, migrate: { on: 'write', migration } });
    await router.insert(addressOf(3), named(3, 'STAYS'));
    expect([held, await stands(w, 3)]).toEqual([true, [true, false]]);
    expect((await rest(w)).id).toBe('feeds.2');
    expect(await stands(w, 3)).toEqual([true, true]);
  });

  it('by group, they stay at home with the group that was left behind', async () => {
    const byGroup = defineMigration({ name: 'feeds', version: 1, by: 'group', records: [changingRule] });
    const w = world({ migration: byGroup });
    await seed(w.store, 8);
    // Feeds 1 and 8 are of one user; another entity stands where 8 should go.
    await w.store.overwrite([{ key: newKey(8), content: content({ native: true }) }]);
    await commands.start(w.context, 'feeds', { to: 'switched' });
    await rest(w);
    await commands.complete(w.context, 'feeds', { leaveQuarantined: true });
    expect((await rest(w)).closed).toBe(true);
    const options = { store: w.store, rule: changingRule, clock: w.clock };
    const router = new Router({ ...options, migrate: { on: 'write', migration: byGroup } });
    await router.update(addressOf(1), (it) => ({ ...it, visits: 1 }));
    expect(await stands(w, 1)).toEqual([true, false]);
    await router.insert(addressOf(9), named(9, 'GOES'));
    expect(await stands(w, 9)).toEqual([false, true]);
  });

  it('by group, what is inserted while the campaign completes is left whole, for its last sweep may have been', async () => {
    const byGroup = defineMigration({ name: 'feeds', version: 1, by: 'group', records: [changingRule] });
    const w = world({ migration: byGroup });
    await commands.start(w.context, 'feeds', { to: 'completed' });
    const options = { store: w.store, rule: changingRule, clock: w.clock };
    const router = new Router({ ...options, migrate: { on: 'write', migration: byGroup } });
    await router.insert(addressOf(1), named(1, 'LATE'));
    expect(await stands(w, 1)).toEqual([true, false]);
    expect((await rest(w)).closed).toBe(true);
    await router.update(addressOf(1), (it) => ({ ...it, visits: 1 }));
    expect(await stands(w, 1)).toEqual([false, true]);
  });

  it('by group, are not called back when a worker brings the group on between the look and the move', async () => {
    const byGroup = defineMigration({ name: 'feeds', version: 1, by: 'group', records: [changingRule] });
    const w = world({ migration: byGroup });
    await seed(w.store, 1);
    await commands.start(w.context, 'feeds', { to: 'copied' });
    await rest(w);
    await commands.switchOver(w.context, 'feeds');
    let held = false;
    const late = memoryStore({
      data: (w.store as ReturnType<typeof memoryStore>).data,
      // Whether it is quarantined is asked when both homes were looked at.
      fault: async ({ op, keys }) => {
        if (held || op !== 'read' || !keys.some((at) => at.path.at(-1)?.kind === KINDS.quarantine)) return undefined;
        held = true;
        await rest(w);
        return undefined;
      },
    });
    const migrate = { on: 'write', migration: byGroup } as const;
    await new Router({ store: late, rule: changingRule, clock: w.clock, migrate }).update(addressOf(1), (it) => ({
      ...it,
      visits: 7,
    }));
    const [S] = await w.store.read([oldKey(1)]);
    expect([held, decodeSlot(S!.slot!).role]).toEqual([true, 'ceded']);
  });

  it('stay where they are when they cannot be moved, and the call does not mind', async () => {
    const w = world({ migration });
    await seed(w.store, 1);
    await commands.start(w.context, 'feeds', { to: 'completed' });
    await w.store.overwrite([{ key: newKey(1), content: content({ native: true }) }]);
    const router = new Router({
      store: w.store,
      rule: changingRule,
      clock: w.clock,
      migrate: { on: 'write', migration },
    });
    expect(await router.update(addressOf(1), (it) => ({ ...it, visits: 3 }))).toMatchObject({ visits: 3 });
    expect(await stands(w, 1)).toEqual([true, true]);
  });

  it('a migration without the rule is refused', () => {
    const other = defineMigration({ name: 'other', version: 1, records: [{ ...changingRule }] });
    const options = { store: memoryStore(), rule: changingRule, migrate: { on: 'write', migration: other } } as const;
    expect(() => new Router(options)).toThrow('does not list');
  });

  it('under a campaign by group a record goes no further than its copy: its group decides', async () => {
    const byGroup = defineMigration({ name: 'feeds', version: 1, by: 'group', records: [changingRule] });
    const w = world({ migration: byGroup });
    await seed(w.store, 8);
    await commands.start(w.context, 'feeds', { to: 'switched' });
    const options = { store: w.store, rule: changingRule, clock: w.clock };
    const router = new Router({ ...options, migrate: { on: 'read', migration: byGroup } });
    await router.get(addressOf(1));
    expect(await stands(w, 1)).toEqual([true, true]);
    expect((await w.store.read([newKey(1)]))[0]!.slot).toContain('"r":"H"');
    expect((await rest(w)).stage).toBe('switched');
    expect(await router.update(addressOf(1), (it) => ({ ...it, visits: 1 }))).toMatchObject({ visits: 1 });
    expect((await w.store.read([newKey(1)]))[0]!.slot).toContain('"r":"O"');
  });
});
