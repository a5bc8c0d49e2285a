import { rmSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { TARGETS } from '../../machines/moves.ts';
import { UNFENCED } from '../../src/engine/fence.ts';
import { lookAgain } from '../../src/engine/looks.ts';
import { hold, type Pair, roleOf } from '../../src/engine/pair.ts';
import { reconcile } from '../../src/engine/reconcile.ts';
import { Router } from '../../src/router/router.ts';
import { lmdbStore } from '../../src/store/lmdb.ts';
import { memoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { changingRule, handClock, newKey, oldKey } from '../engine/harness.ts';
import { tempDir } from '../store/dirs.ts';
import { addressOf, lay, named, PAIRS, truthIn } from './sides.ts';

const CALLS = ['get', 'update', 'put', 'insert', 'delete'] as const;

/** Brings one record to a target with the workers' own moves. */
async function sweep(store: Store, n: number, target: (typeof TARGETS)[number]): Promise<void> {
  const keys = { S: oldKey(n), T: newKey(n) };
  const pair: Pair = { rule: changingRule, scanned: 'S', keys, S: undefined, T: undefined, replaceable: 'neither' };
  const item: Parameters<typeof reconcile>[0][number] = { pair, target, moves: 0 };
  await lookAgain([item], store);
  const actor = { campaign: 'feeds.1', worker: 'w1', now: () => 1_700_000_000_000 };
  await reconcile([item], { store, actor, fence: UNFENCED });
  expect(item.result?.status).toBe('rest');
}

const path = tempDir();
afterAll(() => rmSync(path, { recursive: true, force: true }));

const STORES: readonly (readonly [string, () => Store])[] = [
  ['memory', () => memoryStore()],
  ['memory, short path', () => memoryStore({ capabilities: { atomic: 'any' } })],
  ['memory, without snapshot reads', () => memoryStore({ capabilities: { atomic: 'entity', snapshotReads: false } })],
  ['LMDB', () => lmdbStore({ path })],
];

describe.each(STORES)('every call on every pair of sides: %s', (name, open) => {
  const store = open();
  afterAll(() => store.close());
  const router = new Router({ store, rule: changingRule, clock: handClock() });
  const roles = async (n: number) => {
    const [S, T] = await store.read([oldKey(n), newKey(n)]);
    return roleOf(hold(S)) + roleOf(hold(T));
  };

  it.each(PAIRS)('%s', async (pair) => {
    const truth = truthIn(pair);
    for (const [i, call] of CALLS.entries()) {
      for (const [j, target] of TARGETS.entries()) {
        // On disk each write is a flush: there every call meets one target only.
        if (name === 'LMDB' && j !== (i + PAIRS.indexOf(pair)) % TARGETS.length) continue;
        const n = 1 + PAIRS.indexOf(pair) * 20 + i * 4 + j;
        await lay(store, pair, n);
        const address = addressOf(n);
        const seen = async () => (await router.get(address))?.name;
        let after = truth;
        if (call === 'get') expect(await seen(), call).toBe(truth);
        if (call === 'update') {
          const written = await router.update(address, (record) => ({ ...record, name: `${record.name} NEW` }));
          expect(written?.name).toBe(truth && `${truth} NEW`);
          after = truth && `${truth} NEW`;
        }
        if (call === 'put') {
          expect((await router.put(address, named(n, 'PUT'))).name).toBe('PUT');
          after = 'PUT';
        }
        if (call === 'insert') {
          expect(await router.insert(address, named(n, 'INSERTED'))).toBe(truth === undefined);
          after = truth ?? 'INSERTED';
        }
        if (call === 'delete') {
          expect(await router.delete(address)).toBe(truth !== undefined);
          after = undefined;
        }
        expect(await seen(), `${call}, at once`).toBe(after);
        await sweep(store, n, target);
        expect(await seen(), `${call}, under ${target}`).toBe(after);
        // An insert of somebody else is his to settle; nothing else may be left of a record that is none.
        if (after === undefined) expect(await roles(n)).toMatch(/^(--|B-|BH)$/);
      }
    }
  });
});
