import type { ErrorCode } from '../errors.ts';
import type { Content } from '../record/content.ts';
import type { Key } from '../record/key.ts';
import type { Value } from '../record/value.ts';
import type { PriceList } from './prices.ts';

/**
 * Changes with every write that changes an entity, and never comes back, not even when it is deleted and made again. One
 * that writes what is there already may leave it. Opaque.
 */
export type Version = string | number;

export interface Entity {
  readonly key: Key;
  readonly content: Content;
  /** The text of the state slot, not yet decoded: one bad slot must not spoil a page. */
  readonly slot: string | undefined;
  readonly version: Version;
}

/** Keys of one kind, in key order. `after` and `until` cut a piece out of it: `after < key <= until`. */
export interface KeyRange {
  readonly namespace: string;
  readonly kind: string;
  /** Only keys whose path begins with this kind. */
  readonly rootKind?: string;
  /** Only keys of this entity group: the root itself and what is below it. */
  readonly root?: Key;
  readonly after?: Key;
  readonly until?: Key;
}

export interface Page {
  readonly entities: readonly Entity[];
  /** False when nothing lies beyond the last entity of this page. */
  readonly more: boolean;
}

/** A compare-and-set of one entity. There is no other way to write: an `insert` is "must not exist". */
export type Mutation =
  | { readonly op: 'insert'; readonly key: Key; readonly content: Content; readonly slot?: string | undefined }
  | {
      readonly op: 'update';
      readonly key: Key;
      readonly version: Version;
      readonly content: Content;
      readonly slot?: string | undefined;
    }
  | { readonly op: 'delete'; readonly key: Key; readonly version: Version };

/** An entity outside the call that must still be at this version when the call is applied. */
export interface Guard {
  readonly key: Key;
  readonly version: Version;
}

/**
 * `unknown`: the answer was lost, the mutation may have been applied. Never treat it as a failure: look again.
 * `fenced`: the guard had changed; then it is the answer to every mutation of the call, and nothing of it was applied.
 * `refused`: not applied, and never will be, for the entity is one that this store cannot hold; the record's fault.
 * `busy`: surely not applied, and worth another try after a pause. `contention`: others write the same entity group just
 * now; `exhausted`: the store takes no more of anything.
 * The version of an applied delete is meaningless.
 */
export type Outcome = { readonly status: 'applied'; readonly version: Version } | NotApplied;

export type UnitOutcome = { readonly status: 'applied'; readonly versions: readonly Version[] } | NotApplied;

export type NotApplied =
  | { readonly status: 'conflict' }
  | { readonly status: 'fenced' }
  | Busy
  | { readonly status: 'unknown'; readonly cause: string }
  | { readonly status: 'refused'; readonly code: ErrorCode; readonly cause: string };

export interface Busy {
  readonly status: 'busy';
  readonly why: 'contention' | 'exhausted';
  readonly cause: string;
}

export interface Capabilities {
  readonly name: string;
  /** What one atomic commit may span: single entities, one entity group, or anything. */
  readonly atomic: 'entity' | 'group' | 'any';
  /** Whether `readTogether` sees one moment. */
  readonly snapshotReads: boolean;
  /** Keys of one `readTogether`. */
  readonly maxTogether: number;
  /** Whether a scan sees every write that was acknowledged before it began. */
  readonly scans: 'strong' | 'eventual';
  /** Whether all pages of a long look can be as of one moment: `atOneMoment`. */
  readonly snapshotScans: boolean;
  /** Whether `find` is served by an index or by a scan. */
  readonly finds: 'indexed' | 'scanned';
  /** Whether a commit can be made to depend on a guard. */
  readonly guards: boolean;
  /** Milliseconds after which a commit that was handed in has been applied or never will be. Asked only without `guards`. */
  readonly lateMs: number;
  /** Whether new traffic must be raised slowly, because the store splits its ranges under load: the 500/50/5 ramp. */
  readonly warmsUp: boolean;
  readonly maxMutations: number;
  readonly maxEntityBytes: number;
  readonly maxKeyBytes: number;
}

/** Something that a store found out about itself, and what follows from it. */
export interface Fact {
  readonly what: string;
  readonly meaning: string;
}

/** How far a range is cut beyond the pieces that are asked for: into `most`, as long as each has so many entities. */
export interface Finer {
  readonly most: number;
  readonly entities: number;
}

/** What many pages and look-ups of one moment are read from. */
export type View = Pick<Store, 'scan' | 'read'>;

export interface Store {
  readonly capabilities: Capabilities;
  /** What its operations cost at list price, for `plan`. Unset where they cost nothing. */
  readonly prices?: PriceList;
  /** What was found out when the store was opened, where that is more than it declares; for `doctor`. */
  readonly facts?: readonly Fact[];
  /** At most `limit` entities of the range in key order, after `range.after`. */
  scan(range: KeyRange, limit: number): Promise<Page>;
  /**
   * Cuts the range into at most `n` pieces of roughly equal size that together are the range; into more where `finer` says
   * so and the store can tell, roughly, that they are large enough.
   */
  split(range: KeyRange, n: number, finer?: Finer): Promise<readonly KeyRange[]>;
  /** Each key's entity as it is at some moment during the call, in the order of the keys. */
  read(keys: readonly Key[]): Promise<readonly (Entity | undefined)[]>;
  /** All keys at one and the same moment. Only with `snapshotReads`. */
  readTogether(keys: readonly Key[]): Promise<readonly (Entity | undefined)[]>;
  /**
   * All that `run` reads from the view stands there as it did at one moment, whatever is written meanwhile. Only with
   * `snapshotScans`. Throws `store.moment` where the store does not hold it for as long as `run` takes.
   */
  atOneMoment<R>(run: (view: View) => Promise<R>): Promise<R>;
  /** Each mutation on its own: an outcome each, in order. Durable before it is acknowledged. No key twice. */
  commit(mutations: readonly Mutation[], guard?: Guard): Promise<readonly Outcome[]>;
  /** Each unit all or nothing: an outcome each. Every unit's keys must lie within `capabilities.atomic`. */
  commitTogether(units: readonly (readonly Mutation[])[], guard?: Guard): Promise<readonly UnitOutcome[]>;
  /** Entities of the range, in key order, whose indexed property (or one element of it) equals the value. */
  find(range: KeyRange, property: string, value: Value, limit: number): Promise<Page>;
  /** The kinds of all entities of the namespace, in order. Unset, or undefined, where the store cannot tell. */
  kinds?(namespace: string): Promise<readonly string[] | undefined>;
  /** Keeps an index for `find` from now on, where the store has none by itself. At once where it has; else it takes a while. */
  index?(kind: string, property: string): Promise<void>;
  /** Writes and removes without looking: for seeding, and for measuring against. The engine never calls it. */
  overwrite(puts: readonly { key: Key; content: Content; slot?: string }[], removes?: readonly Key[]): Promise<void>;
  close(): Promise<void>;
}

/** Makes a commit depend on this entity, where the store can. Whoever passes it must be safe without, too. */
export function guardOn({ capabilities }: Store, key: Key, version: Version): Guard | undefined {
  return capabilities.guards ? { key, version } : undefined;
}

/** Whether one atomic commit may span both keys. */
export function atomicTogether({ atomic }: Capabilities, a: Key, b: Key): boolean {
  return atomic === 'any' || (atomic === 'group' && sameGroup(a, b));
}

function sameGroup(a: Key, b: Key): boolean {
  const one = a.path[0]!;
  const two = b.path[0]!;
  return one.kind === two.kind && one.id === two.id && a.namespace === b.namespace;
}
