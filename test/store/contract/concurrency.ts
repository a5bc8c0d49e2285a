import { describe, expect, it } from 'vitest';
import { key } from '../../../src/record/key.ts';
import type { Mutation, Store } from '../../../src/store/store.ts';
import type { Open } from '../contract.ts';
import { eachStore, insert, numbered, numberOf, readOne } from './steps.ts';

const COUNTER = key('Counter', 'hits');

export function concurrencyContract(name: string, open: Open): void {
  describe(`${name}: calls at the same time`, () => {
    const the = eachStore(open);

    it('of many updates of one version exactly one wins, each round', async () => {
      let version = await insert(the.store, COUNTER);
      for (let round = 0; round < 20; round++) {
        const rivals = Array.from({ length: 8 }, (_, i): Mutation => {
          return { op: 'update', key: COUNTER, version, content: numbered(8 * round + i + 1) };
        });
        const outcomes = (await Promise.all(rivals.map((each) => the.store.commit([each])))).flat();
        const winners = outcomes.flatMap((outcome, i) => (outcome.status === 'applied' ? [{ outcome, i }] : []));
        expect(winners).toHaveLength(1);
        const entity = await readOne(the.store, COUNTER);
        expect(numberOf(entity)).toBe(8 * round + winners[0]!.i + 1);
        expect(entity!.version).toBe(winners[0]!.outcome.version);
        version = entity!.version;
      }
    });

    it('of an update, a delete and a delete of one version exactly one wins', async () => {
      const version = await insert(the.store, COUNTER);
      const rivals: Mutation[] = [
        { op: 'delete', key: COUNTER, version },
        { op: 'update', key: COUNTER, version, content: numbered(1) },
        { op: 'delete', key: COUNTER, version },
      ];
      const outcomes = (await Promise.all(rivals.map((each) => the.store.commit([each])))).flat();
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['applied', 'conflict', 'conflict']);
    });

    it('of many inserts of one key exactly one wins', async () => {
      const rivals = Array.from({ length: 8 }, (_, i): Mutation => {
        return { op: 'insert', key: COUNTER, content: numbered(i) };
      });
      const outcomes = (await Promise.all(rivals.map((each) => the.store.commit([each])))).flat();
      expect(outcomes.filter(({ status }) => status === 'applied')).toHaveLength(1);
    });

    it('clients that increment by compare-and-set lose no update', async () => {
      await insert(the.store, COUNTER);
      await Promise.all(Array.from({ length: 5 }, () => increment(the.store, 20)));
      expect(numberOf(await readOne(the.store, COUNTER))).toBe(100);
    });

    it('what was acknowledged is seen by every read that begins afterwards', async () => {
      for (let n = 1; n <= 30; n++) {
        const at = key('Feed', n);
        await insert(the.store, at, numbered(n));
        expect(numberOf(await readOne(the.store, at))).toBe(n);
        if (the.store.capabilities.scans !== 'strong') continue;
        const { entities } = await the.store.scan({ namespace: '', kind: 'Feed', after: key('Feed', n - 1 || 1) }, 10);
        if (n > 1) expect(entities.map(numberOf)).toEqual([n]);
      }
    });

    it('calls whose answers nobody awaits are still applied before the store closes', async () => {
      const { reopen } = the.opened;
      if (!reopen) return;
      const answer = the.store.commit([{ op: 'insert', key: COUNTER, content: numbered(3) }]);
      const again = await reopen();
      expect((await answer)[0]!.status).toBe('applied');
      expect(numberOf(await readOne(again, COUNTER))).toBe(3);
    });
  });
}

async function increment(store: Store, times: number): Promise<void> {
  for (let done = 0; done < times; ) {
    const entity = (await readOne(store, COUNTER))!;
    const content = numbered(numberOf(entity)! + 1);
    const [outcome] = await store.commit([{ op: 'update', key: COUNTER, version: entity.version, content }]);
    if (outcome!.status === 'applied') done++;
  }
}
