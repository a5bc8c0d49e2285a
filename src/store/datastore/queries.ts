import { HandoverError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import type { Key } from '../../record/key.ts';
import type { Value } from '../../record/value.ts';
import { isFound, termOf } from '../property.ts';
import type { Entity, KeyRange, Page } from '../store.ts';
import type { Connection } from './client.ts';
import { entityFromWire } from './entities.ts';
import { keyFromWire } from './keys.ts';
import { queryOf } from './ranges.ts';
import { propertiesToWire, type Writing } from './toWire.ts';
import type { WireFilter, WireQuery, WireResult } from './wire.ts';

/** At most `limit` rows, and whether the range ended before. Asks for one row more than a page holds to tell. */
export async function scan(connection: Connection, range: KeyRange, limit: number): Promise<Page> {
  const query = queryOf(connection, range);
  if (!query) return NOTHING;
  const rows: WireResult[] = [];
  for await (const batch of answersTo(connection, range.namespace, query, limit + 1)) rows.push(...batch);
  const entities = rows.slice(0, limit).map((row) => entityFromWire(connection, row));
  return { entities, more: rows.length > limit };
}

const NOTHING: Page = { entities: [], more: false };

/**
 * By the property's index; and looked at again, for an index takes 1 and 1.0 for equal. An array is never equal to a
 * value, only its elements are.
 */
export async function find(
  connection: Connection & Writing,
  range: KeyRange,
  property: string,
  value: Value,
  limit: number,
): Promise<Page> {
  if (value.type === 'array') return NOTHING;
  const { unindexed: _, meaning: __, ...plain } = value;
  const wire = propertiesToWire(connection, new Map([[property, plain as Value]]))[property]!;
  const filter: WireFilter = { propertyFilter: { property: { name: property }, op: 'EQUAL', value: wire } };
  const query = queryOf(connection, range, [filter]);
  if (!query) return NOTHING;
  const term = termOf(property, value);
  const entities: Entity[] = [];
  for await (const batch of answersTo(connection, range.namespace, query, Number.POSITIVE_INFINITY, limit + 1)) {
    for (const row of batch) {
      const entity = entityFromWire(connection, row);
      if (!isFound(entity.content, property, term)) continue;
      if (entities.length === limit) return { entities, more: true };
      entities.push(entity);
    }
  }
  return { entities, more: false };
}

/** By a metadata query. Undefined where the server does not answer it, as some emulators do not. */
export async function kindsOf(connection: Connection, namespace: string): Promise<readonly string[] | undefined> {
  const query: WireQuery = {
    kind: [{ name: '__kind__' }],
    order: [{ property: { name: '__key__' }, direction: 'ASCENDING' }],
    projection: KEYS_ONLY,
  };
  const kinds: string[] = [];
  try {
    for await (const batch of answersTo(connection, namespace, query, LIMITS.undeclaredKinds)) {
      for (const { entity } of batch) kinds.push(String(keyFromWire(connection, entity.key).id));
    }
  } catch (error) {
    // Nothing depends on it; what is wrong with the connection, the next call says too.
    if (!(error instanceof HandoverError)) throw error;
    return undefined;
  }
  return kinds.length > 0 ? kinds : undefined;
}

/** Keys of the range in key order, at most `limit`. */
export async function walkKeys(connection: Connection, range: KeyRange, limit: number): Promise<Key[]> {
  const query = queryOf(connection, range);
  const keys: Key[] = [];
  if (!query) return keys;
  const keysOnly = { ...query, projection: KEYS_ONLY };
  for await (const batch of answersTo(connection, range.namespace, keysOnly, limit)) {
    for (const { entity } of batch) keys.push(keyFromWire(connection, entity.key));
  }
  return keys;
}

export const KEYS_ONLY: NonNullable<WireQuery['projection']> = [{ property: { name: '__key__' } }];

/**
 * The answers to one query, until `limit` rows came or there are no more. A server may answer with fewer rows than were
 * asked for, or with none, and have more; and emulators say "more after the limit" at the very end too. So the end is
 * where the server says so, or an answer without rows that is not "not finished".
 */
export async function* answersTo(
  connection: Connection,
  namespace: string,
  query: WireQuery,
  limit: number,
  step = limit,
): AsyncGenerator<readonly WireResult[]> {
  const { projectId, databaseId } = connection;
  let left = limit;
  let from: Pick<WireQuery, 'startCursor'> = {};
  while (left > 0) {
    const { entityResults, endCursor, moreResults } = await connection.runQuery({
      partitionId: { projectId, databaseId, namespaceId: namespace },
      query: { ...query, ...from, limit: { value: Math.min(left, step) } },
    });
    yield entityResults;
    left -= entityResults.length;
    if (moreResults === 'NO_MORE_RESULTS') return;
    if (moreResults !== 'NOT_FINISHED' && entityResults.length === 0) return;
    from = { startCursor: endCursor };
  }
}
