import { describe, expect, it } from 'vitest';
import { type Key, key } from '../../../src/record/key.ts';
import type { KeyRange, Store, View } from '../../../src/store/store.ts';
import type { Open } from '../contract.ts';
import { commitOne, eachStore, insert, numbered, numberOf, readOne, scanAll } from './steps.ts';

const RANGE: KeyRange = { namespace: '', kind: 'Account' };
const account = (n: number): Key => key('Account', n);
const ACCOUNTS = 12;
const TOTAL = 100 * ACCOUNTS;

/** Page by page, one account each, so that there is time between any two. */
async function totalOf({ scan }: View, between: () => Promise<void>): Promise<number> {
  let total = 0;
  for (let range = RANGE; ; ) {
    const { entities, more } = await scan(range, 1);
    for (const entity of entities) total += numberOf(entity)!;
    if (!more) return total;
    await between();
    range = { ...RANGE, after: entities.at(-1)!.key };
  }
}

/** Moves money from the last account to the first: who has passed by the first never sees it. */
async function moveMoney(store: Store): Promise<void> {
  const [from, to] = await store.read([account(ACCOUNTS), account(1)]);
  await commitOne(store, { op: 'update', key: to!.key, version: to!.version, content: numbered(numberOf(to)! + 1) });
  const less = numbered(numberOf(from)! - 1);
  await commitOne(store, { op: 'update', key: from!.key, version: from!.version, content: less });
}

export function momentContract(name: string, open: Open): void {
  describe(`${name}: many pages of one moment`, () => {
    const the = eachStore(open);
    const holds = () => the.store.capabilities.snapshotScans;
    const seed = () =>
      Promise.all(Array.from({ length: ACCOUNTS }, (_, i) => insert(the.store, account(i + 1), numbered(100))));

    it('show the same total while money is moved from one account to another between them', async ({ skip }) => {
      if (!holds()) skip();
      await seed();
      const total = await the.store.atOneMoment((view) => totalOf(view, () => moveMoney(the.store)));
      expect(total).toBe(TOTAL);
      // Without it money is missed: the pass would have been no proof.
      expect(await totalOf(the.store, () => moveMoney(the.store))).toBeLessThan(TOTAL);
      expect(await the.store.atOneMoment((view) => totalOf(view, async () => {}))).toBe(TOTAL);
    });

    it('are not changed by inserts and deletes, and what others read meanwhile is', async ({ skip }) => {
      if (!holds()) skip();
      await seed();
      await the.store.atOneMoment(async (view) => {
        const [first] = await view.read([account(1)]);
        await insert(the.store, account(99), numbered(1));
        await commitOne(the.store, { op: 'delete', key: account(1), version: first!.version });
        const [gone, made] = await view.read([account(1), account(99)]);
        expect([numberOf(gone), made]).toEqual([100, undefined]);
        expect(gone!.version).toBe(first!.version);
        expect(await readOne(the.store, account(1))).toBeUndefined();
        expect(numberOf(await readOne(the.store, account(99)))).toBe(1);
        const { entities } = await view.scan(RANGE, 100);
        expect(entities).toHaveLength(ACCOUNTS);
        if (the.store.capabilities.scans === 'strong')
          expect(await scanAll(the.store, RANGE, 100)).toHaveLength(ACCOUNTS);
      });
    });

    it('may be looked at by several at once, each at its own moment', async ({ skip }) => {
      if (!holds()) skip();
      await seed();
      const moments = [1, 2, 3].map(async (n) => {
        const total = await the.store.atOneMoment((view) => totalOf(view, () => moveMoney(the.store).catch(() => {})));
        return [n, total];
      });
      expect(await Promise.all(moments)).toEqual([
        [1, TOTAL],
        [2, TOTAL],
        [3, TOTAL],
      ]);
    });

    it('end with what the look throws, and others can be begun', async ({ skip }) => {
      if (!holds()) skip();
      await seed();
      const broken = the.store.atOneMoment(async () => {
        throw new TypeError('a defect');
      });
      await expect(broken).rejects.toThrow('a defect');
      expect(await the.store.atOneMoment((view) => totalOf(view, async () => {}))).toBe(TOTAL);
    });

    it('are left alone when the store closes: the look fails, and nothing else does', async ({ skip }) => {
      const { reopen } = the.opened;
      if (!holds() || !reopen) skip();
      await seed();
      let again: Promise<Store> | undefined;
      const look = the.store.atOneMoment(async (view) => {
        await view.scan(RANGE, 1);
        again = reopen!();
        return view.scan(RANGE, 1);
      });
      await expect(look).rejects.toMatchObject({ code: 'store.closed' });
      expect(numberOf(await readOne(await again!, account(1)))).toBe(100);
    });

    it('are refused where the store cannot hold them', async ({ skip }) => {
      if (holds()) skip();
      await expect(the.store.atOneMoment(async () => 1)).rejects.toThrow(RangeError);
    });
  });
}
