import type { Key } from '../record/key.ts';
import type { Store, View } from '../store/store.ts';
import { isControl } from './documents.ts';

/** The same store, with its operations on records counted: entities scanned, keys read, mutations. It never waits. */
export function metered(store: Store, count: (operations: number) => void): Store {
  // No call mixes control documents with records, so its first key tells.
  const countKeys = (first: Key | undefined, n: number) => {
    if (first && !isControl(first.path[0]!.kind)) count(n);
  };
  const counted = ({ scan, read }: View): View => ({
    scan: async (range, limit) => {
      const page = await scan(range, limit);
      // A scan that finds nothing was one all the same.
      if (!isControl(range.kind)) count(Math.max(1, page.entities.length));
      return page;
    },
    read: (keys) => {
      countKeys(keys[0], keys.length);
      return read(keys);
    },
  });
  return {
    ...counted(store),
    capabilities: store.capabilities,
    ...(store.prices ? { prices: store.prices } : {}),
    split: (range, n, finer) => store.split(range, n, finer),
    find: (range, property, value, limit) => store.find(range, property, value, limit),
    overwrite: (puts, removes) => store.overwrite(puts, removes),
    close: () => store.close(),
    atOneMoment: (run) => store.atOneMoment((view) => run(counted(view))),
    readTogether: (keys) => {
      countKeys(keys[0], keys.length);
      return store.readTogether(keys);
    },
    commit: (mutations, guard) => {
      countKeys(mutations[0]?.key, mutations.length);
      return store.commit(mutations, guard);
    },
    commitTogether: (units, guard) => {
      const mutations = units.reduce((sum, unit) => sum + unit.length, 0);
      countKeys(units[0]?.[0]?.key, mutations);
      return store.commitTogether(units, guard);
    },
  };
}
