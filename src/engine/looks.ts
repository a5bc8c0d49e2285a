import type { Side } from '../../machines/moves.ts';
import type { Key } from '../record/key.ts';
import type { Entity, Store } from '../store/store.ts';
import { attempt, type Item } from './item.ts';
import { hold, other } from './pair.ts';

/** Both sides at one moment, or, without snapshots, S, T and S again: then what is seen of both is of one moment too. */
export async function lookAgain(items: readonly Item[], store: Store): Promise<void> {
  const { snapshotReads, maxTogether, maxMutations } = store.capabilities;
  for (const part of batches(items, Math.floor((snapshotReads ? maxTogether : maxMutations) / 2))) {
    const keys = part.flatMap(({ pair }) => [pair.keys.S, pair.keys.T]);
    if (snapshotReads) {
      const found = await store.readTogether(keys);
      part.forEach((item, i) => {
        attempt(item, () => {
          item.pair.S = hold(found[2 * i]);
          item.pair.T = hold(found[2 * i + 1]);
          item.pair.replaceable = 'both';
        });
      });
    } else await lookSeparately(part, store);
  }
}

async function lookSeparately(part: readonly Item[], store: Store): Promise<void> {
  const before = await store.read(part.map(({ pair }) => pair.keys.S));
  const peers = await store.read(part.map(({ pair }) => pair.keys.T));
  const after = await store.read(part.map(({ pair }) => pair.keys.S));
  part.forEach((item, i) => {
    attempt(item, () => {
      item.pair.S = hold(after[i]);
      item.pair.T = hold(peers[i]);
      // S unchanged around the read of T: one moment. Else T was held while S was looked at, and only T may go.
      item.pair.replaceable = before[i]?.version === after[i]?.version ? 'both' : 'T';
    });
  });
}

/** Reads the peers of sides that were scanned: the scanned side was held first, so it is the one that may be replaced. */
export async function lookAtPeers(
  items: readonly Item[],
  scanned: Side,
  store: Pick<Store, 'capabilities' | 'read'>,
): Promise<void> {
  const peer = other(scanned);
  const keys = items.map(({ pair }) => pair.keys[peer]);
  const found = await readAll(store, keys);
  items.forEach((item, i) => {
    attempt(item, () => {
      item.pair[peer] = hold(found[i]);
      item.pair.replaceable = scanned;
    });
  });
}

/** Any number of keys, as many in a call as a store takes. */
export async function readAll(
  store: Pick<Store, 'capabilities' | 'read'>,
  keys: readonly Key[],
): Promise<(Entity | undefined)[]> {
  const found: (Entity | undefined)[] = [];
  for (const part of batches(keys, store.capabilities.maxMutations)) found.push(...(await store.read(part)));
  return found;
}

export function* batches<E>(all: readonly E[], size: number): Generator<readonly E[]> {
  for (let i = 0; i < all.length; i += size) yield all.slice(i, i + size);
}
