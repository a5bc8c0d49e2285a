import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { upgrade } from '../../src/admin/upgrade.ts';
import type { Clock } from '../../src/clock.ts';
import { entity } from '../../src/define/entity.ts';
import { defineMigration, type Migration } from '../../src/define/migration.ts';
import { verify } from '../../src/engine/verify.ts';
import { Worker } from '../../src/engine/worker.ts';
import { HandoverError } from '../../src/errors.ts';
import { key } from '../../src/record/key.ts';
import { decodeSlot } from '../../src/record/slot.ts';
import { Router } from '../../src/router/router.ts';
import { Crash, MemoryData, memoryStore, type StoreCall } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { Choices } from '../../src/testing/choices.ts';
import {
  all,
  CHANGING,
  changingRule,
  content,
  type Feed,
  feedOf,
  handClock,
  type Named,
  oldKey,
  rest,
  STRIKES,
  seed,
  type World,
} from './harness.ts';
import { define, soft as elsewhere, SOFT, v1 } from './upgradeWorld.ts';

const N = 6;
/** The second version whispers, with the same keys; the third gives other keys, too. */
const soft = entity<Feed, Named>({ ...SOFT, to: CHANGING.to });
const v2 = define(2, soft);
const v3 = define(3, elsewhere);

function worldOf(store: Store, migrations: readonly Migration[], clock: Clock = handClock(), id = 'w1'): World {
  const migration = migrations[0]!;
  const rule = migration.records[0]!;
  return {
    clock,
    store,
    migration,
    context: { store, migrations, clock, by: 'ann' },
    worker: new Worker({ store, migrations, clock, id }),
    router: new Router({ store, rule, clock }),
  };
}

const slotsAtT = async (store: Store) =>
  (await store.scan({ namespace: '', kind: 'Feed', rootKind: 'User' }, 100)).entities.map(({ slot }) =>
    decodeSlot(slot!),
  );

const named = async (store: Store) =>
  Object.fromEntries([...(await all(store, 'Feed', 'User'))].map(([at, { name }]) => [at, name]));

const wanted = (suffix: string) =>
  Object.fromEntries(
    Array.from({ length: N }, (_, i) => [`User:${feedOf(i + 1).user}${suffix}/Feed:${i + 1}`, `<feed ${i + 1}>`]),
  );

const clean = async ({ store, context }: World, migration: Migration) =>
  verify(store, migration, await commands.theCampaign(context, 'feeds'), { clock: context.clock, restart: true });

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: HandoverError) => `${error.code}: ${error.detail}`,
  );

describe('a campaign that is upgraded', () => {
  for (const next of [v2, v3])
    for (const atomic of ['group', 'any'] as const)
      it(`at rest makes all copies anew, under version ${next.version}, and goes its way (${atomic})`, async () => {
        const w = worldOf(memoryStore({ capabilities: { atomic } }), [v1, next]);
        await seed(w.store, N);
        await commands.start(w.context, 'feeds');
        expect(await rest(w)).toMatchObject({ stage: 'copied', switchGateOpen: true });
        expect((await slotsAtT(w.store)).every(({ version }) => version === undefined)).toBe(true);
        const upgraded = await upgrade(w.context, 'feeds', { reason: 'softer' });
        expect(upgraded).toMatchObject({ stage: 'copying', switchGateOpen: false, migrationVersion: next.version });
        expect(upgraded).toMatchObject({ firstVersion: 1, generation: 2, sweep: 1, definition: next.fingerprint });
        expect(upgraded.history.at(-1)).toMatchObject({ what: `upgrade 1 to ${next.version}`, reason: 'softer' });
        expect(await clean(w, next)).toMatchObject({ clean: false, completed: 0 });
        await expect(commands.switchOver(w.context, 'feeds')).rejects.toMatchObject({ code: 'campaign.refused' });
        expect(await rest(w)).toMatchObject({ stage: 'copied', switchGateOpen: true });
        const suffix = next === v3 ? '-too' : '';
        expect(await named(w.store)).toEqual(wanted(suffix));
        expect((await slotsAtT(w.store)).every(({ version }) => version === next.version)).toBe(true);
        expect(await clean(w, next)).toMatchObject({ clean: true, completed: N, stale: 0 });
        await commands.switchOver(w.context, 'feeds');
        await rest(w);
        expect((await slotsAtT(w.store)).every(({ role, version }) => role === 'owner' && !version)).toBe(true);
        await commands.reverse(w.context, 'feeds');
        await rest(w);
        await commands.switchOver(w.context, 'feeds');
        await rest(w);
        await commands.complete(w.context, 'feeds');
        expect(await rest(w)).toMatchObject({ stage: 'completed' });
        expect(await named(w.store)).toEqual(wanted(suffix));
        expect(await clean(w, next)).toMatchObject({ clean: true, completed: N });
      });

  it('from version to version, says in each slot which one it is of', async () => {
    const w = worldOf(memoryStore(), [v1, v2]);
    await seed(w.store, N);
    await commands.start(w.context, 'feeds');
    await rest(w);
    await upgrade(w.context, 'feeds');
    await rest(w);
    const later = worldOf(w.store, [v2, v3], w.clock);
    await upgrade(later.context, 'feeds');
    expect(await rest(later)).toMatchObject({ firstVersion: 1, migrationVersion: 3 });
    expect(await named(w.store)).toEqual(wanted('-too'));
  });

  it('at home stays there, and copies under the new version when it is started again', async () => {
    const w = worldOf(memoryStore(), [v1, v2]);
    await seed(w.store, N);
    await commands.start(w.context, 'feeds');
    await rest(w);
    await commands.reverse(w.context, 'feeds');
    await rest(w);
    expect(await upgrade(w.context, 'feeds')).toMatchObject({ stage: 'home' });
    expect(await rest(w)).toMatchObject({ stage: 'home' });
    await commands.start(w.context, 'feeds');
    await rest(w);
    expect(await named(w.store)).toEqual(wanted(''));
  });

  it('is left alone by who knows only the version before, and refuses his commands', async () => {
    const data = new MemoryData();
    const store = memoryStore({ data });
    const w = worldOf(store, [v1, v2]);
    const behind = worldOf(store, [v1], w.clock, 'w2');
    await seed(store, N);
    await commands.start(w.context, 'feeds');
    await rest(behind);
    const campaign = await upgrade(w.context, 'feeds');
    const before = JSON.stringify(await slotsAtT(store));
    for (let i = 0; i < 20; i++) expect(await behind.worker.step(campaign, new AbortController().signal)).toBe(false);
    expect(JSON.stringify(await slotsAtT(store))).toBe(before);
    await expect(commands.reverse(behind.context, 'feeds')).rejects.toMatchObject({ code: 'definition.changed' });
    await rest(w);
    expect(await named(store)).toEqual(wanted(''));
  });

  it('goes by groups, where records change their groups with the version', async () => {
    const [old, next] = [define(1, changingRule, { by: 'group' }), define(2, elsewhere, { by: 'group' })];
    const w = worldOf(memoryStore(), [old, next]);
    await seed(w.store, N);
    await commands.start(w.context, 'feeds');
    await rest(w);
    await upgrade(w.context, 'feeds');
    expect(await rest(w)).toMatchObject({ stage: 'copied' });
    expect(await named(w.store)).toEqual(wanted('-too'));
    await commands.switchOver(w.context, 'feeds');
    await rest(w);
    await commands.complete(w.context, 'feeds');
    expect(await rest(w)).toMatchObject({ stage: 'completed' });
    expect(await named(w.store)).toEqual(wanted('-too'));
    expect(await clean(w, next)).toMatchObject({ clean: true, completed: N });
  });

  it('is heeded by a router that moves records, if it knows the version, and left alone if it does not', async () => {
    const data = new MemoryData();
    const w = worldOf(memoryStore({ data }), [v1, v2]);
    await seed(w.store, N);
    await commands.start(w.context, 'feeds');
    await rest(w);
    await upgrade(w.context, 'feeds');
    const through = (migration: Migration) =>
      new Router<Named, Feed>({
        store: w.store,
        rule: migration.records[0]!,
        clock: w.clock,
        migrate: { on: 'write', migration },
      }).legacy.update(oldKey(1), (feed) => ({ ...feed, visits: feed.visits + 1 }));
    const copied = async () => (await slotsAtT(w.store)).filter(({ version }) => version === 2).length;
    await through(v1);
    expect(await copied()).toBe(0);
    await through(v2);
    expect(await copied()).toBe(1);
    // A read tells from what it has seen anyway whether there is anything to do.
    let calls = 0;
    const counting = memoryStore({ data, fault: () => void calls++ });
    const migrate = { on: 'read', migration: v2 } as const;
    const reading = new Router<Named, Feed>({ store: counting, rule: soft, clock: w.clock, migrate });
    await reading.legacy.get(oldKey(2));
    expect(await copied()).toBe(2);
    calls = 0;
    await reading.legacy.get(oldKey(2));
    // The old home for the new key, both sides, and the campaign: it is not looked at once more.
    expect(calls).toBe(3);
  });

  it('has a shadow read complain of no copy that is of another version, but of one that was tampered with', async () => {
    const w = worldOf(memoryStore(), [v1, v2]);
    await seed(w.store, 2);
    await commands.start(w.context, 'feeds');
    await rest(w);
    await upgrade(w.context, 'feeds');
    const reads = async () => {
      const found: string[] = [];
      const events = { mismatched: ({ from }: { from: string }) => void found.push(from) };
      const router = new Router({ store: w.store, rule: soft, clock: w.clock, compare: 1, events });
      for (const n of [1, 2]) await router.get({ from: oldKey(n) });
      return found;
    };
    expect(await reads()).toEqual([]);
    await rest(w);
    const { entities } = await w.store.scan({ namespace: '', kind: 'Feed', rootKind: 'User' }, 1);
    const [copy] = entities;
    await w.store.commit([
      { op: 'update', key: copy!.key, version: copy!.version, content: content({ name: 'x' }), slot: copy!.slot! },
    ]);
    expect(await reads()).toHaveLength(1);
  });

  it('tries again what could not be moved under the version before', async () => {
    const failing = entity<Feed, Named>({
      ...CHANGING,
      forward: (feed) => {
        if (feed.title === 'feed 3') throw new Error('three');
        return CHANGING.forward!(feed, undefined as never);
      },
    });
    const old = define(1, failing);
    const w = worldOf(memoryStore(), [old, v2]);
    await seed(w.store, N);
    await commands.start(w.context, 'feeds');
    await rest(w);
    expect((await all(w.store, 'Feed', 'User')).size).toBe(N - 1);
    await upgrade(w.context, 'feeds');
    await rest(w);
    expect(await named(w.store)).toEqual(wanted(''));
  });
});

describe('an upgrade is refused', () => {
  const begun = async (migrations: readonly Migration[]) => {
    const w = worldOf(memoryStore(), migrations);
    await seed(w.store, N);
    await commands.start(w.context, 'feeds');
    await rest(w);
    return w;
  };

  it('without a version that is newer, before the start, and when the campaign is over or on its way there', async () => {
    const w = await begun([v1]);
    expect(await refusal(upgrade(w.context, 'feeds'))).toContain('that is the one it runs under');
    const same = worldOf(w.store, [define(1, soft)], w.clock);
    expect(await refusal(upgrade(same.context, 'feeds'))).toContain('raise the version');
    await commands.cancel(w.context, 'feeds');
    const later = worldOf(w.store, [v1, v2], w.clock);
    expect(await refusal(upgrade(later.context, 'feeds'))).toContain('it is cancelling');
    await rest(w);
    expect(await refusal(upgrade(later.context, 'feeds'))).toContain('it is cancelled, and closed');
  });

  it('to a definition of other homes, in another order, by other groups', async () => {
    const other = entity<Feed>({ from: 'Note', into: 'User/Note', to: (_, old) => key('User', 'x', 'Note', old.id) });
    const w = await begun([v1]);
    const to = (next: Migration) => refusal(upgrade(worldOf(w.store, [v1, next], w.clock).context, 'feeds'));
    expect(await to(define(2, soft, { records: [other] }))).toContain(
      'its rule 1 must be the one for Feed into User/Feed',
    );
    expect(await to(define(2, soft, { records: [other, soft] }))).toContain('its rule 1 must be the one for');
    expect(await to(define(2, soft, { by: 'group' }))).toContain('it goes by group, and the campaign by record');
    expect(await to(define(2, soft, { namespace: 'x' }))).toContain('another namespace');
    // Others may be added at the end, and their homes are claimed.
    await w.store.overwrite([{ key: key('Note', 1), content: content({ user: 'u', title: 't', visits: 0 }) }]);
    const more = define(2, soft, { records: [soft, other] });
    expect(await to(more)).toBe('done');
    const grown = worldOf(w.store, [more], w.clock);
    await rest(grown);
    expect([...(await all(w.store, 'Note', 'User')).keys()]).toEqual(['User:x/Note:1']);
    const notes = defineMigration({ name: 'notes', version: 1, records: [other] });
    const operator = { ...grown.context, migrations: [more, notes] };
    await expect(commands.start(operator, 'notes')).rejects.toMatchObject({ code: 'home.taken' });
  });
});

describe('an upgrade in the middle of anything', () => {
  for (const [name, strike] of Object.entries(STRIKES))
    it(`that meets ${name} at any one of its calls is made once, or not at all`, async () => {
      for (let at = 0, over = false; !over; at++) {
        const data = new MemoryData();
        const w = worldOf(memoryStore({ data }), [v1, v2]);
        await seed(w.store, 2);
        await commands.start(w.context, 'feeds');
        await rest(w);
        let seen = 0;
        const faulty = memoryStore({ data, fault: (call) => (seen++ === at ? strike(call) : undefined) });
        await upgrade({ ...w.context, store: faulty }, 'feeds').catch((error: unknown) => {
          if (!(error instanceof Crash || error instanceof HandoverError)) throw error;
        });
        over = seen <= at;
        expect(['done', 'upgrade.refused']).toContain((await refusal(upgrade(w.context, 'feeds'))).split(':')[0]);
        const campaign = await rest(w);
        expect(campaign.history.filter(({ what }) => what === 'upgrade 1 to 2')).toHaveLength(1);
        expect(campaign).toMatchObject({ stage: 'copied', generation: 2, migrationVersion: 2 });
        expect(await clean(w, v2)).toMatchObject({ clean: true, completed: 2 });
      }
    });

  it('whatever two workers of both versions and a live client do meanwhile, every copy is of the new one', async () => {
    for (const guards of [true, false])
      for (let run = 1; run <= 40; run++) {
        const choices = Choices.seeded(run);
        const data = new MemoryData();
        const capabilities = { guards };
        const fault = async ({ mutations }: StoreCall) => {
          for (let n = choices.below(4); n > 0; n--) await new Promise<void>((resolve) => setImmediate(resolve));
          if (!choices.happens(30) || mutations.length === 0) return undefined;
          return { kind: 'lost', applied: choices.below(2) === 0 } as const;
        };
        const clock = handClock();
        const at = (migrations: readonly Migration[], id: string) =>
          worldOf(memoryStore({ data, capabilities, fault }), migrations, clock, id);
        const calm = worldOf(memoryStore({ data, capabilities }), [v1, v2], clock);
        await seed(calm.store, N);
        await commands.start(calm.context, 'feeds');
        let over = false;
        const work = async ({ worker, context }: World) => {
          while (!over) {
            const campaign = await commands.theCampaign(calm.context, 'feeds');
            const worked = await worker.step(campaign, new AbortController().signal).catch((error: unknown) => {
              if (!(error instanceof HandoverError)) throw error;
              return false;
            });
            if (!worked) await context.clock.sleep(100);
          }
        };
        const both = at([v1, v2], 'w1');
        const workers = [work(both), work(at([v1], 'w2'))];
        for (const n of [1, 2, 3, 4]) {
          const router = new Router<Named, Feed>({ store: calm.store, rule: choices.of([changingRule, soft]), clock });
          const write = (feed: Feed): Feed => ({ ...feed, visits: feed.visits + 1 });
          await router.legacy.update(oldKey(n), write);
          if (n === 2) await upgrade(both.context, 'feeds');
          for (let i = choices.below(6); i > 0; i--) await clock.sleep(10);
        }
        over = true;
        await Promise.all(workers);
        const campaign = await rest(calm);
        expect(campaign, `run ${run}`).toMatchObject({ stage: 'copied', migrationVersion: 2 });
        expect(await named(calm.store), `run ${run}`).toEqual(wanted(''));
        expect(await clean(calm, v2), `run ${run}`).toMatchObject({ clean: true, completed: N });
        await commands.switchOver(calm.context, 'feeds');
        await rest(calm);
        expect(await named(calm.store), `run ${run}`).toEqual(wanted(''));
        expect(await clean(calm, v2), `run ${run}`).toMatchObject({ clean: true, completed: N });
      }
  });
});
