import { Key, kindPrefix } from '../../record/key.ts';
import type { KeyRange } from '../store.ts';
import { type Database, keyToWire } from './keys.ts';
import type { WireFilter, WireQuery } from './wire.ts';

interface End {
  readonly op: 'GREATER_THAN' | 'GREATER_THAN_OR_EQUAL' | 'LESS_THAN' | 'LESS_THAN_OR_EQUAL';
  readonly key: Key;
}

/**
 * The query for a range: its kind, its group as ancestor, and one filter for each end, in key order. Undefined when no
 * key can be in the range. The ends are of the same kind and namespace as what is scanned: the store compares paths, and
 * refuses a key of another namespace. Names are never compared here: an emulator orders them by their UTF-16 units, and
 * would be asked for too little, so that a record is missed.
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
  const filters = [...more, ...(group ? [on('HAS_ANCESTOR', group)] : []), ...ends.map(({ op, key }) => on(op, key))];
  return {
    kind: [{ name: kind }],
    order: [{ property: { name: '__key__' }, direction: 'ASCENDING' }],
    ...(filters.length === 0 ? {} : { filter: { compositeFilter: { op: 'AND', filters } } }),
  };
}

function endsOf({ namespace, kind, rootKind, root, after, until }: KeyRange): End[] | undefined {
  const prefix = kindPrefix(kind, namespace);
  const ends: End[] = [];
  // A key of another kind or namespace lies before all of the range or after it.
  const side = (key: Key) => kindPrefix(key.kind, key.namespace).compare(prefix);
  if ((after && side(after) > 0) || (until && side(until) < 0)) return undefined;
  const low = after && side(after) === 0 ? after : undefined;
  const high = until && side(until) === 0 ? until : undefined;
  if (low) ends.push({ op: 'GREATER_THAN', key: low });
  if (high) ends.push({ op: 'LESS_THAN_OR_EQUAL', key: high });
  if (rootKind === undefined || root !== undefined) return ends;
  // An end below a root of the kind is the nearer one in any order of text, and then it stands alone: a server that began
  // at the further one would pass over all that was deleted in between, page after page.
  if (low?.root.kind !== rootKind) {
    ends.push({ op: 'GREATER_THAN_OR_EQUAL', key: Key.of([{ kind: rootKind, id: 1n }], namespace) });
  }
  // The very next kind in any order of text: no name is the last one in all of them.
  if (high?.root.kind !== rootKind) {
    ends.push({ op: 'LESS_THAN', key: Key.of([{ kind: `${rootKind}\0`, id: 1n }], namespace) });
  }
  return ends;
}
