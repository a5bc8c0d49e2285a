import { type Clock, systemClock } from '../clock.ts';
import type { EntityRule } from '../define/entity.ts';
import { viewOf } from '../define/parts.ts';
import { Key } from '../record/key.ts';
import type { PlainRecord } from '../record/plain.ts';
import type { Store } from '../store/store.ts';
import type { Address, Derived } from './address.ts';
import { Comparer } from './comparing.ts';
import type { RouterEvents } from './events.ts';
import type { Look, Tools } from './look.ts';
import { type MigrateOptions, Mover } from './moving.ts';
import { type Aside, Records } from './records.ts';

export type { Address, Derived } from './address.ts';
export type { Mismatch, RouterEvents } from './events.ts';
export { FieldRouter, type FieldRouterOptions } from './fieldRouter.ts';
export { type GroupOptions, type GroupTransaction, withGroup } from './group.ts';
export type { MigrateOptions } from './moving.ts';
export type { Outside, Part } from './within.ts';

export interface RouterOptions<N extends object = PlainRecord, O extends object = object> {
  readonly store: Store;
  /** The rule of the migration that moves these records. */
  readonly rule: EntityRule<O, N>;
  readonly clock?: Clock;
  /** For keys that tell one another: then one of them is address enough, at any time. */
  readonly keys?: Derived;
  /** Moves records on when they are used. Default: only workers move them. */
  readonly migrate?: MigrateOptions;
  /** The share of reads, 0 to 1, that compare the copy beside the record with what the transform makes. Default: 0. */
  readonly compare?: number;
  readonly events?: RouterEvents;
}

/**
 * What the live application reads and writes through while a campaign runs: it follows the protocol's client rules.
 * Records are in the new shape, wherever they are.
 */
export class Router<N extends object = PlainRecord, O extends object = object> extends Records<N> {
  /** For code that still speaks the old shape at the old key. */
  readonly legacy: Legacy<O>;

  constructor(options: RouterOptions<N, O>) {
    const { rule, clock = systemClock, keys = {} } = options;
    const store = viewOf(options.store, { records: [rule] });
    const tools = { store, rule, clock, keys };
    const aside = asideOf(tools, options);
    super(tools, 'new', (address) => address, aside);
    this.legacy = new Legacy<O>(tools, 'old', oldAddress, aside);
  }
}

/** Records in their old shape, by their old key: for code that is not changed yet. */
export class Legacy<O extends object> extends Records<O, Key | Address> {}

const oldAddress = (given: Key | Address): Address => (given instanceof Key ? { from: given } : given);

type Beside = Pick<RouterOptions, 'compare' | 'migrate' | 'events'>;

function asideOf(tools: Tools, { compare = 0, migrate, events = {} }: Beside): Aside {
  const comparer = new Comparer(tools, compare, events);
  const mover = migrate && new Mover(tools, migrate, events);
  // The call has its answer: what fails beside it is told, and does not take it away.
  const safely = (run: () => Promise<void>) => run().catch((error: unknown) => events.faltered?.(error));
  return {
    afterRead: async (found: Look) => {
      await safely(() => comparer.afterRead(found));
      if (mover && migrate.on === 'read') await safely(() => mover.afterRead(found));
    },
    afterWrite: async (keys) => {
      if (mover) await safely(() => mover.afterWrite(keys));
    },
  };
}
