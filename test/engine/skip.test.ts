import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { records } from '../../src/admin/records.ts';
import { skip } from '../../src/admin/skip.ts';
import { campaignStatus } from '../../src/admin/status.ts';
import { entity } from '../../src/define/entity.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { LIMITS } from '../../src/limits.ts';
import { key } from '../../src/record/key.ts';
import { MemoryData, memoryStore } from '../../src/store/memory.ts';
import { all, content, type Feed, feedOf, gate, oldKey, rest, seed, verified, type World, world } from './harness.ts';

const N = 20;

/** Records that cannot be copied, by what is wrong with them. */
const rule = entity<Feed>({
  from: 'Feed',
  into: 'User/Feed',
  to: (feed, old) => key('User', feed.user, 'Feed', old.id),
  forward: (feed) => {
    if (feed.title === 'bad') throw new Error('bad');
    return feed;
  },
  backward: (feed) => {
    if (feed.title === 'stuck') throw new Error('no way back');
    return feed;
  },
});
const migration = defineMigration({ name: 'feeds', version: 1, records: [rule], errorBudget: 2 });
const byGroup = defineMigration({ name: 'feeds', version: 1, by: 'group', records: [rule] });

async function spoil({ store }: Pick<World, 'store'>, ...ids: readonly number[]): Promise<void> {
  const puts = ids.map((id) => ({ key: oldKey(id), content: content({ ...feedOf(id), title: 'bad' }) }));
  await store.overwrite(puts);
}

const statusOf = async ({ context }: World) => campaignStatus(context, await commands.theCampaign(context, 'feeds'));

describe('a quarantined record that is skipped', () => {
  it('stays in the old home, and complete waits only for the others', async () => {
    const w = world({ migration });
    await seed(w.store, N);
    await spoil(w, 7, 8);
    await commands.start(w.context, 'feeds', { to: 'switched' });
    await rest(w);
    expect(await skip(w.context, 'feeds', { key: 'Feed:7' })).toBe(1);
    expect((await statusOf(w)).quarantined).toMatchObject({ count: 2, skipped: 1 });
    await expect(commands.complete(w.context, 'feeds')).rejects.toMatchObject({ code: 'gate.closed' });
    await spoil(w, 7);
    await w.store.overwrite([{ key: oldKey(8), content: content(feedOf(8)) }]);
    // All are tried again, but for those that are skipped.
    expect(await commands.retry(w.context, 'feeds')).toEqual({ records: 1, ranges: 0 });
    await rest(w);
    await commands.complete(w.context, 'feeds');
    expect(await rest(w)).toMatchObject({ stage: 'completed', closed: true });
    expect([...(await all(w.store, 'Feed')).keys()]).toEqual(['Feed:7']);
    expect(await verified(w)).toMatchObject({ clean: true, started: N, completed: N - 1, quarantined: 1 });
  });

  it('is tried again by name, and is not skipped any more', async () => {
    const w = world({ migration });
    await seed(w.store, N);
    await spoil(w, 7);
    await commands.start(w.context, 'feeds', { to: 'switched' });
    await rest(w);
    await skip(w.context, 'feeds', { key: 'Feed:7' });
    expect(await commands.retry(w.context, 'feeds', { key: 'Feed:7' })).toEqual({ records: 1, ranges: 0 });
    await rest(w);
    expect((await statusOf(w)).quarantined).toMatchObject({ count: 1, skipped: 0 });
    await expect(commands.complete(w.context, 'feeds')).rejects.toMatchObject({ code: 'gate.closed' });
  });

  it('is not counted by the error budget, nor are others of its cause that are found later', async () => {
    const w = world({ migration });
    await seed(w.store, N);
    await spoil(w, 1, 2);
    await commands.start(w.context, 'feeds');
    await rest(w);
    expect(await skip(w.context, 'feeds', { code: 'transform.forward' })).toBe(2);
    await spoil(w, 3, 4, 5, 6);
    await commands.switchOver(w.context, 'feeds');
    expect(await rest(w)).toMatchObject({ stage: 'switched', run: 'running' });
    expect((await statusOf(w)).quarantined).toMatchObject({ count: 6, skipped: 6 });
    const { records: rows } = await records(w.context, 'feeds', { quarantined: true });
    expect(rows.map(({ skipped }) => skipped)).toEqual(Array.from({ length: 6 }, () => true));
    await commands.complete(w.context, 'feeds');
    expect(await rest(w)).toMatchObject({ stage: 'completed', closed: true });
    expect((await all(w.store, 'Feed')).size).toBe(6);
  });

  it('lets a campaign close that waits for nothing else', async () => {
    const w = world({ migration });
    await seed(w.store, N);
    await spoil(w, 7);
    await commands.start(w.context, 'feeds', { to: 'completed' });
    expect(await rest(w)).toMatchObject({ stage: 'completing', closed: false });
    await skip(w.context, 'feeds', { key: 'Feed:7' });
    expect(await rest(w)).toMatchObject({ stage: 'completed', closed: true });
  });

  it('keeps a campaign open that is called off: what cannot come home would be where nobody reads any more', async () => {
    const w = world({ migration });
    await seed(w.store, N);
    await commands.start(w.context, 'feeds', { to: 'switched' });
    await rest(w);
    await w.router.update({ from: oldKey(7) }, (feed) => ({ ...feed, title: 'stuck' }));
    await commands.cancel(w.context, 'feeds');
    expect(await rest(w)).toMatchObject({ stage: 'cancelling', closed: false });
    await skip(w.context, 'feeds', { key: 'Feed:7' });
    expect(await rest(w)).toMatchObject({ stage: 'cancelling', closed: false });
  });

  it('is named by its key or its cause, and is there', async () => {
    const w = world({ migration });
    await seed(w.store, N);
    await commands.start(w.context, 'feeds');
    await rest(w);
    await expect(skip(w.context, 'feeds', {})).rejects.toMatchObject({ code: 'usage.invalid' });
    const both = { key: 'Feed:7', code: 'transform.forward' };
    await expect(skip(w.context, 'feeds', both)).rejects.toMatchObject({ code: 'usage.invalid' });
    const before = await commands.theCampaign(w.context, 'feeds');
    expect(await skip(w.context, 'feeds', { key: 'Feed:7' })).toBe(0);
    expect(await commands.theCampaign(w.context, 'feeds')).toEqual(before);
  });

  it('is refused one by one beyond what a campaign can remember, and not by its cause', async () => {
    const many = defineMigration({ name: 'feeds', version: 1, records: [rule], errorBudget: 1000 });
    const w = world({ migration: many });
    const all = Array.from({ length: LIMITS.skips + 1 }, (_, i) => i + 1);
    await spoil(w, ...all);
    await commands.start(w.context, 'feeds');
    await rest(w);
    for (const id of all.slice(1)) await skip(w.context, 'feeds', { key: `Feed:${id}` });
    await expect(skip(w.context, 'feeds', { key: 'Feed:1' })).rejects.toMatchObject({ code: 'usage.invalid' });
    await skip(w.context, 'feeds', { key: 'Feed:2' });
    expect((await statusOf(w)).quarantined.skipped).toBe(LIMITS.skips);
  });
});

describe('what operators say one after the other of quarantined records, with nobody at work in between', () => {
  it('is all done: neither a skip nor a change of target lets a retry be forgotten', async () => {
    for (const between of ['skip', 'reverse'] as const) {
      const w = world({ migration });
      await seed(w.store, N);
      await spoil(w, 7, 8);
      await commands.start(w.context, 'feeds', { to: between === 'skip' ? 'completed' : 'switched' });
      await rest(w);
      await w.store.overwrite([7, 8].map((id) => ({ key: oldKey(id), content: content(feedOf(id)) })));
      expect(await commands.retry(w.context, 'feeds', { key: 'Feed:7' })).toEqual({ records: 1, ranges: 0 });
      if (between === 'reverse') await commands.reverse(w.context, 'feeds');
      else await skip(w.context, 'feeds', { key: 'Feed:8' });
      expect(await commands.retry(w.context, 'feeds', { key: 'Feed:8' })).toEqual({ records: 1, ranges: 0 });
      await rest(w);
      expect((await statusOf(w)).quarantined).toMatchObject({ count: 0, skipped: 0 });
      expect(await verified(w)).toMatchObject({ clean: true, started: N, quarantined: 0 });
    }
  });

  it('is kept once each, and as many as a campaign can remember', async () => {
    const w = world({ migration: defineMigration({ name: 'feeds', version: 1, records: [rule], errorBudget: 1000 }) });
    const all = Array.from({ length: LIMITS.retries + 1 }, (_, i) => i + 1);
    await spoil(w, ...all);
    await commands.start(w.context, 'feeds');
    await rest(w);
    for (let i = 0; i < 5; i++) await commands.retry(w.context, 'feeds', { key: 'Feed:2' });
    expect((await commands.theCampaign(w.context, 'feeds')).retries).toHaveLength(1);
    for (const id of all.slice(1)) await commands.retry(w.context, 'feeds', { key: `Feed:${id}` });
    await expect(commands.retry(w.context, 'feeds', { key: 'Feed:1' })).rejects.toMatchObject({
      code: 'usage.invalid',
    });
    await rest(w);
    expect(await commands.retry(w.context, 'feeds', { key: 'Feed:1' })).toEqual({ records: 1, ranges: 0 });
    expect((await commands.theCampaign(w.context, 'feeds')).retries).toHaveLength(1);
  });

  it('is taken back by a retry of the same cause, also while nothing is listed with it', async () => {
    const w = world({ migration });
    await seed(w.store, N);
    await spoil(w, 7);
    await commands.start(w.context, 'feeds', { to: 'switched' });
    await rest(w);
    await skip(w.context, 'feeds', { code: 'transform.forward' });
    await w.store.overwrite([{ key: oldKey(7), content: content(feedOf(7)) }]);
    await commands.retry(w.context, 'feeds', { key: 'Feed:7' });
    await rest(w);
    expect(await commands.retry(w.context, 'feeds', { code: 'transform.forward' })).toEqual({ records: 0, ranges: 0 });
    expect((await commands.theCampaign(w.context, 'feeds')).skips).toBeUndefined();
  });

  it('is taken off the list by nobody who comes late: what is left behind stays listed when the campaign has closed', async () => {
    const data = new MemoryData();
    const operator = world({ migration, store: memoryStore({ data }) });
    await seed(operator.store, N);
    await spoil(operator, 7, 8);
    await commands.start(operator.context, 'feeds', { to: 'completed' });
    await rest(operator);
    await commands.retry(operator.context, 'feeds');
    // He is held before he takes them off the list.
    const held = gate();
    const reached = gate();
    const late = world({
      migration,
      worker: 'late',
      store: memoryStore({
        data,
        fault: async ({ mutations }) => {
          if (!mutations.some(({ op, key: at }) => op === 'delete' && at.kind === '_HandoverQuarantine'))
            return undefined;
          reached.open();
          await held.opened;
          return undefined;
        },
      }),
    });
    const end = new AbortController();
    const working = late.worker.step({ id: 'feeds.1' }, end.signal);
    await reached.opened;
    await skip(operator.context, 'feeds', { code: 'transform.forward' });
    expect(await rest(operator)).toMatchObject({ stage: 'completed', closed: true });
    end.abort();
    held.open();
    await working;
    expect((await statusOf(operator)).quarantined).toMatchObject({ count: 2, skipped: 2 });
    expect(await verified(operator)).toMatchObject({ clean: true, started: N, completed: N - 2, quarantined: 2 });
  });
});

describe('a group with a record that is skipped', () => {
  it('goes home as a whole before the campaign closes, whichever call of a worker the operator came before', async () => {
    let worst = 0;
    for (let at = 0; at <= worst; at += 7) {
      const data = new MemoryData();
      let calls = 0;
      const operator = world({ migration: byGroup, store: memoryStore({ data }) });
      const fault = async () => {
        if (calls++ === at) await skip(operator.context, 'feeds', { code: 'transform.forward' });
        return undefined;
      };
      const w = world({ migration: byGroup, store: memoryStore({ data, fault }) });
      await seed(operator.store, N);
      await spoil(operator, 8);
      await commands.start(operator.context, 'feeds', { to: 'completed' });
      const before = await rest({ ...operator, worker: w.worker });
      worst = Math.max(worst, calls);
      // A run that is shorter than the longest has met him by now, or does so below.
      calls = Number.POSITIVE_INFINITY;
      // He came before it was found.
      if (!before.closed) await skip(operator.context, 'feeds', { code: 'transform.forward' });
      expect(await rest({ ...operator, worker: w.worker }), `before call ${at}`).toMatchObject({ closed: true });
      const [left, moved] = [await all(operator.store, 'Feed'), await all(operator.store, 'Feed', 'User')];
      expect(new Set([...left.values()].map(({ user }) => user)), `before call ${at}`).toEqual(new Set(['u1']));
      expect(new Set([...moved.values()].map(({ user }) => user)).has('u1'), `before call ${at}`).toBe(false);
      expect(left.size + moved.size).toBe(N);
      expect(await verified(operator)).toMatchObject({ clean: true, inFlight: 0, missing: 0 });
    }
    expect(worst).toBeGreaterThan(50);
  });
});
