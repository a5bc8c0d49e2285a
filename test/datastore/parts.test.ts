import { expect, it } from 'vitest';
import * as commands from '../../src/admin/commands.ts';
import { systemClock } from '../../src/clock.ts';
import { describeEachMode, openStore, SHORT_MS } from '../emulators/each.ts';
import { all, rest, verified, world } from '../engine/harness.ts';
import { customer, merge, seedCustomers, split, subscriptionOf } from '../engine/partsHarness.ts';

const [CUSTOMERS, N] = [5, 20];

describeEachMode(
  'datastore: records inside others',
  (mode) => {
    it('are split off and merged in again, each once, and nothing is left behind', { timeout: 200_000 }, async () => {
      const store = await openStore(mode, { deadlineMs: SHORT_MS });
      await seedCustomers(store, CUSTOMERS, N, 'inside');
      const out = world({ store, migration: split, clock: systemClock });
      await commands.start(out.context, 'split', { to: 'switched', ramp: false });
      await rest(out);
      await commands.complete(out.context, 'split');
      expect(await rest(out)).toMatchObject({ stage: 'completed', closed: true });
      expect(await verified(out)).toMatchObject({ clean: true, completed: N });
      for (let id = 1; id <= CUSTOMERS; id++) expect(await customer(store, id)).toEqual({ name: `customer ${id}` });
      const found = await all(store, 'Subscription');
      expect(found.size).toBe(N);
      for (let n = 1; n <= N; n++) expect(found.get(`Subscription:${n}`)).toEqual(subscriptionOf(n, CUSTOMERS));
      const back = world({ store, migration: merge, clock: systemClock });
      await commands.start(back.context, 'merge', { to: 'switched', ramp: false });
      await rest(back);
      expect(await verified(back)).toMatchObject({ clean: true, completed: N });
      const items = await Promise.all(
        Array.from({ length: CUSTOMERS }, async (_, i) => (await customer(store, i + 1))['subscriptions'] as object[]),
      );
      expect(items.flat()).toHaveLength(N);
      await store.close();
    });
  },
  ['firestore', 'firestoreMode'],
);
