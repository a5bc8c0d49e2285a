import { Key, kindPrefix } from '../../record/key.ts';
import type { KeyRange } from '../store.ts';
import { type Database, keyToWire } from './keys.ts';
import type { WireFilter, WireQuery } from './wire.ts';

/** No key of a kind comes after this one, save what is below it: 1,500 bytes, of the last character there is. */
const LAST_NAME = '\u{10FFFF}'.repeat(375);

interface End {
  readonly key: Key;
  readonly inclusive: boolean;
}

/**
 * The query for a range: its kind, its group as ancestor, and one filter for each end, in key order. Undefined when no
 * key can be in the range. The ends are of the same kind and namespace as what is scanned: the store compares paths, and
 * refuses a key of another namespace.
 */
export function queryOf(database: Database, range: KeyRange, more: readonly WireFilter[] = []): WireQuery | undefined {
  const { kind, namespace, rootKind, root } = range;
  const group = root?.root;
  if (group && (group.namespace !== namespace || (rootKind !== undefined && group.kind !== rootKind))) return undefined;
  const ends = endsOf(range);
  if (!ends) return undefined;
  const on = (op: NonNullable<WireFilter['propertyFilter']>['op'], key: Key): WireFilter => {
    return { propertyFilter: { property: { name: '__key__' }, op, value: { keyValue: keyToWire(database, key) } } };
  };
  const filters = [
    ...more,
    ...(group ? [on('HAS_ANCESTOR', group)] : []),
    ...(ends.low ? [on(ends.low.inclusive ? 'GREATER_THAN_OR_EQUAL' : 'GREATER_THAN', ends.low.key)] : []),
    ...(ends.high ? [on(ends.high.inclusive ? 'LESS_THAN_OR_EQUAL' : 'LESS_THAN', ends.high.key)] : []),
  ];
  return {
    kind: [{ name: kind }],
    order: [{ property: { name: '__key__' }, direction: 'ASCENDING' }],
    ...(filters.length === 0 ? {} : { filter: { compositeFilter: { op: 'AND', filters } } }),
  };
}

function endsOf({ namespace, kind, rootKind, root, after, until }: KeyRange): { low?: End; high?: End } | undefined {
  const prefix = kindPrefix(kind, namespace);
  const lows: End[] = [];
  const highs: End[] = [];
  if (rootKind !== undefined && root === undefined) {
    lows.push({ key: Key.of([{ kind: rootKind, id: 1n }], namespace), inclusive: true });
    highs.push({ key: Key.of([{ kind: rootKind, id: LAST_NAME }], namespace), inclusive: false });
  }
  // A key of another kind or namespace lies before all of the range or after it.
  const side = (key: Key) => kindPrefix(key.kind, key.namespace).compare(prefix);
  if (after && side(after) > 0) return undefined;
  if (after && side(after) === 0) lows.push({ key: after, inclusive: false });
  if (until && side(until) < 0) return undefined;
  if (until && side(until) === 0) highs.push({ key: until, inclusive: true });
  const low = lows.sort((a, b) => comparePaths(b.key, a.key))[0];
  const high = highs.sort((a, b) => comparePaths(a.key, b.key))[0];
  if (low && high) {
    const order = comparePaths(low.key, high.key);
    if (order > 0 || (order === 0 && !(low.inclusive && high.inclusive))) return undefined;
  }
  return { ...(low ? { low } : {}), ...(high ? { high } : {}) };
}

/** Whether the store would put one key before the other within a kind: by paths, whatever their own kinds are. */
export function comparePaths(a: Key, b: Key): number {
  return pathBytes(a).compare(pathBytes(b));
}

const pathBytes = (key: Key): Buffer => key.bytes.subarray(kindPrefix(key.kind, key.namespace).length);
