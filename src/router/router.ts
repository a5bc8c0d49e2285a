import { type Clock, systemClock } from '../clock.ts';
import type { EntityRule } from '../define/entity.ts';
import { Key } from '../record/key.ts';
import type { PlainRecord } from '../record/plain.ts';
import type { Store } from '../store/store.ts';
import type { Address, Derived } from './address.ts';
import { type Aside, Records } from './records.ts';

export type { Address } from './address.ts';
export { Records } from './records.ts';

export interface RouterOptions<N extends object = PlainRecord, O extends object = object> {
  readonly store: Store;
  /** The rule of the migration that moves these records. */
  readonly rule: EntityRule<O, N>;
  readonly clock?: Clock;
  /** For keys that tell one another: then one of them is address enough, at any time. */
  readonly keys?: Derived;
}

const NOTHING_ASIDE: Aside = { afterRead: async () => {}, afterWrite: async () => {} };

/**
 * What the live application reads and writes through while a campaign runs: it follows the protocol's client rules and
 * knows nothing of the campaign. Records are in the new shape, wherever they are.
 */
export class Router<N extends object = PlainRecord, O extends object = object> extends Records<N> {
  /** For code that still speaks the old shape at the old key. */
  readonly legacy: Legacy<O>;

  constructor({ store, rule, clock = systemClock, keys = {} }: RouterOptions<N, O>) {
    const tools = { store, rule, clock, keys };
    super(tools, 'new', (address) => address, NOTHING_ASIDE);
    this.legacy = new Legacy<O>(tools, 'old', oldAddress, NOTHING_ASIDE);
  }
}

/** Records in their old shape, by their old key: for code that is not changed yet. */
export class Legacy<O extends object> extends Records<O, Key | Address> {}

const oldAddress = (given: Key | Address): Address => (given instanceof Key ? { from: given } : given);
