import { describe, expect, it } from 'vitest';
import { type Key, key } from '../../../src/record/key.ts';
import type { Guard, Mutation } from '../../../src/store/store.ts';
import type { Open } from '../contract.ts';
import { commitOne, eachStore, insert, numbered, statuses } from './steps.ts';

const WATCHED = key('Campaign', 'feeds.1');
const feed = (n: number): Key => key('User', 'ann', 'Feed', n);
const inserts = (...ids: number[]): Mutation[] =>
  ids.map((n) => ({ op: 'insert', key: feed(n), content: numbered(n) }));

export function guardContract(name: string, open: Open): void {
  describe(`${name}: a commit under a guard`, () => {
    const the = eachStore(open);
    const guards = () => the.store.capabilities.guards;
    const changed = async (): Promise<{ old: Guard; now: Guard }> => {
      const version = await insert(the.store, WATCHED, numbered(1));
      const next = await commitOne(the.store, { op: 'update', key: WATCHED, version, content: numbered(2) });
      return { old: { key: WATCHED, version }, now: { key: WATCHED, version: next } };
    };

    it('is applied while the guard stands', async ({ skip }) => {
      if (!guards()) skip();
      const { now } = await changed();
      expect(await statuses(the.store.commit(inserts(1, 2), now))).toEqual(['applied', 'applied']);
      expect(await statuses(the.store.commitTogether([inserts(3), inserts(4)], now))).toEqual(['applied', 'applied']);
    });

    it('applies nothing once the guard has changed, and says so of every mutation', async ({ skip }) => {
      if (!guards()) skip();
      const { old } = await changed();
      expect(await statuses(the.store.commit(inserts(1, 2), old))).toEqual(['fenced', 'fenced']);
      expect(await statuses(the.store.commitTogether([inserts(3), inserts(4)], old))).toEqual(['fenced', 'fenced']);
      expect(await the.store.read([1, 2, 3, 4].map(feed))).toEqual([undefined, undefined, undefined, undefined]);
    });

    it('applies nothing once the guard is gone, or was made anew', async ({ skip }) => {
      if (!guards()) skip();
      const { now } = await changed();
      await commitOne(the.store, { op: 'delete', key: WATCHED, version: now.version });
      expect(await statuses(the.store.commit(inserts(1), now))).toEqual(['fenced']);
      await insert(the.store, WATCHED, numbered(2));
      expect(await statuses(the.store.commit(inserts(1), now))).toEqual(['fenced']);
    });

    it('still has an outcome for each mutation, and a guard of the wrong type fences', async ({ skip }) => {
      if (!guards()) skip();
      const { now } = await changed();
      await insert(the.store, feed(1));
      expect(await statuses(the.store.commit(inserts(1, 2), now))).toEqual(['conflict', 'applied']);
      const wrong = { key: WATCHED, version: undefined as never };
      expect(await statuses(the.store.commit(inserts(3), wrong))).toEqual(['fenced']);
    });

    it('of commits that race with a change of their guard, none is applied after it', async ({ skip }) => {
      if (!guards()) skip();
      let version = await insert(the.store, WATCHED, numbered(0));
      for (let round = 0; round < 20; round++) {
        const guard = { key: WATCHED, version };
        const [first, change, second] = await Promise.all([
          the.store.commit(inserts(2 * round + 1), guard),
          the.store.commit([{ op: 'update', key: WATCHED, version, content: numbered(round) }]),
          the.store.commit(inserts(2 * round + 2), guard),
        ]);
        if (change![0]!.status !== 'applied') throw new Error('nobody else changes it');
        version = change![0]!.version;
        for (const [outcome] of [first, second]) expect(['applied', 'fenced']).toContain(outcome!.status);
        expect(await statuses(the.store.commit(inserts(2 * round + 100), guard))).toEqual(['fenced']);
      }
    });

    it('is refused where the store takes no guards', async ({ skip }) => {
      if (guards()) skip();
      const guard = { key: WATCHED, version: 1 };
      await expect(the.store.commit(inserts(1), guard)).rejects.toThrow(RangeError);
    });
  });
}
