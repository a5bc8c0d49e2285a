import type { Store } from '../../src/store/store.ts';
import { concurrencyContract } from './contract/concurrency.ts';
import { findContract } from './contract/find.ts';
import { guardContract } from './contract/guards.ts';
import { mutationContract } from './contract/mutations.ts';
import { passThroughContract } from './contract/passThrough.ts';
import { probeContract } from './contract/probe.ts';
import { rangeContract } from './contract/ranges.ts';
import { unitContract } from './contract/units.ts';

export interface Opened {
  readonly store: Store;
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

/** What every adapter must pass. `open` gives an empty store each time. */
export function storeContract(name: string, open: Open): void {
  mutationContract(name, open);
  unitContract(name, open);
  guardContract(name, open);
  concurrencyContract(name, open);
  rangeContract(name, open);
  passThroughContract(name, open);
  findContract(name, open);
  probeContract(name, open);
}
