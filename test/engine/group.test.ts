import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { entity } from '../../src/define/entity.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { list } from '../../src/engine/documents.ts';
import type { GroupDocument } from '../../src/engine/schemas.ts';
import { Worker } from '../../src/engine/worker.ts';
import { LIMITS } from '../../src/limits.ts';
import { key } from '../../src/record/key.ts';
import { decodeSlot } from '../../src/record/slot.ts';
import { type Fault, MemoryData, memoryStore, type StoreCall } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { all, content, oldKey, rest, seed, timedClock, verified, type World, world } from './harness.ts';

interface Owned {
  user: string;
  title: string;
  visits: number;
}
const under = (kind: string) =>
  entity<Owned>({
    from: kind,
    into: `User/${kind}`,
    to: (it, old) => key('User', it.user, kind, old.id),
    forward: (it) => {
      if (it.title === 'bad') throw new Error('bad');
      return it;
    },
    backward: (it) => it,
  });
const migration = defineMigration({
  name: 'feeds',
  version: 1,
  by: 'group',
  records: [under('Feed'), under('Note')],
});

async function seedNotes(store: Store, count: number, of: (n: number) => Owned): Promise<void> {
  await store.overwrite(
    Array.from({ length: count }, (_, i) => ({ key: key('Note', i + 1), content: content(of(i + 1)) })),
  );
}

async function groups({ store }: World): Promise<Record<string, GroupDocument['state']>> {
  const found: Record<string, GroupDocument['state']> = {};
  for await (const { key: at, value } of list(store, 'group', 'feeds.1')) found[String(at.id)] = value.state;
  return found;
}

const owned = (n: number): Owned => ({ user: `u${n % 3}`, title: `t${n}`, visits: 0 });

describe('a campaign by group', () => {
  it('brings every group to whole, of all its kinds, and on to completed', async () => {
    const w = world({ migration });
    await seed(w.store, 40, owned);
    await seedNotes(w.store, 25, owned);
    await commands.start(w.context, 'feeds');
    expect((await rest(w)).stage).toBe('copied');
    expect(await groups(w)).toEqual({ 'User:u0': 'gathering', 'User:u1': 'gathering', 'User:u2': 'gathering' });
    await commands.switchOver(w.context, 'feeds');
    expect((await rest(w)).stage).toBe('switched');
    expect(await groups(w)).toEqual({ 'User:u0': 'whole', 'User:u1': 'whole', 'User:u2': 'whole' });
    expect(await verified(w)).toMatchObject({ clean: true, started: 65, completed: 65 });
    await commands.complete(w.context, 'feeds');
    expect((await rest(w)).stage).toBe('completed');
    expect(await verified(w)).toMatchObject({ clean: true, started: 65, completed: 65, seen: 65 });
  });

  it('switches nothing of a group in which one sibling cannot be copied', async () => {
    const w = world({ migration });
    await seed(w.store, 40, owned);
    await seedNotes(w.store, 25, (n) => (n === 4 ? { ...owned(n), title: 'bad' } : owned(n)));
    await commands.start(w.context, 'feeds');
    await rest(w);
    await commands.switchOver(w.context, 'feeds');
    await rest(w);
    expect(await groups(w)).toEqual({ 'User:u0': 'whole', 'User:u1': 'gathering', 'User:u2': 'whole' });
    // Everything of u1 still has its owner at home.
    const { entities } = await w.store.scan({ namespace: '', kind: 'Feed', rootKind: 'Feed' }, 1000);
    const ceded = entities.filter(({ slot }) => slot?.includes('"r":"C"')).map(({ key: at }) => Number(at.id) % 3);
    expect(new Set(ceded)).toEqual(new Set([0, 2]));
  });

  it('stays behind as a whole when it is left quarantined: nothing of it is in the new home any more', async () => {
    const w = world({ migration });
    await seed(w.store, 40, owned);
    await seedNotes(w.store, 25, (n) => (n === 4 ? { ...owned(n), title: 'bad' } : owned(n)));
    await commands.start(w.context, 'feeds', { to: 'completed' });
    expect(await rest(w)).toMatchObject({ stage: 'completing', closed: false });
    await commands.complete(w.context, 'feeds', { leaveQuarantined: true });
    expect(await rest(w)).toMatchObject({ stage: 'completed', closed: true });
    const moved = await all(w.store, 'Feed', 'User');
    const left = await all(w.store, 'Feed');
    expect(new Set([...moved.values()].map(({ user }) => user))).toEqual(new Set(['u0', 'u2']));
    expect(new Set([...left.values()].map(({ user }) => user))).toEqual(new Set(['u1']));
    expect(moved.size + left.size).toBe(40);
    expect(await verified(w)).toMatchObject({ clean: true, started: 65, inFlight: 0, missing: 0 });
  });

  it('stays behind as a whole, too, for something in its new home that cannot be read', async () => {
    const w = world({ migration });
    await seed(w.store, 40, owned);
    await w.store.overwrite([{ key: key('User', 'u1', 'Feed', 777), content: content(owned(1)), slot: '{"v":9}' }]);
    await commands.start(w.context, 'feeds', { to: 'completed' });
    expect(await rest(w)).toMatchObject({ stage: 'completing', closed: false });
    await commands.complete(w.context, 'feeds', { leaveQuarantined: true });
    expect(await rest(w)).toMatchObject({ stage: 'completed', closed: true });
    const moved = await all(w.store, 'Feed', 'User');
    expect([...moved].filter(([, { user }]) => user === 'u1').map(([at]) => at)).toEqual(['User:u1/Feed:777']);
    expect(new Set([...(await all(w.store, 'Feed')).values()].map(({ user }) => user))).toEqual(new Set(['u1']));
    // The whole group counts as set aside; what cannot be read stays to be looked at.
    expect(await verified(w)).toMatchObject({ completed: 26, quarantined: 14, inFlight: 0, missing: 0, gaps: 1 });
  });

  it('waits when a sibling kept changing while the old homes were swept: it may have no copy yet', async () => {
    // Every commit on the sibling loses, until the campaign was swept once.
    let sweeping = true;
    const fault = ({ mutations }: StoreCall): Fault | undefined => {
      const index = mutations.findIndex(({ key: at }) => at.id === 1n && at.path.length === 2);
      return sweeping && index >= 0 ? { kind: 'conflict', index } : undefined;
    };
    const data = new MemoryData();
    const w = world({ migration, store: memoryStore({ data, fault }) });
    await seed(w.store, 9, owned);
    await commands.start(w.context, 'feeds', { to: 'switched' });
    const ceded = () => [...data.walk({ namespace: '', kind: 'Feed' })].filter(({ slot }) => slot?.includes('"r":"C"'));
    let unresolved = 0;
    const swept = ({ lastSweep }: commands.Campaign) => {
      if (lastSweep?.sweep !== 1) return;
      sweeping = false;
      unresolved = lastSweep.counts.unresolved ?? 0;
      expect(ceded()).toEqual([]);
    };
    const worker = new Worker({ ...w.context, events: { swept } });
    await rest({ ...w, worker });
    expect(unresolved).toBe(1);
    expect(Object.values(await groups(w))).toEqual(['whole', 'whole', 'whole']);
  });

  it('is not whole any more when a record is inserted at home, and whole again when that has moved', async () => {
    const w = world({ migration });
    await seed(w.store, 9, owned);
    await commands.start(w.context, 'feeds');
    await rest(w);
    await commands.switchOver(w.context, 'feeds');
    await rest(w);
    await w.store.commit([{ op: 'insert', key: oldKey(100), content: content(owned(100)) }]);
    await w.clock.sleep(LIMITS.restSweepMs + 1);
    const campaign = await commands.theCampaign(w.context, 'feeds');
    await w.worker.step(campaign, new AbortController().signal);
    await rest(w);
    expect(await groups(w)).toMatchObject({ 'User:u1': 'whole' });
    expect(await verified(w)).toMatchObject({ clean: true, started: 10, completed: 10 });
  });

  it('pages a group that is larger than a page', async () => {
    const w = world({ migration });
    const count = LIMITS.pageSize * 2 + 17;
    await seed(w.store, count, (n) => ({ ...owned(n), user: 'one' }));
    await commands.start(w.context, 'feeds', { to: 'switched' });
    await rest(w);
    expect(await groups(w)).toEqual({ 'User:one': 'whole' });
    expect((await all(w.store, 'Feed', 'User')).size).toBe(count);
  });

  it('sends a share of whole groups, never a part of one', async () => {
    const w = world({ migration });
    await seed(w.store, 200, (n) => ({ ...owned(n), user: `u${n % 20}` }));
    await commands.start(w.context, 'feeds');
    await rest(w);
    await commands.switchOver(w.context, 'feeds', { share: 40 });
    await rest(w);
    const states = Object.values(await groups(w));
    const whole = states.filter((state) => state === 'whole').length;
    expect(whole).toBeGreaterThan(0);
    expect(whole).toBeLessThan(20);
    const { entities } = await w.store.scan({ namespace: '', kind: 'Feed', rootKind: 'Feed' }, 1000);
    const byUser = new Map<number, Set<boolean>>();
    for (const { key: at, slot } of entities) {
      const user = Number(at.id) % 20;
      byUser.set(user, (byUser.get(user) ?? new Set()).add(slot?.includes('"r":"C"') ?? false));
    }
    expect([...byUser.values()].every((kinds) => kinds.size === 1)).toBe(true);
  });
});

describe('a group of which a lane of the worker is in the middle', () => {
  it('is not done when another lane takes over the range of the one that stalls', async () => {
    const clock = timedClock();
    const data = new MemoryData();
    const context = { store: memoryStore({ data }), migrations: [migration], clock, by: 'ann' };
    await seed(context.store, 2, () => owned(1));
    await commands.start(context, 'feeds');
    let stalls = false;
    const store = memoryStore({
      data,
      fault: async ({ mutations }) => {
        // The first commit that brings the group on takes longer than a claim lasts.
        if (!stalls || !mutations.some(({ key: { path } }) => path[0]!.kind === 'Feed')) return undefined;
        stalls = false;
        await clock.sleep(10 * LIMITS.claimMs);
        return undefined;
      },
    });
    const stop = new AbortController();
    const working = new Worker({ store, migrations: [migration], clock, id: 'w1' }).run(stop.signal);
    const settled = async () => {
      for (let i = 0; i < 600; i++) {
        const campaign = await commands.theCampaign(context, 'feeds');
        if (campaign.settledAt !== undefined) return campaign;
        await clock.sleep(50);
      }
      throw new Error('the campaign never came to rest');
    };
    await clock.run(settled());
    stalls = true;
    await commands.switchOver(context, 'feeds');
    const { stage } = await clock.run(settled());
    expect(stalls).toBe(false);
    expect(stage).toBe('switched');
    const { entities } = await context.store.scan({ namespace: '', kind: 'Feed', rootKind: 'User' }, 10);
    expect(entities.map(({ slot }) => decodeSlot(slot!).role)).toEqual(['owner', 'owner']);
    stop.abort();
    await clock.run(working);
  });
});
