import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { resolve } from '../../src/admin/resolve.ts';
import { type EntityDefinition, entity } from '../../src/define/entity.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { documentKey } from '../../src/engine/documents.ts';
import { Worker } from '../../src/engine/worker.ts';
import { HandoverError } from '../../src/errors.ts';
import { type PlainRecord, toPlain } from '../../src/record/plain.ts';
import { Crash, memoryStore, type StoreCall } from '../../src/store/memory.ts';
import type { Capabilities } from '../../src/store/store.ts';
import {
  all,
  CHANGING,
  content,
  type Feed,
  feedOf,
  gate,
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

type OnSplit = EntityDefinition<Feed, Named>['onSplit'];

const N = 6;
const STRAY = { user: 'u3', title: 'stray', visits: 7 };
const SEPARATE = { atomic: 'entity', snapshotReads: false } as const;

const splitting = (onSplit?: OnSplit) =>
  defineMigration({
    name: 'feeds',
    version: 1,
    records: [entity<Feed, Named>({ ...CHANGING, ...(onSplit ? { onSplit } : {}) })],
  });

/** Switched, and then somebody who knows nothing of it has written record 3 at its old home. */
async function split(options: { onSplit?: OnSplit; capabilities?: Partial<Capabilities> } = {}): Promise<World> {
  const w = world({
    migration: splitting(options.onSplit),
    ...(options.capabilities ? { store: memoryStore({ capabilities: options.capabilities }) } : {}),
  });
  await seed(w.store, N);
  await commands.start(w.context, 'feeds', { to: 'switched' });
  await rest(w);
  await w.store.overwrite([{ key: oldKey(3), content: content(STRAY) }]);
  return w;
}

/** The next sweep, and those that follow from it. */
async function sweep(w: World): Promise<commands.Campaign> {
  await w.clock.sleep(60_000);
  const { id } = await commands.theCampaign(w.context, 'feeds');
  await w.worker.step({ id }, new AbortController().signal);
  return rest(w);
}

const at = async ({ store }: World, home: 'old' | 'new'): Promise<PlainRecord | undefined> => {
  const [found] = await store.read([home === 'old' ? oldKey(3) : newKey(3)]);
  return found && toPlain(found.content.properties);
};

/** The state of the old side of a record that has switched: that of record 3, before somebody wrote over it. */
const frozen = async ({ store }: World): Promise<string> => {
  const [sibling] = await store.read([oldKey(4)]);
  return sibling!
    .slot!.replaceAll('Feed:4', 'Feed:3')
    .replaceAll('User:u4', 'User:u3')
    .replace(/"f":"[^"]*"/, `"f":"${content(feedOf(3)).fingerprint}"`);
};

/** What was given up. */
const discarded = async ({ store }: World): Promise<PlainRecord[]> => {
  const range = { namespace: '', kind: '_HandoverDiscarded', root: documentKey('campaign', 'feeds.1') };
  return (await store.scan(range, 100)).entities.map((found) => toPlain(found.content.properties));
};

const NEW = { user: 'u3', name: 'FEED 3', visits: 0 };

describe('a record that two entities claim', () => {
  it.each([
    ['the short path', { atomic: 'any' }],
    ['the full path', { atomic: 'group' }],
    ['no snapshots', SEPARATE],
  ] as const)('is found by the next sweep, and an operator keeps the new one: %s', async (_, capabilities) => {
    const w = await split({ capabilities });
    await sweep(w);
    await expect(w.router.get({ from: oldKey(3), into: newKey(3) })).rejects.toMatchObject({ code: 'record.split' });
    expect(await resolve(w.context, 'feeds', { keep: 'new', key: 'Feed:3', reason: 'a job of last year' })).toBe(1);
    expect(await sweep(w)).toMatchObject({ stage: 'switched' });
    const old = await at(w, 'old');
    if (capabilities.atomic === 'any') expect(old).toBeUndefined();
    expect(await at(w, 'new')).toEqual(NEW);
    expect(await discarded(w)).toEqual([STRAY]);
    expect(await verified(w)).toMatchObject({ clean: true, started: N, completed: N, quarantined: 0 });
    expect((await commands.theCampaign(w.context, 'feeds')).history.at(-1)).toMatchObject({
      what: 'resolve Feed:3 keep new',
      reason: 'a job of last year',
      by: 'ann',
    });
  });

  it('goes on from the old home, if the operator keeps that', async () => {
    const w = await split();
    await sweep(w);
    await resolve(w.context, 'feeds', { keep: 'old', code: 'record.split' });
    await sweep(w);
    expect(await discarded(w)).toEqual([NEW]);
    expect(await at(w, 'new')).toEqual({ user: 'u3', name: 'STRAY', visits: 7 });
    expect(await verified(w)).toMatchObject({ clean: true, started: N, completed: N, quarantined: 0 });
    await commands.reverse(w.context, 'feeds');
    await rest(w);
    expect(await at(w, 'old')).toEqual({ user: 'u3', title: 'stray', visits: 7 });
  });

  it('is its own stranger: what stood at the target goes, or stays and becomes the record', async () => {
    for (const keep of ['old', 'new'] as const) {
      const w = world({ migration: splitting() });
      await seed(w.store, N);
      await w.store.overwrite([{ key: newKey(3), content: content({ user: 'u3', name: 'NATIVE', visits: 1 }) }]);
      await commands.start(w.context, 'feeds', { to: 'switched' });
      await rest(w);
      await resolve(w.context, 'feeds', { keep, key: 'Feed:3' });
      expect(await rest(w)).toMatchObject({ stage: 'switched' });
      expect((await at(w, 'new'))?.['name']).toBe(keep === 'new' ? 'NATIVE' : 'FEED 3');
      expect(await verified(w)).toMatchObject({ clean: true, started: N, quarantined: 0 });
    }
  });

  it('is nothing to choose about where it is not listed, or for another cause, or after the end', async () => {
    const w = await split();
    const choose = (options: object) => resolve(w.context, 'feeds', { keep: 'new', ...options });
    await expect(choose({ key: 'Feed:3' })).rejects.toMatchObject({ code: 'record.whole' });
    await sweep(w);
    await expect(choose({ key: 'Feed:4' })).rejects.toMatchObject({ code: 'record.whole' });
    await expect(choose({ code: 'transform.forward' })).rejects.toMatchObject({ code: 'record.whole' });
    await expect(choose({})).rejects.toMatchObject({ code: 'usage.invalid' });
    await commands.complete(w.context, 'feeds', { leaveQuarantined: true });
    expect((await rest(w)).closed).toBe(true);
    await expect(choose({ key: 'Feed:3' })).rejects.toMatchObject({ code: 'campaign.refused' });
  });

  it.each<[string, OnSplit, object, object[]]>([
    ['the new one', () => 'new', NEW, [STRAY]],
    ['the old one', () => 'old', { user: 'u3', name: 'STRAY', visits: 7 }, [NEW]],
    [
      'what both make',
      ({ old, new: now }) => ({ ...now, visits: now.visits + old.visits }),
      { user: 'u3', name: 'FEED 3', visits: 7 },
      [STRAY, NEW],
    ],
  ])('is settled by its author as %s, in the sweep that finds it', async (_, onSplit, expected, given) => {
    for (const capabilities of [{ atomic: 'any' }, { atomic: 'group' }, SEPARATE] as const) {
      const w = await split({ ...(onSplit ? { onSplit } : {}), capabilities });
      await sweep(w);
      expect(await at(w, 'new')).toEqual(expected);
      expect(await discarded(w)).toEqual(expect.arrayContaining(given));
      expect(await discarded(w)).toHaveLength(given.length);
      expect(await verified(w)).toMatchObject({ clean: true, started: N, completed: N, quarantined: 0 });
    }
  });

  it('is listed where its author does not know, or fails', async () => {
    const failing = () => {
      throw new Error('no idea');
    };
    for (const [onSplit, code] of [
      [() => undefined, 'record.split'],
      [failing, 'transform.split'],
    ] as const) {
      const w = await split({ onSplit });
      await sweep(w);
      const { entities } = await w.store.scan({ namespace: '', kind: '_HandoverQuarantine' }, 10);
      expect(entities.map((found) => String(toPlain(found.content.properties)['state']))).toEqual([
        expect.stringContaining(`"code":"${code}"`),
      ]);
      expect([await at(w, 'old'), await at(w, 'new')]).toEqual([STRAY, NEW]);
      // Either way an operator may choose.
      expect(await resolve(w.context, 'feeds', { keep: 'new', key: 'Feed:3' })).toBe(1);
      await sweep(w);
      expect(await at(w, 'new')).toEqual(NEW);
      expect(await discarded(w)).toEqual([STRAY]);
    }
  });
});

describe('what was listed, and has changed since', () => {
  it('is one record again: nothing is given up, whatever is chosen', async () => {
    for (const keep of ['old', 'new'] as const) {
      const w = await split();
      await sweep(w);
      // Somebody put the old home back as it was, and the application goes on at the new one.
      await w.store.overwrite([{ key: oldKey(3), content: content(feedOf(3)), slot: await frozen(w) }]);
      await w.router.update({ from: oldKey(3), into: newKey(3) }, (feed) => ({ ...feed, visits: 9 }));
      expect(await resolve(w.context, 'feeds', { keep, key: 'Feed:3' })).toBe(1);
      await sweep(w);
      expect(await discarded(w)).toEqual([]);
      expect(await at(w, 'new')).toEqual({ ...NEW, visits: 9 });
      expect(await verified(w)).toMatchObject({ clean: true, started: N, quarantined: 0 });
    }
  });

  it('is in the way of another record: that one keeps its new home', async () => {
    const w = await split();
    await sweep(w);
    const [copy] = await w.store.read([newKey(3)]);
    const other = copy!.slot!.replace('"p":"Feed:3"', '"p":"Feed:99"');
    await w.store.overwrite([{ key: newKey(3), content: copy!.content, slot: other }]);
    await resolve(w.context, 'feeds', { keep: 'old', key: 'Feed:3' });
    await sweep(w);
    expect(await at(w, 'new')).toEqual(NEW);
    expect(await discarded(w)).toEqual([]);
  });

  it('is a delete that stands against a write: the author is not asked, and a tombstone that is kept is one', async () => {
    for (const keep of ['old', 'new'] as const) {
      const asked: unknown[] = [];
      const onSplit: OnSplit = (sides) => {
        asked.push(sides);
        return 'new';
      };
      const w = await split({ onSplit });
      await w.store.overwrite([{ key: oldKey(3), content: content(feedOf(3)), slot: await frozen(w) }]);
      await w.router.delete({ from: oldKey(3), into: newKey(3) });
      await w.store.overwrite([{ key: oldKey(3), content: content(STRAY) }]);
      await sweep(w);
      await resolve(w.context, 'feeds', { keep, key: 'Feed:3' });
      await sweep(w);
      expect(asked).toEqual([]);
      expect(await at(w, 'new')).toEqual(keep === 'new' ? undefined : { user: 'u3', name: 'STRAY', visits: 7 });
      expect(await at(w, 'old')).toEqual(keep === 'new' ? undefined : expect.anything());
      expect(await verified(w)).toMatchObject({ clean: true, started: keep === 'new' ? N - 1 : N, quarantined: 0 });
    }
  });
});

const stores = [{ atomic: 'any' }, { atomic: 'group' }, SEPARATE] as const;

/** What record 3 is, once it is one again. */
const CHOSEN = { new: NEW, old: { user: 'u3', name: 'STRAY', visits: 7 } } as const;

describe('a choice that a fault interrupts', () => {
  const cases = Object.keys(STRIKES).flatMap((kind) => stores.map((capabilities) => ({ kind, capabilities })));
  it.each(cases)(
    'never leaves no record, and is carried out: $kind, $capabilities.atomic',
    async ({ kind, capabilities }) => {
      for (let struck = 0, planned = 0; struck <= planned; struck++) {
        const keep = (struck + cases.findIndex((each) => each.kind === kind)) % 2 === 0 ? 'old' : 'new';
        const w = await split({ capabilities });
        await sweep(w);
        const { data } = w.store as ReturnType<typeof memoryStore>;
        let [calls, plannedAt] = [0, 0];
        // Of the command, and of the worker until the sweep is planned that comes after it.
        const fault = (call: StoreCall) => {
          if (!plannedAt && call.mutations.some(({ key }) => key.kind === '_HandoverSweep')) plannedAt = calls;
          return calls++ === struck ? STRIKES[kind]!(call) : undefined;
        };
        const faulty = () => world({ migration: w.migration, store: memoryStore({ data, capabilities, fault }) });
        const isThere = async () => expect((await at(w, 'old')) ?? (await at(w, 'new'))).toBeDefined();
        const undead = async (act: () => Promise<unknown>) => {
          for (let again = true; again; ) {
            again = await act().then(
              () => false,
              (error: { code?: string }) => {
                if (!(error instanceof Crash) && error.code !== 'store.unknown') throw error;
                return true;
              },
            );
            await isThere();
          }
        };
        await undead(() => resolve(faulty().context, 'feeds', { keep, key: 'Feed:3' }));
        await undead(() => rest(faulty()));
        planned = plannedAt;
        expect((await all(w.store, 'Feed', 'User')).get(newKey(3).toString())).toEqual(CHOSEN[keep]);
        expect(await discarded(w)).toEqual([keep === 'new' ? STRAY : NEW]);
        expect(await verified(w)).toMatchObject({ clean: true, started: N, quarantined: 0 });
      }
    },
  );
});

describe('two operators who choose differently', () => {
  it.each(stores)('are heard in order, and two workers carry out the later choice: $atomic', async (capabilities) => {
    for (const [first, second] of [['old', 'new'] as const, ['new', 'old'] as const]) {
      const w = await split({ capabilities });
      await sweep(w);
      await Promise.all([first, second].map((keep) => resolve(w.context, 'feeds', { keep, key: 'Feed:3' })));
      const { history } = await commands.theCampaign(w.context, 'feeds');
      expect(
        history
          .slice(-2)
          .map(({ what }) => what)
          .sort(),
      ).toEqual(['resolve Feed:3 keep new', 'resolve Feed:3 keep old']);
      const later = history.at(-1)!.what.endsWith('old') ? 'old' : 'new';
      await Promise.all([rest(w), rest({ ...w, worker: new Worker({ ...w.context, id: 'w2' }) })]);
      expect(await at(w, 'new')).toEqual(CHOSEN[later]);
      expect(await discarded(w)).toEqual([later === 'new' ? STRAY : NEW]);
      expect(await verified(w)).toMatchObject({ clean: true, started: N, completed: N, quarantined: 0 });
    }
  });

  it.each(stores)(
    'leave one record, whichever call of a worker the later one comes before: $atomic',
    async (capabilities) => {
      let late = 0;
      for (let struck = 0, calls = 1; struck < calls; struck += 3) {
        const w = await split({ capabilities });
        await sweep(w);
        const { data } = w.store as ReturnType<typeof memoryStore>;
        await resolve(w.context, 'feeds', { keep: 'old', key: 'Feed:3' });
        calls = 0;
        const fault = async () => {
          if (calls++ !== struck) return undefined;
          await resolve(w.context, 'feeds', { keep: 'new', key: 'Feed:3' }).catch((error: { code?: string }) => {
            // By then it is one already.
            expect(error.code).toBe('record.whole');
            late++;
          });
          return undefined;
        };
        const store = memoryStore({ data, capabilities, fault });
        await rest({ ...w, worker: new Worker({ ...w.context, store, id: 'w2' }) });
        const is = await at(w, 'new');
        expect([CHOSEN.old, CHOSEN.new]).toContainEqual(is);
        expect(await verified(w)).toMatchObject({
          clean: true,
          started: N,
          completed: N,
          duplicates: 0,
          quarantined: 0,
        });
      }
      expect(late).toBeGreaterThan(0);
    },
  );

  it('do not delete both sides, where nothing but the two entities keeps late hands off', async () => {
    const capabilities = { ...SEPARATE, guards: false } as const;
    const w = await split({ capabilities });
    await sweep(w);
    const { data } = w.store as ReturnType<typeof memoryStore>;
    const drops = (side: 'old' | 'new') => (call: StoreCall) =>
      call.mutations.some(({ op, key: at }) => op === 'delete' && at.equals(side === 'old' ? oldKey(3) : newKey(3)));
    const worker = (fault: (call: StoreCall) => unknown) =>
      new Worker({ ...w.context, store: memoryStore({ data, capabilities, fault: fault as never }) });
    const step = (each: Worker) => each.step({ id: 'feeds.1' }, new AbortController().signal).catch(() => {});
    await resolve(w.context, 'feeds', { keep: 'new', key: 'Feed:3' });
    await step(worker((call) => (drops('old')(call) ? { kind: 'crash', when: 'before' } : undefined)));
    await resolve(w.context, 'feeds', { keep: 'old', key: 'Feed:3' });
    const [held, reached] = [gate(), gate()];
    const late = step(
      worker(async (call) => {
        if (!drops('new')(call)) return undefined;
        reached.open();
        await held.opened;
        return undefined;
      }),
    );
    await reached.opened;
    await resolve(w.context, 'feeds', { keep: 'new', key: 'Feed:3' });
    await step(worker((call) => (drops('old')(call) ? void held.open() : undefined)));
    held.open();
    await late;
    expect((await at(w, 'old')) ?? (await at(w, 'new'))).toBeDefined();
  });

  it('are heard, whatever else is commanded while the choice is carried out', async () => {
    for (const capabilities of stores) {
      const w = await split({ capabilities });
      await sweep(w);
      await resolve(w.context, 'feeds', { keep: 'old', key: 'Feed:3' });
      const { data } = w.store as ReturnType<typeof memoryStore>;
      let commanded = false;
      const fault = async ({ mutations }: StoreCall) => {
        if (commanded || !mutations.some(({ key: at }) => at.kind === '_HandoverDiscarded')) return undefined;
        commanded = true;
        await commands.pause(w.context, 'feeds');
        await commands.resume(w.context, 'feeds');
        return undefined;
      };
      const before = w.clock.now();
      await rest({ ...w, worker: new Worker({ ...w.context, store: memoryStore({ data, capabilities, fault }) }) });
      expect(commanded).toBe(true);
      expect(w.clock.now() - before).toBeLessThan(10_000);
      expect(await at(w, 'new')).toEqual(CHOSEN.old);
      expect(await verified(w)).toMatchObject({ clean: true, started: N, completed: N, quarantined: 0 });
    }
  });

  it('are not both heard where the later one says what he saw: what he is refused changes nothing', async () => {
    const w = await split();
    await sweep(w);
    const { history } = await commands.theCampaign(w.context, 'feeds');
    const expects = (now: commands.Campaign) => {
      if (now.history.length !== history.length) throw new HandoverError('campaign.changed', 'Meanwhile.');
    };
    await resolve({ ...w.context, expects }, 'feeds', { keep: 'new', key: 'Feed:3' });
    const refused = resolve({ ...w.context, expects }, 'feeds', { keep: 'old', key: 'Feed:3' });
    await expect(refused).rejects.toMatchObject({ code: 'campaign.changed' });
    await rest(w);
    expect(await at(w, 'new')).toEqual(NEW);
  });
});
