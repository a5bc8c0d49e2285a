import type { Key } from '../../src/record/key.ts';
import type { Store } from '../../src/store/store.ts';
import { concurrencyContract } from './contract/concurrency.ts';
import { findContract } from './contract/find.ts';
import { guardContract } from './contract/guards.ts';
import { momentContract } from './contract/moments.ts';
import { mutationContract } from './contract/mutations.ts';
import { passThroughContract } from './contract/passThrough.ts';
import { probeContract } from './contract/probe.ts';
import { rangeContract } from './contract/ranges.ts';
import { unitContract } from './contract/units.ts';

/** What a store cannot hold, although the port could say it: the contract goes around it. */
export interface Lacks {
  /** Content that does not decode. */
  readonly opaqueContent?: boolean;
  /** Index flags of an array itself, not of its elements. */
  readonly flaggedArrays?: boolean;
  /** Which keys it takes. */
  readonly isKey?: (key: Key) => boolean;
}

export interface Opened {
  readonly store: Store;
  readonly lacks?: Lacks;
  /** Closes the store and opens it again, where it outlives its process. */
  readonly reopen?: () => Promise<Store>;
  readonly cleanup: () => Promise<void>;
}

export type Open = () => Promise<Opened>;

/** A store that has indexes to declare declares these. */
export const CONTRACT_INDEXES = [
  { kind: 'Feed', property: 'tag' },
  { kind: 'Feed', property: 'n' },
] as const;

/** What every adapter must pass. `open` gives an empty store each time; `slow`: fewer runs of what is drawn by chance. */
export function storeContract(name: string, open: Open, slow = false): void {
  mutationContract(name, open, slow);
  unitContract(name, open);
  guardContract(name, open);
  concurrencyContract(name, open);
  rangeContract(name, open, slow);
  momentContract(name, open);
  passThroughContract(name, open);
  findContract(name, open, slow);
  probeContract(name, open);
}
