import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import type { EntityRule } from '../../src/define/entity.ts';
import { key } from '../../src/record/key.ts';
import type { Value } from '../../src/record/value.ts';
import { Router } from '../../src/router/router.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { rest, world } from '../engine/harness.ts';
import { itemOf, merge, mergeRule, saveRaw, seedCustomers, split, splitRule } from '../engine/partsHarness.ts';

const ALL = { range: { namespace: '', kind: 'Subscription', rootKind: 'Subscription' } };
const of = (n: number) => {
  return { ...ALL, where: { property: 'customer', value: { type: 'integer', value: BigInt(n) } satisfies Value } };
};

describe('all records inside one other, wherever they are', () => {
  it.each([
    ['split', split, splitRule, 'inside'],
    ['merge', merge, mergeRule, 'outside'],
  ] as const)('%s: are listed once each at every stage, in both shapes', async (name, migration, rule, where) => {
    const w = world({ migration });
    await seedCustomers(w.store, 2, 7, where);
    const router = new Router({ store: w.store, rule: rule as EntityRule, clock: w.clock });
    const plans = (list: readonly { record: object }[]) => list.map(({ record }) => (record as { plan: string }).plan);
    const check = async () => {
      const wanted = [1, 3, 5, 7].map((n) => itemOf(n).plan);
      expect(plans(await router.within(key('Customer', 1), of(1)))).toEqual(wanted);
      expect(plans(await router.legacy.within(key('Customer', 1), ALL))).toEqual(wanted);
    };
    await check();
    const { start, switchOver, complete } = commands;
    for (const step of [
      () => start(w.context, name),
      () => switchOver(w.context, name, { share: 50 }),
      () => switchOver(w.context, name),
      () => complete(w.context, name),
    ]) {
      await step();
      await rest(w);
      await check();
    }
  });

  it('none is missing or doubled that is there throughout, whatever is moved between any two calls of the list', async () => {
    const base = memoryStore();
    const w = world({ store: base, migration: split });
    await seedCustomers(base, 1, 6, 'inside');
    await commands.start(w.context, 'split', { to: 'switched' });
    await rest(w);
    const turns: (() => Promise<unknown>)[] = [
      () => commands.reverse(w.context, 'split', { share: 50 }),
      () => commands.switchOver(w.context, 'split'),
      () => commands.complete(w.context, 'split'),
    ];
    let calls = 0;
    const slow = memoryStore({
      data: base.data,
      fault: async () => {
        // Every third call something else moves, and an old writer changes the container as often.
        if (calls++ % 3 === 0) {
          const turn = turns.shift();
          if (turn) await turn().then(() => rest(w));
          if (calls % 2 && turns.length > 0) await saveRaw(base, 1, (record) => ({ ...record, seen: calls }));
        }
        return undefined;
      },
    });
    const router = new Router({ store: slow, rule: splitRule, clock: w.clock });
    for (let i = 0; i < 10; i++) {
      const list = await router.within(key('Customer', 1), of(1));
      expect(list.map(({ address }) => Number(address.from.id))).toEqual([1, 2, 3, 4, 5, 6]);
    }
    expect(turns).toEqual([]);
  });

  it.each([
    ['split', split, splitRule, 'inside'],
    ['merge', merge, mergeRule, 'outside'],
  ] as const)(
    '%s: all of them move between two calls of the list, whichever two',
    async (name, migration, rule, where) => {
      let calls = 99;
      for (let at = 0; at < calls; at++) {
        const base = memoryStore();
        const w = world({ store: base, migration });
        await seedCustomers(base, 1, 4, where);
        calls = 0;
        const slow = memoryStore({
          data: base.data,
          fault: async () => {
            if (calls++ !== at) return undefined;
            await commands.start(w.context, name, { to: 'completed' });
            await rest(w);
            return undefined;
          },
        });
        const router = new Router({ store: slow, rule: rule as EntityRule, clock: w.clock });
        const list = await router.within(key('Customer', 1), of(1));
        expect(
          list.map(({ record }) => record),
          `before call ${at}`,
        ).toHaveLength(4);
      }
      expect(calls).toBeGreaterThan(4);
    },
  );

  it('is refused for records that are not kept inside others', async () => {
    const { router } = world();
    await expect(router.within(key('Customer', 1), ALL)).rejects.toMatchObject({ code: 'definition.invalid' });
  });
});
