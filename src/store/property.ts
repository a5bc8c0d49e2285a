import { Content } from '../record/content.ts';
import type { Value } from '../record/value.ts';

/**
 * What `find` compares: the canonical bytes of one property and one value. The index flag and the meaning are no part
 * of a value's identity; integer 1 and double 1.0 are two values.
 */
export function termOf(property: string, value: Value): Buffer {
  const { unindexed: _, meaning: __, ...plain } = value;
  return Content.of(new Map([[property, plain as Value]])).bytes;
}

/**
 * The terms under which content is found: the value of the property, or each element of an array. What is flagged
 * `unindexed` is not found, as in Cloud Datastore. Content that does not decode is found under nothing: one corrupt
 * record must not fail a look-up of others.
 */
export function termsOf(content: Content, property: string): Buffer[] {
  let value: Value | undefined;
  try {
    value = content.properties.get(property);
  } catch {
    return [];
  }
  if (value === undefined || value.unindexed) return [];
  const values = value.type === 'array' ? value.values : [value];
  return values.filter((each) => !each.unindexed).map((each) => termOf(property, each));
}

export function isFound(content: Content, property: string, term: Buffer): boolean {
  return termsOf(content, property).some((each) => each.equals(term));
}
