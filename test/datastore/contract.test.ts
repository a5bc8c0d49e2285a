import type { Key } from '../../src/record/key.ts';
import { datastoreStore } from '../../src/store/datastore/datastore.ts';
import type { Store } from '../../src/store/store.ts';
import { connectionTo, describeEachMode } from '../emulators/each.ts';
import type { Mode } from '../emulators/emulator.ts';
import { type Lacks, type Open, storeContract } from '../store/contract.ts';

const lacksOf = (mode: Mode): Lacks => ({
  opaqueContent: true,
  flaggedArrays: true,
  isKey: (key) => isKey(key) && (mode === 'firestore' || !hasOtherOrder(key)),
});

/** Namespaces are letters, digits, and `._-` here; a name or kind that begins and ends with two `_` is reserved. */
function isKey({ namespace, path }: Key): boolean {
  return /^[\w.-]*$/.test(namespace) && !path.some(({ kind, id }) => isReserved(kind) || isReserved(String(id)));
}

/** The Cloud Datastore emulator orders text by UTF-16 units, as Java does; the service documents UTF-8, as this project. */
const hasOtherOrder = ({ path }: Key): boolean => path.some(({ kind, id }) => /[\uE000-\uFFFF]/u.test(`${kind}${id}`));

const isReserved = (text: string): boolean => /^__.*__$/s.test(text);

const opens =
  (mode: Mode): Open =>
  async () => {
    const connection = connectionTo(mode);
    const open = async () => settled(await datastoreStore(connection));
    let store = await open();
    return {
      store,
      lacks: lacksOf(mode),
      reopen: async () => {
        await store.close();
        store = await open();
        return store;
      },
      cleanup: () => store.close(),
    };
  };

/**
 * Where scans lag behind, a look-up of a key brings it up to date there: so the keys that were written are looked up
 * before each query, and what a query then answers can be compared with a model. That they do lag is tested on its own.
 */
function settled(store: Store): Store {
  if (store.capabilities.scans === 'strong') return store;
  const written = new Map<string, Key>();
  const note = (keys: readonly Key[]) => {
    for (const key of keys) written.set(key.toString(), key);
  };
  const settle = () => store.read([...written.values()]);
  return {
    ...store,
    async commit(mutations, guard) {
      note(mutations.map(({ key }) => key));
      return store.commit(mutations, guard);
    },
    async commitTogether(units, guard) {
      note(units.flat().map(({ key }) => key));
      return store.commitTogether(units, guard);
    },
    async overwrite(puts, removes = []) {
      note([...puts.map(({ key }) => key), ...removes]);
      return store.overwrite(puts, removes);
    },
    async scan(range, limit) {
      await settle();
      return store.scan(range, limit);
    },
    async split(...about) {
      await settle();
      return store.split(...about);
    },
    async find(...query) {
      await settle();
      return store.find(...query);
    },
  };
}

describeEachMode('datastore', (mode) => storeContract(mode, opens(mode), true));
