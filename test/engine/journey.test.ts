import { describe, expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { defineMigration } from '../../src/define/migration.ts';
import { all, changingRule, feedOf, newKey, oldKey, rest, seed, verified, world } from './harness.ts';

const N = 1234;

for (const atomic of ['group', 'any'] as const) {
  describe(`a campaign where one commit spans ${atomic === 'any' ? 'everything (short path)' : 'a group (full path)'}`, () => {
    it('copies, switches and completes, and leaves every record once, under its user', async () => {
      const w = world({ atomic });
      await seed(w.store, N);
      await commands.start(w.context, 'feeds');
      expect((await rest(w)).stage).toBe('copied');
      expect(await verified(w)).toMatchObject({ clean: true, started: N, completed: N, duplicates: 0, gaps: 0 });
      expect((await all(w.store, 'Feed')).size).toBe(N);
      await commands.switchOver(w.context, 'feeds');
      expect((await rest(w)).stage).toBe('switched');
      expect(await verified(w)).toMatchObject({ clean: true, started: N, completed: N });
      await commands.complete(w.context, 'feeds');
      const done = await rest(w);
      expect(done).toMatchObject({ stage: 'completed', closed: true });
      expect(await verified(w)).toMatchObject({ clean: true, started: N, completed: N, inFlight: 0, seen: N });
      expect((await all(w.store, 'Feed')).size).toBe(0);
      const moved = await all(w.store, 'Feed', 'User');
      expect(moved.size).toBe(N);
      for (let n = 1; n <= N; n++) expect(moved.get(newKey(n).toString())).toEqual(feedOf(n));
    });

    it('goes straight to completed when told so', async () => {
      const w = world({ atomic });
      await seed(w.store, N);
      await commands.start(w.context, 'feeds', { to: 'completed' });
      expect((await rest(w)).stage).toBe('completed');
      expect(await verified(w)).toMatchObject({ clean: true, started: N, completed: N, seen: N });
    });

    it('reverses half, keeps what was written since, and switches again', async () => {
      const w = world({ atomic, migration: defineMigration({ name: 'feeds', version: 1, records: [changingRule] }) });
      await seed(w.store, N);
      await commands.start(w.context, 'feeds');
      await rest(w);
      await commands.switchOver(w.context, 'feeds');
      await rest(w);
      for (let n = 1; n <= 40; n++) {
        await w.router.update({ from: oldKey(n), into: newKey(n) }, (feed) => ({ ...feed, visits: feed.visits + n }));
      }
      await commands.reverse(w.context, 'feeds', { share: 50 });
      expect((await rest(w)).stage).toBe('switching');
      expect(await verified(w)).toMatchObject({ clean: true, started: N, completed: N });
      const atHome = [...(await all(w.store, 'Feed')).keys()].filter(Boolean).length;
      expect(atHome).toBe(N);
      const away = (await all(w.store, 'Feed', 'User')).size;
      expect(away).toBeGreaterThan(N * 0.4);
      expect(away).toBeLessThan(N * 0.6);
      await commands.switchOver(w.context, 'feeds');
      await rest(w);
      await commands.complete(w.context, 'feeds');
      expect((await rest(w)).stage).toBe('completed');
      const moved = await all(w.store, 'Feed', 'User');
      for (let n = 1; n <= N; n++) {
        const { user, title } = feedOf(n);
        expect(moved.get(newKey(n).toString())).toEqual({ user, name: title.toUpperCase(), visits: n <= 40 ? n : 0 });
      }
    });

    it('cancels: everything is home, as it was, and nothing is left behind', async () => {
      const w = world({ atomic });
      await seed(w.store, N);
      const before = await all(w.store, 'Feed');
      await commands.start(w.context, 'feeds');
      await rest(w);
      await commands.switchOver(w.context, 'feeds', { share: 30 });
      await rest(w);
      await commands.cancel(w.context, 'feeds');
      expect(await rest(w)).toMatchObject({ stage: 'cancelled', closed: true });
      expect(await all(w.store, 'Feed')).toEqual(before);
      expect((await all(w.store, 'Feed', 'User')).size).toBe(0);
    });
  });
}
