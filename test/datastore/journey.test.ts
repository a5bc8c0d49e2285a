import { expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { systemClock } from '../../src/clock.ts';
import { entity } from '../../src/define/entity.ts';
import { defineMigration, type Migration } from '../../src/define/migration.ts';
import { Worker } from '../../src/engine/worker.ts';
import { type Key, key } from '../../src/record/key.ts';
import { connect } from '../../src/store/datastore/client.ts';
import { datastoreStore } from '../../src/store/datastore/datastore.ts';
import { keyToWire } from '../../src/store/datastore/keys.ts';
import { connectionTo, DEADLINE_MS, describeEachMode, newProject, SHORT_MS } from '../emulators/each.ts';
import type { Mode } from '../emulators/emulator.ts';
import {
  CHANGING,
  changingRule,
  content,
  feedOf,
  newKey,
  oldKey,
  rest,
  seed,
  verified,
  type World,
  world,
} from '../engine/harness.ts';

/** Some in each range that a sweep is split into. A query of an emulator looks at all of a kind, and each write at its group. */
const N = 80;
const all = (many: (n: number) => unknown) => Promise.all(Array.from({ length: N }, (_, i) => many(i + 1)));

/** Reads both homes by key: what is there, not what a query shows of it. */
async function homes({ store }: World): Promise<{ old: number; young: number }> {
  const numbers = Array.from({ length: N }, (_, i) => i + 1);
  const [old, young] = [await store.read(numbers.map(oldKey)), await store.read(numbers.map((n) => newKey(n)))];
  return { old: old.filter(Boolean).length, young: young.filter(Boolean).length };
}

describeEachMode('datastore: a campaign', (mode) => {
  it('copies, switches, brings half back with what was written since, switches again and completes', () =>
    withWorld(mode, async (w) => {
      await commands.start(w.context, 'feeds');
      expect((await rest(w)).stage).toBe('copied');
      expect(await verified(w)).toMatchObject({ clean: true, started: N, completed: N });
      await commands.switchOver(w.context, 'feeds');
      expect((await rest(w)).stage).toBe('switched');
      for (let n = 1; n <= 20; n++) {
        await w.router.update({ from: oldKey(n), into: newKey(n) }, (feed) => ({ ...feed, visits: feed.visits + n }));
      }
      await commands.reverse(w.context, 'feeds', { share: 50 });
      expect((await rest(w)).stage).toBe('switching');
      expect(await verified(w)).toMatchObject({ clean: true, started: N, completed: N });
      await commands.switchOver(w.context, 'feeds');
      expect((await rest(w)).stage).toBe('switched');
      await commands.complete(w.context, 'feeds');
      expect(await rest(w)).toMatchObject({ stage: 'completed', closed: true });
      expect(await verified(w)).toMatchObject({ clean: true, started: N, completed: N, duplicates: 0, gaps: 0 });
      expect(await homes(w)).toEqual({ old: 0, young: N });
      await all(async (n) => {
        const { user, title } = feedOf(n);
        const expected = { user, name: title.toUpperCase(), visits: n <= 20 ? n : 0 };
        expect(await w.router.get({ from: oldKey(n), into: newKey(n) })).toEqual(expected);
      });
    }));

  it('keys in other entities follow the records, before old sides are dropped', () =>
    withWorld(
      mode,
      async (w) => {
        const numbers = Array.from({ length: N }, (_, i) => i + 1);
        const entryKey = (n: number) => key('Entry', n);
        await w.store.overwrite(
          numbers.map((n) => ({ key: entryKey(n), content: content({ items: [{ feed: oldKey(n) }] }) })),
        );
        const refersTo = async (keyOf: (n: number) => Key) => {
          const found = await w.store.read(numbers.map(entryKey));
          return found.every((each, i) => each!.content.equals(content({ items: [{ feed: keyOf(i + 1) }] })));
        };
        await commands.start(w.context, 'feeds', { to: 'switched' });
        await rest(w);
        expect(await refersTo((n) => newKey(n))).toBe(true);
        await commands.complete(w.context, 'feeds');
        expect(await rest(w)).toMatchObject({ stage: 'completed', closed: true });
        expect(await homes(w)).toEqual({ old: 0, young: N });
        expect(await refersTo((n) => newKey(n))).toBe(true);
        expect(await verified(w)).toMatchObject({ clean: true, references: { referring: N, stale: 0, dangling: 0 } });
      },
      {
        migration: defineMigration({
          name: 'feeds',
          version: 1,
          records: [entity({ ...CHANGING, references: [{ kind: 'Entry', property: 'items.feed' }] })],
        }),
      },
    ));

  it('two workers and a writer at once lose nothing', () => {
    const use = async (w: World) => {
      const { context, store, migration } = w;
      await commands.start(context, 'feeds', { to: 'completed' });
      const stop = new AbortController();
      const clock = systemClock;
      const workers = ['a', 'b'].map((id) =>
        new Worker({ store, migrations: [migration], clock, id }).run(stop.signal),
      );
      const visits = new Map<number, number>();
      for (let i = 0; i < 60; i++) {
        const n = 1 + ((i * 37) % N);
        await w.router.update({ from: oldKey(n), into: newKey(n) }, (feed) => ({ ...feed, visits: feed.visits + 1 }));
        visits.set(n, (visits.get(n) ?? 0) + 1);
      }
      const deadline = Date.now() + 90_000;
      while (!(await commands.theCampaign(context, 'feeds')).closed) {
        if (Date.now() > deadline) throw new Error('the campaign never came to rest');
        await clock.sleep(100);
      }
      stop.abort();
      await Promise.all(workers);
      expect(await homes(w)).toEqual({ old: 0, young: N });
      await all(async (n) => {
        expect((await w.router.get({ from: oldKey(n), into: newKey(n) }))!.visits).toBe(visits.get(n) ?? 0);
      });
    };
    return withWorld(mode, use, { deadlineMs: SHORT_MS });
  });

  it('a record with a value that cannot be carried is set aside, as it is, and the others go on', () =>
    withWorld(mode, async (w, projectId) => {
      const wire = await connect(connectionTo(mode, projectId), systemClock);
      const at = keyToWire(wire, oldKey(N + 1));
      const inner = { entityValue: { key: { path: [{ kind: 'Inner', name: 'x' }] }, properties: {} } };
      const properties = {
        user: { stringValue: 'u1' },
        title: { stringValue: 't' },
        visits: { integerValue: '0' },
        inner,
      };
      await wire.commit({ mode: 'NON_TRANSACTIONAL', mutations: [{ upsert: { key: at, properties } }] });
      await commands.start(w.context, 'feeds', { to: 'switched' });
      expect((await rest(w)).stage).toBe('switched');
      expect((await verified(w)).quarantined).toBe(1);
      const { found } = await wire.lookup({ keys: [at] });
      expect(found[0]!.entity.properties['inner']!.entityValue!.key!.path[0]).toMatchObject({
        kind: 'Inner',
        name: 'x',
      });
      expect(Object.keys(found[0]!.entity.properties)).not.toContain('_handover');
      await wire.close();
    }));
});

async function withWorld(
  mode: Mode,
  use: (w: World, projectId: string) => Promise<void>,
  {
    migration = defineMigration({ name: 'feeds', version: 1, records: [changingRule] }),
    deadlineMs = DEADLINE_MS,
  }: { migration?: Migration; deadlineMs?: number } = {},
): Promise<void> {
  const projectId = newProject();
  const store = await datastoreStore({ ...connectionTo(mode, projectId), deadlineMs });
  try {
    await seed(store, N);
    await use(world({ store, migration }), projectId);
  } finally {
    await store.close();
  }
}
