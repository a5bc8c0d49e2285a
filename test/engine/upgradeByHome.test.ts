import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { resolve } from '../../src/admin/resolve.ts';
import { upgrade } from '../../src/admin/upgrade.ts';
import { entity } from '../../src/define/entity.ts';
import { field } from '../../src/define/field.ts';
import { defineMigration, type Migration } from '../../src/define/migration.ts';
import { subscription } from '../../src/define/subscription.ts';
import { Worker } from '../../src/engine/worker.ts';
import { HandoverError } from '../../src/errors.ts';
import { key } from '../../src/record/key.ts';
import { FieldRouter } from '../../src/router/fieldRouter.ts';
import { Crash, MemoryData, type MemoryStoreOptions, memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { websub } from '../../src/webhooks/websub.ts';
import {
  all,
  CHANGING,
  changingRule,
  content,
  type Feed,
  feedOf,
  type Named,
  newKey,
  oldKey,
  rest,
  STRIKES,
  seed,
  verified,
  type World,
  world,
} from './harness.ts';
import { define, SOFT, soft, v1, v2, worldOf } from './upgradeWorld.ts';

const N = 6;

/** Nothing but the first version is deployed yet. */
const first = ({ context, migration }: World) => ({ ...context, migrations: [migration] });

const switched = async (w: World) => {
  await seed(w.store, N);
  await commands.start(first(w), 'feeds', { to: 'switched' });
  await rest(w);
};
const atT = async (store: Store) =>
  Object.fromEntries(
    [...(await all(store, 'Feed', 'User'))].map(([at, { name, visits }]) => [at, `${name} ${visits}`]),
  );
const atS = async (store: Store) =>
  [...(await all(store, 'Feed')).values()].map(({ title, visits }) => `${title} ${visits}`);
const told = (run: () => Promise<unknown>) =>
  run().then(
    () => 'done',
    (error: HandoverError) => `${error.code}: ${error.detail}`,
  );

describe('an upgrade after records were switched', () => {
  it.each<[string, MemoryStoreOptions, 'record' | 'group']>([
    ['where S and T share a commit', { capabilities: { atomic: 'any' } }, 'record'],
    ['move by move', { capabilities: { atomic: 'entity' } }, 'record'],
    ['without guards', { capabilities: { atomic: 'entity', guards: false } }, 'record'],
    ['where scans lag', { capabilities: { scans: 'eventual' } }, 'record'],
    ['by group', { capabilities: { atomic: 'group' } }, 'group'],
  ])('brings all home by their own version, and lets the next one take over, %s', async (_, options, by) => {
    const [old, next] = [define(1, changingRule, { by }), define(2, soft, { by })];
    const w = worldOf([next, old], options);
    await switched(w);
    const name = newKey(1).toString();
    await w.router.update({ from: oldKey(1), into: newKey(1) }, (feed) => ({ ...feed, visits: 7 }));
    expect((await atT(w.store))[name]).toBe('FEED 1 7');
    const asked = await upgrade(w.context, 'feeds', { reason: 'softer' });
    expect(asked).toMatchObject({ stage: 'upgrading', migrationVersion: 1, upgradeTo: { version: 2 }, generation: 2 });
    expect(asked.history.at(-1)).toMatchObject({ what: 'upgrade 1 to 2', reason: 'softer' });
    const home = await rest(w);
    expect(home).toMatchObject({ stage: 'home', migrationVersion: 2, firstVersion: 1, definition: next.fingerprint });
    expect(home).toMatchObject({ generation: 3, switchGateOpen: false, closed: false });
    expect([home.upgradeTo, home.away]).toEqual([undefined, undefined]);
    expect(home.history.map(({ what, by }) => `${what} by ${by}`).slice(1)).toEqual([
      'upgrade 1 to 2 by ann',
      'version 2 by w1',
    ]);
    expect(await atT(w.store)).toEqual({});
    expect(await atS(w.store)).toEqual(['feed 1 7', ...[2, 3, 4, 5, 6].map((n) => `feed ${n} 0`)]);
    await expect(commands.switchOver(w.context, 'feeds')).rejects.toMatchObject({ code: 'gate.closed' });
    await commands.start(w.context, 'feeds');
    await rest(w);
    await commands.switchOver(w.context, 'feeds');
    await rest(w);
    await commands.complete(w.context, 'feeds');
    expect(await rest(w)).toMatchObject({ stage: 'completed', closed: true });
    const expected = Array.from({ length: N }, (_, i) => [
      newKey(i + 1, `${feedOf(i + 1).user}-too`).toString(),
      `<feed ${i + 1}> ${i === 0 ? 7 : 0}`,
    ]);
    expect(await atT(w.store)).toEqual(Object.fromEntries(expected));
    expect(await verified({ ...w, migration: next })).toMatchObject({ clean: true, completed: N });
  });

  it('goes the same way from a share that was switched, from the way back, and from home', async () => {
    for (const way of ['share', 'reversing', 'home'] as const) {
      const w = worldOf([v2, v1]);
      await seed(w.store, N);
      await commands.start(first(w), 'feeds');
      await rest(w);
      await commands.switchOver(w.context, 'feeds', way === 'share' ? { share: 50 } : {});
      await rest(w);
      if (way !== 'share') await commands.reverse(w.context, 'feeds');
      if (way === 'home') await rest(w);
      expect((await upgrade(w.context, 'feeds')).stage).toBe('upgrading');
      expect(await rest(w)).toMatchObject({ stage: 'home', migrationVersion: 2 });
      expect(await atT(w.store)).toEqual({});
    }
  });

  it('goes that way from the moment a switch was asked for, though that waited for its hook and was called off', async () => {
    const hooks = { beforeSwitch: () => Promise.reject(new Error('not yet')) };
    const w = worldOf([v2, define(1, changingRule, { hooks })]);
    await seed(w.store, N);
    await commands.start(first(w), 'feeds');
    await rest(w);
    expect((await commands.switchOver(w.context, 'feeds')).pending).toMatchObject({ what: 'switch' });
    await commands.reverse(w.context, 'feeds');
    expect(await rest(w)).toMatchObject({ stage: 'home', migrationVersion: 1 });
    expect((await upgrade(w.context, 'feeds')).stage).toBe('upgrading');
    expect(await rest(w)).toMatchObject({ stage: 'home', migrationVersion: 2 });
  });

  it('is carried on by workers of the old version, then by those of the new one, and each leaves the other alone', async () => {
    const w = worldOf([v2, v1]);
    await switched(w);
    await upgrade(w.context, 'feeds');
    const only = (migration: Migration, id: string) => ({
      ...w,
      worker: new Worker({ store: w.store, migrations: [migration], clock: w.clock, id }),
    });
    const campaign = () => commands.theCampaign(w.context, 'feeds');
    const signal = new AbortController().signal;
    expect(await only(v2, 'w3').worker.step(await campaign(), signal)).toBe(false);
    const one = only(v1, 'w2').worker;
    while ((await campaign()).migrationVersion === 1)
      if (!(await one.step(await campaign(), signal))) await w.clock.sleep(100);
    expect(await campaign()).toMatchObject({ stage: 'home', definition: v2.fingerprint });
    expect((await campaign()).settledAt).toBeUndefined();
    expect(await rest(only(v2, 'w6'))).toMatchObject({ stage: 'home', generation: 3 });
    await commands.start(w.context, 'feeds');
    expect(await only(v1, 'w4').worker.step(await campaign(), signal)).toBe(false);
    expect(await rest(only(v2, 'w5'))).toMatchObject({ stage: 'copied' });
    expect(Object.values(await atT(w.store))).toContain('<feed 1> 0');
  });

  it('waits for what cannot come home, and goes on when that is settled', async () => {
    const w = worldOf([v2, v1]);
    await switched(w);
    // An old instance wrote the old home: two owners.
    await w.store.overwrite([{ key: oldKey(2), content: content({ ...feedOf(2), visits: 99 }) }]);
    await upgrade(w.context, 'feeds');
    expect(await rest(w)).toMatchObject({ stage: 'upgrading', migrationVersion: 1 });
    await resolve(w.context, 'feeds', { key: oldKey(2).toString(), keep: 'old' });
    expect(await rest(w)).toMatchObject({ stage: 'home', migrationVersion: 2 });
    expect(await atS(w.store)).toContain('feed 2 99');
  });

  it('is not held up by records that the version before could not move', async () => {
    const failing = entity<Feed, Named>({
      ...CHANGING,
      forward: (feed) => {
        if (feed.title === 'feed 3') throw new Error('three');
        return CHANGING.forward!(feed, undefined as never);
      },
    });
    const w = worldOf([v2, define(1, failing)]);
    await switched(w);
    await upgrade(w.context, 'feeds');
    expect(await rest(w)).toMatchObject({ stage: 'home', migrationVersion: 2 });
    await commands.start(w.context, 'feeds');
    await rest(w);
    expect(Object.keys(await atT(w.store))).toHaveLength(N);
  });

  it('is called off by any other command', async () => {
    const w = worldOf([v2, v1]);
    await switched(w);
    await upgrade(w.context, 'feeds');
    const onward = await commands.switchOver(w.context, 'feeds');
    expect([onward.stage, onward.upgradeTo]).toEqual(['switching', undefined]);
    expect(await rest(w)).toMatchObject({ stage: 'switched', migrationVersion: 1 });
    await upgrade(w.context, 'feeds');
    await commands.cancel(w.context, 'feeds');
    expect(await rest(w)).toMatchObject({ stage: 'cancelled', migrationVersion: 1, closed: true });
  });

  it('takes a version that is newer still, while it is on its way', async () => {
    const w = worldOf([define(3), v2, v1]);
    await switched(w);
    await upgrade({ ...w.context, migrations: [v1, v2] }, 'feeds');
    expect(await upgrade(w.context, 'feeds')).toMatchObject({ stage: 'upgrading', upgradeTo: { version: 3 } });
    expect(await rest(w)).toMatchObject({ stage: 'home', migrationVersion: 3 });
  });

  it('waits for its hooks, and calls the one for what is at home again under the version that took over', async () => {
    const calls: string[] = [];
    const hooks = {
      beforeReverse: ({ idempotencyKey }: { idempotencyKey: string }) => void calls.push(idempotencyKey),
      afterHome: ({ idempotencyKey }: { idempotencyKey: string }) => void calls.push(idempotencyKey),
    };
    const w = worldOf([define(2, soft, { hooks }), define(1, changingRule, { hooks })]);
    await switched(w);
    const asked = await upgrade(w.context, 'feeds');
    expect(asked).toMatchObject({ stage: 'switched', pending: { what: 'upgrade 1 to 2', upgradeTo: { version: 2 } } });
    expect(asked.upgradeTo).toBeUndefined();
    expect(await rest(w)).toMatchObject({ stage: 'home', migrationVersion: 2 });
    expect(calls).toEqual(['feeds.1.2.beforeReverse', 'feeds.1.3.afterHome']);
  });

  it('is refused without the version before, with what cannot come home, and with subscriptions', async () => {
    const w = worldOf([v2, v1]);
    await switched(w);
    expect(await told(() => upgrade({ ...w.context, migrations: [v2] }, 'feeds'))).toContain('definition.changed');
    const { backward: _, ...oneWay } = CHANGING;
    const stuck = worldOf([v2, define(1, entity(oneWay))]);
    await switched(stuck);
    await stuck.router.update({ from: oldKey(1), into: newKey(1) }, (feed) => ({ ...feed, visits: 7 }));
    expect(await told(() => upgrade(stuck.context, 'feeds'))).toContain('reverse.missing');
    const pushed = define(2, soft, {
      subscriptions: [subscription({ of: 'Feed', hub: websub(), protocol: 'websub', terms: () => undefined })],
    });
    expect(await told(() => upgrade({ ...w.context, migrations: [v1, pushed] }, 'feeds'))).toContain(
      'it has subscriptions, which are not taken over',
    );
  });

  it('that meets a fault at any one of its calls is made once, or not at all', async () => {
    for (const [name, strike] of Object.entries(STRIKES))
      for (let at = 0, over = false; !over; at++) {
        const data = new MemoryData();
        const w = worldOf([v2, v1], { data });
        await switched(w);
        let seen = 0;
        const faulty = memoryStore({ data, fault: (call) => (seen++ === at ? strike(call) : undefined) });
        await upgrade({ ...w.context, store: faulty }, 'feeds').catch((error: unknown) => {
          if (!(error instanceof Crash || error instanceof HandoverError)) throw error;
        });
        over = seen <= at;
        await upgrade(w.context, 'feeds');
        const campaign = await rest(w);
        expect(campaign, `${name} at ${at}`).toMatchObject({ stage: 'home', migrationVersion: 2, closed: false });
        expect(await atT(w.store)).toEqual({});
      }
  });
});

describe('what cannot tell the copies of two versions apart', () => {
  it('goes by way of home even before anything was to switch: properties that are rewritten in place', async () => {
    const of = { of: 'Tenant', old: ['mail'], new: ['email'] } as const;
    const shout = field<{ mail: string }, { email: string }>({
      ...of,
      forward: ({ mail }) => ({ email: mail.toUpperCase() }),
      backward: ({ email }) => ({ mail: email.toLowerCase() }),
    });
    const whisper = field<{ mail: string }, { email: string }>({
      ...of,
      forward: ({ mail }) => ({ email: `<${mail}>` }),
      backward: ({ email }) => ({ mail: email.slice(1, -1) }),
    });
    const mails = (version: number, rule: typeof shout) => defineMigration({ name: 'mails', version, fields: [rule] });
    const [one, two, three] = [mails(1, shout), mails(2, whisper), mails(3, shout)];
    const { store, clock, ...rests } = world({ migration: one, store: memoryStore() });
    const context = { ...rests.context, migrations: [one, two] };
    const worker = new Worker({ store, migrations: [one, two, three], clock, id: 'w1' });
    const w = { ...rests, store, clock, context, worker };
    const tenant = key('Tenant', 1);
    await store.overwrite([{ key: tenant, content: content({ mail: 'ann' }) }]);
    const said = async () => [...(await all(store, 'Tenant')).values()];
    await commands.start(context, 'mails');
    await rest(w);
    expect(await said()).toEqual([{ mail: 'ann', email: 'ANN' }]);
    expect(await upgrade(context, 'mails')).toMatchObject({ stage: 'upgrading' });
    expect(await rest(w)).toMatchObject({ stage: 'home', migrationVersion: 2 });
    expect(await said()).toEqual([{ mail: 'ann' }]);
    await commands.start(context, 'mails', { to: 'switched' });
    await rest(w);
    await new FieldRouter({ store, rule: whisper, clock }).update(tenant, () => ({ email: '<bob>' }));
    await upgrade({ ...context, migrations: [one, two, three] }, 'mails');
    expect(await rest(w)).toMatchObject({ stage: 'home', migrationVersion: 3 });
    expect(await said()).toEqual([{ mail: 'bob' }]);
  });

  it('brings references back to the old keys before another version may give other new ones', async () => {
    const references = [{ kind: 'Entry', property: 'feed' }];
    const [one, two] = [define(1, entity({ ...CHANGING, references })), define(2, entity({ ...SOFT, references }))];
    const w = worldOf([two, one]);
    const entry = { key: key('Entry', 1), content: content({ feed: oldKey(1) }) };
    await w.store.overwrite([entry]);
    await switched(w);
    await commands.complete(w.context, 'feeds');
    await commands.reverse(w.context, 'feeds');
    await rest(w);
    const refers = async () => {
      const [found] = await w.store.read([entry.key]);
      return String((found!.content.properties.get('feed') as { value: unknown }).value);
    };
    await upgrade(w.context, 'feeds');
    expect(await rest(w)).toMatchObject({ stage: 'home', migrationVersion: 2 });
    expect([await refers(), await atT(w.store)]).toEqual([oldKey(1).toString(), {}]);
    await commands.start(w.context, 'feeds', { to: 'completed' });
    expect(await rest(w)).toMatchObject({ stage: 'completed' });
    expect(await refers()).toBe(newKey(1, `${feedOf(1).user}-too`).toString());
  });
});
