import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { countRecords } from '../../src/admin/records.ts';
import { resolve } from '../../src/admin/resolve.ts';
import { retry } from '../../src/admin/retry.ts';
import { show } from '../../src/admin/show.ts';
import { skip } from '../../src/admin/skip.ts';
import { status } from '../../src/admin/status.ts';
import { upgrade } from '../../src/admin/upgrade.ts';
import { type EntityDefinition, entity } from '../../src/define/entity.ts';
import { sum } from '../../src/define/invariant.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { key } from '../../src/record/key.ts';
import {
  CHANGING,
  changingRule,
  content,
  type Feed,
  feedOf,
  type Named,
  newKey,
  oldKey,
  rest,
  seed,
  type World,
} from './harness.ts';
import { define, SOFT, soft, v1, v2, worldOf } from './upgradeWorld.ts';

const N = 6;
type Definition = EntityDefinition<Feed, Named>;

const failing = (n: number, definition: Definition) =>
  entity<Feed, Named>({
    ...definition,
    forward: (feed, old) => {
      if (feed.title === `feed ${n}`) throw new Error('no');
      return definition.forward!(feed, old);
    },
  });

const begin = async (w: World, to: 'copied' | 'switched' | 'completed') => {
  await seed(w.store, N);
  await commands.start({ ...w.context, migrations: [w.migration] }, 'feeds', { to });
  return rest(w);
};
const home = async (w: World) => {
  await commands.reverse(w.context, 'feeds');
  return rest(w);
};
const codeOf = (command: Promise<{ readonly stage: string }>) =>
  command.then(
    ({ stage }) => stage,
    ({ code }) => code as string,
  );
const statusOf = async (w: World) => (await status(w.context, 'feeds')).campaigns[0]!;
const visitsOf = (record: { visits: number }) => record.visits;
const TAKEN_OVER = { stage: 'home', migrationVersion: 2 };

describe('with the next version in the folder', () => {
  it('a start goes by the invariants, and by the predecessors, of the version that the campaign runs under', async () => {
    const visits = sum<Feed, Named>({ name: 'visits', must: 'match', value: { old: visitsOf, new: visitsOf } });
    const w = worldOf([v2, define(1, changingRule, { invariants: [visits] })]);
    await begin(w, 'copied');
    await home(w);
    expect(await codeOf(commands.start(w.context, 'feeds', { to: 'completed' }))).toBe('invariant.early');
    const others = defineMigration({
      name: 'others',
      version: 1,
      records: [entity<Feed>({ from: 'A', into: 'B/A', to: (feed, old) => key('B', feed.user, 'A', old.id) })],
    });
    const x = worldOf([define(2, soft, { after: ['others'] }), others, v1]);
    await begin(x, 'copied');
    await home(x);
    expect(await codeOf(commands.start(x.context, 'feeds'))).toBe('copying');
  });

  it('records are shown by the version that the campaign runs under', async () => {
    const w = worldOf([v2, v1]);
    await begin(w, 'copied');
    expect(await countRecords(w.context, 'feeds')).toEqual({ copied: N });
    expect(await show(w.context, 'feeds', 'Feed:1')).toMatchObject({ into: newKey(1).toString(), state: 'copied' });
  });
});

describe('an upgrade', () => {
  it('carries out a choice that was made before it', async () => {
    const w = worldOf([v2, v1]);
    await begin(w, 'switched');
    await w.store.overwrite([{ key: oldKey(2), content: content({ ...feedOf(2), visits: 99 }) }]);
    await home(w);
    expect(await resolve(w.context, 'feeds', { key: oldKey(2).toString(), keep: 'old' })).toBe(1);
    await upgrade(w.context, 'feeds');
    expect(await rest(w)).toMatchObject(TAKEN_OVER);
  });

  it('is not held up by a record whose new key the version before could not tell: it never left home', async () => {
    const to: Definition['to'] = (feed, old) => {
      if (feed.title === 'feed 3') throw new Error('three');
      return key('User', feed.user, 'Feed', old.id);
    };
    const w = worldOf([v2, define(1, entity({ ...CHANGING, to }))]);
    await begin(w, 'switched');
    expect((await statusOf(w)).quarantined.byCode).toEqual({ 'transform.to': 1 });
    await upgrade(w.context, 'feeds');
    expect(await rest(w)).toMatchObject(TAKEN_OVER);
    expect(await statusOf(w)).toMatchObject({ records: N, quarantined: { count: 0 } });
  });

  it('is held up by a stranger at a new key, for it may be half of a split, until it is gone', async () => {
    const w = worldOf([v2, v1]);
    await w.store.overwrite([{ key: newKey(3), content: content({ a: 'stranger' }) }]);
    await begin(w, 'switched');
    await upgrade(w.context, 'feeds');
    expect(await rest(w)).toMatchObject({ stage: 'upgrading' });
    await w.store.overwrite([], [newKey(3)]);
    await retry(w.context, 'feeds');
    expect(await rest(w)).toMatchObject(TAKEN_OVER);
  });

  it('tries again what was skipped: that was said of the version before', async () => {
    const w = worldOf([v2, define(1, failing(3, CHANGING))]);
    await begin(w, 'switched');
    await skip(w.context, 'feeds', { key: oldKey(3).toString() });
    await upgrade(w.context, 'feeds');
    expect(await rest(w)).toMatchObject(TAKEN_OVER);
    const x = worldOf([define(2, failing(5, SOFT)), define(1, failing(3, CHANGING))]);
    await begin(x, 'copied');
    await skip(x.context, 'feeds', { code: 'transform.forward' });
    await upgrade(x.context, 'feeds');
    await rest(x);
    await commands.switchOver(x.context, 'feeds');
    await rest(x);
    expect(await codeOf(commands.complete(x.context, 'feeds'))).toBe('gate.closed');
  });

  it('calls the hook for what is at home that the next version has, and none that it has not', async () => {
    const calls: string[] = [];
    const afterHome = async ({ idempotencyKey }: { idempotencyKey: string }) => void calls.push(idempotencyKey);
    const w = worldOf([v2, define(1, changingRule, { hooks: { afterHome } })]);
    await begin(w, 'switched');
    await upgrade(w.context, 'feeds');
    expect(await rest(w, 300)).toMatchObject(TAKEN_OVER);
    expect(calls).toEqual([]);
    const x = worldOf([define(2, soft, { hooks: { afterHome } }), v1]);
    await begin(x, 'switched');
    await upgrade(x.context, 'feeds');
    expect(await rest(x)).toMatchObject(TAKEN_OVER);
    expect(calls).toEqual(['feeds.1.3.afterHome']);
  });

  it('that was carried out and is asked for again finds its mark, whatever was said since', async () => {
    const w = worldOf([v2, v1]);
    await begin(w, 'switched');
    const context = { ...w.context, call: { id: 'once', asked: 'upgrade' } };
    await upgrade(context, 'feeds');
    await commands.cancel(w.context, 'feeds');
    expect(await codeOf(upgrade(context, 'feeds'))).toBe('cancelling');
  });

  it('that is refused claims no homes', async () => {
    const { backward: _, ...oneWay } = CHANGING;
    const tenants = () =>
      entity<Feed>({ from: 'Tenant', into: 'Org/Tenant', to: (feed, old) => key('Org', feed.user, 'Tenant', old.id) });
    const two = define(2, soft, { records: [soft, tenants()] });
    const other = defineMigration({ name: 'tenants', version: 1, records: [tenants()] });
    const w = worldOf([two, other, define(1, entity<Feed, Named>(oneWay))]);
    await begin(w, 'switched');
    await w.router.update({ from: oldKey(1), into: newKey(1) }, (feed) => ({ ...feed, visits: 7 }));
    expect(await codeOf(upgrade(w.context, 'feeds'))).toBe('reverse.missing');
    expect(await codeOf(commands.start(w.context, 'tenants'))).toBe('copying');
  });

  it('leaves nothing of the groups, nor of the totals, of the version before in what status says', async () => {
    const onGroupWhole = () => Promise.reject(new Error('no'));
    const old = define(1, changingRule, { by: 'group', hooks: { onGroupWhole } });
    const w = worldOf([define(2, soft, { by: 'group' }), old]);
    expect(await begin(w, 'switched')).toMatchObject({ run: 'paused' });
    await upgrade(w.context, 'feeds');
    await commands.resume(w.context, 'feeds');
    expect(await rest(w)).toMatchObject(TAKEN_OVER);
    await commands.start(w.context, 'feeds', { to: 'completed' });
    expect(await rest(w)).toMatchObject({ stage: 'completed', closed: true });
    const { groups, groupHooks } = await statusOf(w);
    expect([groups!['whole'], groupHooks]).toEqual([N, undefined]);

    const equals = { equals: 5 };
    const visits = sum<Feed, Named>({ name: 'visits', must: equals, value: { old: visitsOf, new: visitsOf } });
    const x = worldOf([v2, define(1, changingRule, { invariants: [visits] })]);
    expect(await begin(x, 'switched')).toMatchObject({ run: 'paused' });
    await upgrade(x.context, 'feeds');
    await commands.resume(x.context, 'feeds');
    expect(await rest(x)).toMatchObject(TAKEN_OVER);
    expect((await statusOf(x)).invariants).toBeUndefined();
  });
});

describe('a campaign that is over, and waits for its last hook only', () => {
  it.each(['cancelled', 'completed'] as const)('is neither upgraded nor swept anew: %s', async (stage) => {
    let works = false;
    const hook = async () => {
      if (!works) throw new Error('not now');
    };
    const hooks = { afterHome: hook, afterCompleted: hook };
    const w = worldOf([define(2, soft, { hooks }), define(1, failing(3, CHANGING), { hooks })]);
    await begin(w, stage === 'completed' ? 'switched' : 'copied');
    if (stage === 'cancelled') await commands.cancel(w.context, 'feeds');
    else await commands.complete(w.context, 'feeds', { leaveQuarantined: true });
    if (stage === 'cancelled') await retry(w.context, 'feeds');
    expect(await rest(w)).toMatchObject({ stage, closed: false, run: 'paused' });
    expect(await codeOf(upgrade(w.context, 'feeds'))).toBe('upgrade.refused');
    if (stage === 'completed')
      await expect(retry(w.context, 'feeds')).rejects.toMatchObject({ code: 'campaign.refused' });
    works = true;
    await commands.resume(w.context, 'feeds');
    let campaign = await commands.theCampaign(w.context, 'feeds');
    for (let i = 0; i < 300 && !campaign.closed; i++) {
      if (!(await w.worker.step(campaign, new AbortController().signal))) await w.clock.sleep(1_000);
      campaign = await commands.theCampaign(w.context, 'feeds');
    }
    expect(campaign).toMatchObject({ stage, closed: true, migrationVersion: 1 });
  });
});
