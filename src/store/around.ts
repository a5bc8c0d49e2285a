import type { Key } from '../record/key.ts';
import type { KeyRange, Mutation, Store } from './store.ts';

/** One call of a store, as far as may be told of it: no keys and no contents. */
export interface CallFacts {
  readonly call: 'scan' | 'split' | 'read' | 'readTogether' | 'commit' | 'commitTogether' | 'find';
  /** The kind of what is asked for, or of the group of its first key. */
  readonly kind: string;
  /** Keys that are read or written; of a range, the most that is asked for. */
  readonly size: number;
}

export type Around = <R>(facts: CallFacts, act: () => Promise<R>) => Promise<R>;

/** The same store, with something done before and after each of its calls. */
export function aroundCalls(store: Store, each: Around): Store {
  return {
    capabilities: store.capabilities,
    ...(store.prices ? { prices: store.prices } : {}),
    ...(store.facts ? { facts: store.facts } : {}),
    ...(store.index ? { index: (kind, property) => store.index!(kind, property) } : {}),
    scan: (range, limit) => each(ofRange('scan', range, limit), () => store.scan(range, limit)),
    split: (range, n, finer) => each(ofRange('split', range, n), () => store.split(range, n, finer)),
    find: (range, property, value, limit) =>
      each(ofRange('find', range, limit), () => store.find(range, property, value, limit)),
    read: (keys) => each(ofKeys('read', keys), () => store.read(keys)),
    readTogether: (keys) => each(ofKeys('readTogether', keys), () => store.readTogether(keys)),
    atOneMoment: (run) =>
      store.atOneMoment((view) =>
        run({
          scan: (range, limit) => each(ofRange('scan', range, limit), () => view.scan(range, limit)),
          read: (keys) => each(ofKeys('read', keys), () => view.read(keys)),
        }),
      ),
    commit: (mutations, guard) => each(ofKeys('commit', mutations.map(keyOf)), () => store.commit(mutations, guard)),
    commitTogether: (units, guard) =>
      each(ofKeys('commitTogether', units.flat().map(keyOf)), () => store.commitTogether(units, guard)),
    overwrite: (puts, removes) => store.overwrite(puts, removes),
    close: () => store.close(),
  };
}

const keyOf = ({ key }: Mutation): Key => key;

const ofRange = (call: CallFacts['call'], { kind }: KeyRange, size: number): CallFacts => ({ call, kind, size });

const ofKeys = (call: CallFacts['call'], keys: readonly Key[]): CallFacts => ({
  call,
  kind: keys[0]?.path[0]?.kind ?? '',
  size: keys.length,
});
