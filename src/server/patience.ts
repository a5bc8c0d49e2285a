import { HandoverError } from '../errors.ts';
import { readOnlyStore } from '../store/readOnly.ts';
import type { Store } from '../store/store.ts';

/**
 * The store for one who looks, for as long as the signal lets him: who looks cannot write, and a look at a whole home
 * ends when nobody waits for it any more. Its calls then throw `request.slow`.
 */
export function patientStore(store: Store, signal: AbortSignal): Store {
  const readable = readOnlyStore(store);
  const still = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      if (!signal.aborted) return call(...args);
      throw new HandoverError('request.slow', 'It would have to look at too much.');
    };
  };
  return {
    ...readable,
    scan: still(readable.scan),
    split: still(readable.split),
    read: still(readable.read),
    readTogether: still(readable.readTogether),
    find: still(readable.find),
    atOneMoment: (run) => readable.atOneMoment((view) => run({ scan: still(view.scan), read: still(view.read) })),
    close: async () => {},
  };
}
