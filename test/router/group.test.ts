import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { strip } from '../../src/admin/strip.ts';
import { entity } from '../../src/define/entity.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { documentKey, load, save } from '../../src/engine/documents.ts';
import { type Key, key } from '../../src/record/key.ts';
import { Router, withGroup } from '../../src/router/router.ts';
import { type Fault, memoryStore, type StoreCall } from '../../src/store/memory.ts';
import type { Capabilities } from '../../src/store/store.ts';
import { content, handClock, rest, type World, world } from '../engine/harness.ts';

interface Account {
  user: string;
  amount: number;
}
const under = (kind: string) =>
  entity<Account>({ from: kind, into: `User/${kind}`, to: (it, old) => key('User', it.user, kind, old.id) });
const purse = under('Purse');
const bank = under('Bank');
const migration = defineMigration({ name: 'feeds', version: 1, by: 'group', records: [purse, bank] });
const ann = key('User', 'ann');
const [annsPurse, annsBank] = [key(ann, 'Purse', 1), key(ann, 'Bank', 1)];

async function moved(
  capabilities: Partial<Capabilities> = {},
  target: 'copied' | 'switched' | 'completed' = 'switched',
) {
  const w = world({ migration, store: memoryStore({ capabilities }) });
  await w.store.overwrite([
    { key: key('Purse', 1), content: content({ user: 'ann', amount: 100 }) },
    { key: key('Bank', 1), content: content({ user: 'ann', amount: 0 }) },
    { key: key('Bank', 2), content: content({ user: 'bob', amount: 0 }) },
  ]);
  await commands.start(w.context, 'feeds', { to: target });
  await rest(w);
  return w;
}

const interfered = ({ store }: World, fault: (call: StoreCall) => Fault | undefined | Promise<Fault | undefined>) =>
  memoryStore({ data: (store as ReturnType<typeof memoryStore>).data, fault });

async function amounts({ store }: World): Promise<(number | undefined)[]> {
  const read = async (rule: typeof purse, into: Key) => (await new Router({ store, rule }).get({ into }))?.amount;
  return [await read(purse, annsPurse), await read(bank, annsBank)];
}

/** Takes 10 from the purse to the bank. */
const pay = (w: World, store = w.store, beside: () => Promise<unknown> = async () => {}) =>
  withGroup({ store, migration, clock: w.clock }, ann, async (group) => {
    await beside();
    const left = await group.update(purse, annsPurse, (it) => ({ ...it, amount: it.amount - 10 }));
    await group.update(bank, annsBank, (it) => ({ ...it, amount: it.amount + 10 }));
    return left!.amount;
  });

describe('a group that is whole', () => {
  it.each(['switched', 'completed'] as const)('is written in one commit, all or nothing, when %s', async (target) => {
    const w = await moved({}, target);
    expect(await pay(w)).toBe(90);
    expect(await amounts(w)).toEqual([90, 10]);
    const failing = withGroup({ store: w.store, migration }, ann, async (group) => {
      await group.update(purse, annsPurse, (it) => ({ ...it, amount: 0 }));
      throw new Error('changed his mind');
    });
    await expect(failing).rejects.toThrow('changed his mind');
    expect(await amounts(w)).toEqual([90, 10]);
  });

  it('runs the function again when something it read was written meanwhile', async () => {
    const w = await moved();
    let runs = 0;
    const beside = async () => void runs++;
    const store = interfered(w, async ({ op }) => {
      if (op !== 'commitTogether' || runs > 1) return undefined;
      const router = new Router({ store: w.store, rule: purse, clock: w.clock });
      await router.update({ into: annsPurse }, (it) => ({ ...it, amount: 50 }));
      return undefined;
    });
    expect(await pay(w, store, beside)).toBe(40);
    expect(runs).toBe(2);
    expect(await amounts(w)).toEqual([40, 10]);
  });

  it('does not commit over what it only read and somebody else wrote', async () => {
    const w = await moved();
    let runs = 0;
    const store = interfered(w, async ({ op }) => {
      if (op !== 'commitTogether' || runs > 1) return undefined;
      await new Router({ store: w.store, rule: purse, clock: w.clock }).update({ into: annsPurse }, (it) => ({
        ...it,
        amount: 0,
      }));
      return undefined;
    });
    await withGroup({ store, migration, clock: w.clock }, ann, async (group) => {
      runs++;
      const seen = await group.get(purse, annsPurse);
      await group.update(bank, annsBank, (it) => ({ ...it, amount: seen!.amount }));
    });
    expect(runs).toBe(2);
    expect(await amounts(w)).toEqual([0, 0]);
  });

  it('leaves a deleted record deleted that it only read', async () => {
    const w = await moved();
    await new Router({ store: w.store, rule: purse, clock: w.clock }).delete({ into: annsPurse });
    const [before] = await w.store.read([annsPurse]);
    expect(before!.slot).toContain('"r":"OX"');
    await withGroup({ store: w.store, migration, clock: w.clock }, ann, async (group) => {
      expect(await group.get(purse, annsPurse)).toBeUndefined();
      await group.update(bank, annsBank, (it) => ({ ...it, amount: 7 }));
    });
    expect(await amounts(w)).toEqual([undefined, 7]);
  });

  it('writes what was stripped without a state, so that it is found by its old key, too', async () => {
    const w = await moved({}, 'completed');
    await strip(w.context, 'feeds');
    await rest(w);
    await w.worker.step({ id: 'feeds.1' }, new AbortController().signal);
    const [before] = await w.store.read([annsPurse]);
    expect(before!.slot).toBeUndefined();
    expect(await pay(w)).toBe(90);
    const router = new Router({ store: w.store, rule: purse, clock: w.clock });
    expect(await router.get({ from: key('Purse', 1), into: annsPurse })).toEqual({ user: 'ann', amount: 90 });
  });

  it('deletes with a tombstone where the old side is frozen, outright where it is gone', async () => {
    for (const [target, left] of [
      ['switched', '"r":"OX"'],
      ['completed', undefined],
    ] as const) {
      const w = await moved({}, target);
      const gone = await withGroup({ store: w.store, migration }, ann, async (group) => [
        await group.delete(purse, annsPurse),
        await group.get(purse, annsPurse),
        await group.delete(purse, key(ann, 'Purse', 9)),
      ]);
      expect(gone).toEqual([true, undefined, false]);
      const [T] = await w.store.read([annsPurse]);
      if (left) expect(T!.slot).toContain(left);
      else expect(T).toBeUndefined();
      const router = new Router({ store: w.store, rule: purse });
      expect(await router.get({ from: key('Purse', 1), into: annsPurse })).toBeUndefined();
    }
  });

  it('settles a lost answer: by the nonce, or by sending the same commit again', async () => {
    for (const applied of [true, false]) {
      const w = await moved();
      let lost = 0;
      const store = interfered(w, ({ op }) =>
        op === 'commitTogether' && lost++ === 0 ? { kind: 'lost', applied } : undefined,
      );
      expect(await pay(w, store)).toBe(90);
      expect(await amounts(w)).toEqual([90, 10]);
      expect(lost).toBe(applied ? 1 : 2);
    }
  });

  it('says that nobody can tell when others wrote all of it since the answer was lost', async () => {
    const w = await moved();
    let commits = 0;
    const store = interfered(w, async ({ op }) => {
      if (op === 'commitTogether') return ++commits === 1 ? { kind: 'lost' } : undefined;
      if (op === 'readTogether' && commits === 1) {
        for (const [rule, into] of [
          [purse, annsPurse],
          [bank, annsBank],
        ] as const)
          await new Router({ store: w.store, rule, clock: w.clock }).update({ into }, (it) => it);
      }
      return undefined;
    });
    await expect(pay(w, store)).rejects.toMatchObject({ code: 'store.unknown' });
    expect(await amounts(w)).toEqual([90, 10]);
  });

  it('is looked at again before the commit: one that is not whole any more is refused', async () => {
    const w = await moved();
    const at = documentKey('group', 'feeds.1', ann.toString());
    let runs = 0;
    const failing = pay(w, w.store, async () => {
      if (++runs > 1) return;
      const group = await load(w.store, 'group', at);
      await save(w.store, at, { ...group!.value, state: 'gathering' }, group!.version);
    });
    await expect(failing).rejects.toMatchObject({ code: 'group.gathering' });
    expect(await amounts(w)).toEqual([100, 0]);
  });
});

describe('a group that is not whole', () => {
  it('is refused, and so is one that nobody knows', async () => {
    const w = await moved({}, 'copied');
    await expect(pay(w)).rejects.toMatchObject({ code: 'group.gathering' });
    const unknown = withGroup({ store: w.store, migration }, key('User', 'zoe'), async () => 1);
    await expect(unknown).rejects.toMatchObject({ code: 'group.gathering' });
  });

  it('and records of other groups, and stores without such commits, are the caller’s mistakes', async () => {
    const w = await moved();
    const foreign = withGroup({ store: w.store, migration }, ann, (group) =>
      group.get(bank, key('User', 'bob', 'Bank', 2)),
    );
    await expect(foreign).rejects.toThrow('not of the group');
    const single = memoryStore({ capabilities: { atomic: 'entity' } });
    await expect(withGroup({ store: single, migration, clock: handClock() }, ann, async () => 1)).rejects.toThrow(
      'no transaction',
    );
  });
});
