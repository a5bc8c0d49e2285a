import type { Content } from '../record/content.ts';
import type { Properties, Value } from '../record/value.ts';

/**
 * Entries of the built-in indexes that an entity with this content has: one by its key, and for each value that is not
 * excluded two, ascending and descending; elements of arrays and properties of embedded entities count as values. The
 * slot is excluded. Composite indexes are the application's own and not known here; equal elements are counted apart.
 */
export const indexEntriesOf = (content: Content): number => 1 + 2 * valuesIn(content.properties);

function valuesIn(properties: Properties): number {
  let count = 0;
  for (const value of properties.values()) count += indexedIn(value);
  return count;
}

function indexedIn(value: Value): number {
  if (value.unindexed) return 0;
  if (value.type === 'entity') return valuesIn(value.properties);
  if (value.type !== 'array') return 1;
  let count = 0;
  for (const element of value.values) count += indexedIn(element);
  return count;
}
