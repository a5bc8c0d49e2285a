import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { campaignStatus } from '../../src/admin/inspect.ts';
import { field } from '../../src/define/field.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { LIMITS } from '../../src/limits.ts';
import { key } from '../../src/record/key.ts';
import { FieldRouter } from '../../src/router/fieldRouter.ts';
import { Router } from '../../src/router/router.ts';
import {
  all,
  content,
  type Feed,
  feedsUnderUsers,
  newKey,
  oldKey,
  rest,
  seed,
  timedClock,
  verified,
  world,
} from './harness.ts';

const N = 20;
const HOUR = 3_600_000;

describe('a lazy campaign', () => {
  it('moves what is used, leaves the rest alone until its time, and then sweeps it slowly', async () => {
    const clock = timedClock();
    const w = world({ clock });
    await seed(w.store, N);
    const campaign = await commands.start(w.context, 'feeds', { to: 'switched', lazy: 2 });
    expect(campaign.pace).toMatchObject({ lazyPerSecond: LIMITS.lazyPerSecond, sweepAt: clock.now() + 2 * HOUR });
    const router = new Router<Feed>({
      store: w.store,
      rule: w.migration.records[0]!,
      clock,
      migrate: { on: 'read', migration: feedsUnderUsers },
    });
    expect(await clock.run(w.worker.step({ id: 'feeds.1' }, new AbortController().signal))).toBe(false);
    await router.get({ from: oldKey(3) });
    await router.update({ from: oldKey(5) }, (feed) => ({ ...feed, visits: 1 }));
    expect([...(await all(w.store, 'Feed', 'User')).keys()].sort()).toEqual([newKey(3), newKey(5)].map(String).sort());
    const status = await campaignStatus(w.context, await commands.theCampaign(w.context, 'feeds'));
    expect(status.pace).toMatchObject({ sweepAt: campaign.pace!.sweepAt });
    await clock.pass(2 * HOUR);
    const from = clock.now();
    expect(await clock.run(rest(w))).toMatchObject({ stage: 'switched' });
    expect(clock.now() - from).toBeGreaterThan((N * 1_000) / LIMITS.lazyPerSecond);
    expect((await all(w.store, 'Feed', 'User')).size).toBe(N);
    expect(await verified(w)).toMatchObject({ clean: true, completed: N });
  });

  it('begins its sweep when it is told to, and the next command is not lazy any more', async () => {
    const w = world();
    await seed(w.store, N);
    await commands.start(w.context, 'feeds', { lazy: 24 });
    await expect(commands.switchOver(w.context, 'feeds')).rejects.toMatchObject({ code: 'campaign.refused' });
    await commands.setPace(w.context, 'feeds', { lazy: 0, ceiling: 'none' });
    expect(await rest(w)).toMatchObject({ stage: 'copied', pace: { ramp: false } });
    await commands.switchOver(w.context, 'feeds', { lazy: 1 });
    const paced = await commands.reverse(w.context, 'feeds');
    expect(Object.keys(paced.pace!).sort()).toEqual(['ramp', 'since']);
    expect(await rest(w)).toMatchObject({ stage: 'home' });
  });

  it('of records in place moves what is written, or read, in the same way', async () => {
    const migration = defineMigration({
      name: 'mails',
      version: 1,
      fields: [field({ of: 'Tenant', rename: { mail: 'email' } })],
    });
    const w = world({ migration });
    const at = (n: number) => key('Tenant', n);
    await w.store.overwrite([1, 2, 3].map((n) => ({ key: at(n), content: content({ mail: `m${n}` }) })));
    await commands.start(w.context, 'mails', { to: 'completed', lazy: 24 });
    const rule = migration.fields[0]!;
    const routerOn = (on: 'write' | 'read') =>
      new FieldRouter({ store: w.store, rule, clock: w.clock, migrate: { on, migration } });
    await routerOn('write').get(at(1));
    await routerOn('write').update(at(2), (tenant) => tenant);
    await routerOn('read').get(at(3));
    expect([...(await all(w.store, 'Tenant')).values()]).toEqual([{ mail: 'm1' }, { email: 'm2' }, { email: 'm3' }]);
  });

  it('is refused for no time at all, or for longer than anybody waits', async () => {
    const w = world();
    for (const lazy of [-1, LIMITS.lazyMostHours + 1, Number.NaN])
      await expect(commands.start(w.context, 'feeds', { lazy })).rejects.toMatchObject({ code: 'usage.invalid' });
  });
});
