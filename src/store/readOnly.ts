import { HandoverError } from '../errors.ts';
import type { Store } from './store.ts';

/**
 * A store that cannot write: how a dry run is kept dry. Not a flag that is looked at here and there, but the only thing
 * that the dry run holds.
 */
export function readOnlyStore(store: Store): Store {
  const refuse = async (): Promise<never> => {
    throw new HandoverError('store.readOnly', `${store.capabilities.name} is only read here.`);
  };
  return {
    capabilities: store.capabilities,
    ...(store.prices ? { prices: store.prices } : {}),
    scan: (range, limit) => store.scan(range, limit),
    split: (range, n, finer) => store.split(range, n, finer),
    read: (keys) => store.read(keys),
    readTogether: (keys) => store.readTogether(keys),
    atOneMoment: (run) => store.atOneMoment(run),
    find: (range, property, value, limit) => store.find(range, property, value, limit),
    ...(store.kinds ? { kinds: (namespace) => store.kinds!(namespace) } : {}),
    commit: refuse,
    commitTogether: refuse,
    overwrite: refuse,
    close: () => store.close(),
  };
}
