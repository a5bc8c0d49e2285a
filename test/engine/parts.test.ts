import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { show } from '../../src/admin/show.ts';
import { viewOf } from '../../src/define/parts.ts';
import { list } from '../../src/engine/documents.ts';
import { plan } from '../../src/engine/plan.ts';
import { key } from '../../src/record/key.ts';
import { lmdbStore } from '../../src/store/lmdb.ts';
import { memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { tempDir } from '../store/dirs.ts';
import { all, rest, STRIKES, verified, world } from './harness.ts';
import {
  customer,
  itemOf,
  merge,
  partKey,
  type Subscription,
  saveRaw,
  seedCustomers,
  split,
  subscriptionOf,
} from './partsHarness.ts';

const CUSTOMERS = 40;
const N = 120;
const numbers = Array.from({ length: N }, (_, i) => i + 1);

async function expectOutside(store: Store) {
  for (let id = 1; id <= CUSTOMERS; id++) expect(await customer(store, id)).toEqual({ name: `customer ${id}` });
  const found = await all(store, 'Subscription');
  expect(found.size).toBe(N);
  for (const n of numbers) expect(found.get(`Subscription:${n}`)).toEqual(subscriptionOf(n, CUSTOMERS));
}

for (const atomic of ['group', 'any'] as const) {
  describe(`records inside others, where one commit spans ${atomic === 'any' ? 'everything' : 'a group'}`, () => {
    it('are copied, switched and completed: each a record of its own, and nothing of them left inside', async () => {
      const w = world({ atomic, migration: split });
      await seedCustomers(w.store, CUSTOMERS, N, 'inside');
      expect(await plan(w.store, split)).toMatchObject({ seen: N });
      await commands.start(w.context, 'split');
      await rest(w);
      // Towards the copy no source is written.
      for (let id = 1; id <= CUSTOMERS; id++) expect('_handoverParts' in (await customer(w.store, id))).toBe(false);
      await commands.switchOver(w.context, 'split', { share: 30 });
      await rest(w);
      expect(await verified(w)).toMatchObject({ clean: true, started: N, completed: N });
      await commands.switchOver(w.context, 'split');
      await rest(w);
      expect(await verified(w)).toMatchObject({ clean: true, started: N, completed: N, duplicates: 0, gaps: 0 });
      expect(await show(w.context, 'split', 'Subscription:7')).toMatchObject({ key: partKey(7, CUSTOMERS).toString() });
      await commands.complete(w.context, 'split');
      expect(await rest(w)).toMatchObject({ stage: 'completed', closed: true });
      expect(await verified(w)).toMatchObject({ clean: true, started: N, completed: N });
      await expectOutside(w.store);
    });

    it('are cancelled when half of them have switched: all inside again, and stripped of all state', async () => {
      const w = world({ atomic, migration: split });
      await seedCustomers(w.store, CUSTOMERS, N, 'inside');
      await commands.start(w.context, 'split');
      await rest(w);
      await commands.switchOver(w.context, 'split', { share: 50 });
      await rest(w);
      await commands.cancel(w.context, 'split');
      expect(await rest(w)).toMatchObject({ stage: 'cancelled', closed: true });
      const view = viewOf(w.store, split);
      expect(
        (await view.scan({ namespace: '', kind: 'subscriptions', rootKind: 'Customer' }, N + 1)).entities,
      ).toHaveLength(N);
      for (let id = 1; id <= CUSTOMERS; id++) {
        const items = numbers.filter((n) => 1 + ((n - 1) % CUSTOMERS) === id).map(itemOf);
        expect((await customer(w.store, id))['subscriptions']).toEqual(items);
      }
      expect((await all(w.store, 'Subscription')).size).toBe(0);
    });

    it('are merged into others, reversed, and merged for good, with all state taken off', async () => {
      const w = world({ atomic, migration: merge });
      await seedCustomers(w.store, CUSTOMERS, N, 'outside');
      await commands.start(w.context, 'merge');
      await rest(w);
      await commands.switchOver(w.context, 'merge');
      await rest(w);
      expect(await verified(w)).toMatchObject({ clean: true, started: N, completed: N });
      await commands.reverse(w.context, 'merge');
      await rest(w);
      await expectOutside(w.store);
      await commands.start(w.context, 'merge');
      await rest(w);
      await commands.switchOver(w.context, 'merge');
      await rest(w);
      await commands.complete(w.context, 'merge', { strip: true });
      expect(await rest(w)).toMatchObject({ stage: 'completed', closed: true });
      for (let i = 0; i < 50; i++) await w.worker.step({ id: 'merge.1' }, new AbortController().signal);
      expect((await commands.theCampaign(w.context, 'merge')).strip).toMatchObject({ stripped: N, left: 0 });
      for (let id = 1; id <= CUSTOMERS; id++) {
        const { subscriptions, ...others } = await customer(w.store, id);
        expect(others).toEqual({ name: `customer ${id}` });
        const byId = (a: { id: number }, b: { id: number }) => a.id - b.id;
        const items = numbers.filter((n) => 1 + ((n - 1) % CUSTOMERS) === id).map(itemOf);
        expect((subscriptions as unknown as { id: number }[]).sort(byId)).toEqual(items);
      }
    });
  });
}

describe('on LMDB', () => {
  it('are split off, and nothing of them is left inside', async () => {
    const path = tempDir();
    const store = lmdbStore({ path });
    const w = world({ store, migration: split });
    await seedCustomers(store, CUSTOMERS, N, 'inside');
    await commands.start(w.context, 'split', { to: 'switched' });
    await rest(w);
    expect(await verified(w)).toMatchObject({ clean: true, started: N, completed: N });
    await commands.complete(w.context, 'split');
    expect(await rest(w)).toMatchObject({ stage: 'completed', closed: true });
    await expectOutside(store);
    await store.close();
    rmSync(path, { recursive: true });
  });
});

describe('an old writer who knows nothing of it', () => {
  it('appends before the switch, and it follows; changes one that is frozen, and it is quarantined, and nothing lost', async () => {
    const w = world({ migration: split });
    await seedCustomers(w.store, 2, 4, 'inside');
    await commands.start(w.context, 'split');
    await rest(w);
    const append = (n: number) =>
      saveRaw(w.store, 1, (record) => ({
        ...record,
        subscriptions: [...(record['subscriptions'] as object[]), itemOf(n)],
      }));
    await append(9);
    await commands.switchOver(w.context, 'split');
    await rest(w);
    expect((await all(w.store, 'Subscription')).size).toBe(5);
    // After the switch: a new one is a new record, and moves; one that gave its truth away is claimed twice.
    await append(11);
    await saveRaw(w.store, 1, (record) => ({
      ...record,
      subscriptions: (record['subscriptions'] as unknown as { id: number }[]).map((item) =>
        item.id === 3 ? { ...item, plan: 'written past the router' } : item,
      ),
    }));
    await commands.switchOver(w.context, 'split');
    await rest(w);
    const listed: string[] = [];
    for await (const { value } of list(w.store, 'quarantine', 'split.1')) listed.push(`${value.key} ${value.code}`);
    expect(listed).toEqual(['Customer:1/subscriptions:3 record.split']);
    const found = await all(w.store, 'Subscription');
    expect(found.size).toBe(6);
    expect(found.get('Subscription:11')).toEqual({ ...subscriptionOf(11, 2), customer: 1 });
    expect(found.get('Subscription:3')).toEqual({ ...subscriptionOf(3, 2), customer: 1 });
    expect(JSON.stringify(await customer(w.store, 1))).toContain('written past the router');
  });

  it('leaves items that cannot be told apart: they are quarantined, and no other is', async () => {
    const w = world({ migration: split });
    await seedCustomers(w.store, 2, 4, 'inside');
    await saveRaw(w.store, 1, (record) => ({
      ...record,
      subscriptions: [...(record['subscriptions'] as object[]), 'no entity', itemOf(9), itemOf(9)],
    }));
    await commands.start(w.context, 'split');
    await rest(w);
    const listed: string[] = [];
    for await (const { value } of list(w.store, 'quarantine', 'split.1')) listed.push(`${value.key} ${value.code}`);
    expect(listed.sort()).toEqual([
      `${key('Customer', 1, 'subscriptions', '(unreadable)')} parts.invalid`,
      'Customer:1/subscriptions:9 parts.invalid',
    ]);
    expect((await all(w.store, 'Subscription')).size).toBe(4);
    await commands.switchOver(w.context, 'split');
    await rest(w);
    await commands.complete(w.context, 'split', { leaveQuarantined: true });
    await rest(w);
    expect(await customer(w.store, 1)).toEqual({
      name: 'customer 1',
      subscriptions: ['no entity', itemOf(9), itemOf(9)],
    });
  });
});

describe('a journey with each of its calls struck in turn', () => {
  it.each(Object.keys(STRIKES))('%s', { timeout: 120_000 }, async (name) => {
    let struck = 0;
    for (let at = 0; ; at++) {
      const base = memoryStore();
      await seedCustomers(base, 2, 5, 'inside');
      const begun = world({ store: base, migration: split });
      await commands.start(begun.context, 'split', { to: 'switched' });
      let hit = false;
      const faulty = memoryStore({
        data: base.data,
        fault: (call) => {
          if (call.index !== at) return undefined;
          hit = true;
          return STRIKES[name]!(call);
        },
      });
      const w = world({ store: faulty, migration: split, clock: begun.clock });
      await rest(w, 300).catch(() => undefined);
      const second = world({ store: base, migration: split, clock: begun.clock, worker: 'w2' });
      await rest(second);
      expect(await verified(second)).toMatchObject({ clean: true, started: 5, completed: 5 });
      await commands.complete(second.context, 'split');
      await rest(second);
      const found = await all(base, 'Subscription');
      expect(found.size).toBe(5);
      for (let n = 1; n <= 5; n++)
        expect(found.get(`Subscription:${n}`)).toEqual(subscriptionOf(n, 2) satisfies Subscription);
      for (const id of [1, 2]) expect(await customer(base, id)).toEqual({ name: `customer ${id}` });
      if (!hit) break;
      struck++;
    }
    expect(struck).toBeGreaterThan(15);
  });
});
