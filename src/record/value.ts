import type { Key } from './key.ts';

/** What Cloud Datastore can store, without loss. `unindexed` is the property's index flag; elements carry their own. */
export type Value = Typed & { readonly unindexed?: true; readonly meaning?: number };

export type Typed =
  | { readonly type: 'null' }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'integer'; readonly value: bigint }
  | { readonly type: 'double'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'bytes'; readonly value: Uint8Array }
  /** Seconds since 1970 (may be negative) and 0 to 999,999,999 nanoseconds after. */
  | { readonly type: 'timestamp'; readonly seconds: bigint; readonly nanos: number }
  | { readonly type: 'key'; readonly value: Key }
  | { readonly type: 'geoPoint'; readonly latitude: number; readonly longitude: number }
  | { readonly type: 'entity'; readonly properties: Properties }
  | { readonly type: 'array'; readonly values: readonly Value[] };

export type Properties = ReadonlyMap<string, Value>;

export const MIN_INTEGER = -(2n ** 63n);
export const MAX_INTEGER = 2n ** 63n - 1n;
