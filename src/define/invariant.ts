import { HandoverError } from '../errors.ts';
import type { Key } from '../record/key.ts';
import type { PlainRecord } from '../record/plain.ts';
import type { EntityRule } from './entity.ts';
import { sourceText } from './sourceText.ts';

/** What is asked of a record: of both shapes in one way, or of each in its own. The key is that of the home it is read in. */
export type Measure<Old, New, R> =
  | ((record: Old | New, key: Key) => R)
  | { readonly old: (record: Old, key: Key) => R; readonly new: (record: New, key: Key) => R };

/**
 * What must hold of the totals, group by group:
 * - `match`: that of the old shape and that of the new one are equal
 * - `stay`: that of all records is what it was when the campaign began; for records the application does not write
 * - `equals`: that of all records is this, as 0 in double entry
 */
export type Must<Total> = 'match' | 'stay' | { readonly equals: Total };

interface Common<Old extends object, New extends object, Total> {
  /** For people; one of its own within the migration. */
  readonly name: string;
  /** The rules whose records it is about. Default: all. */
  readonly of?: EntityRule<Old, New> | readonly EntityRule<Old, New>[];
  /** The group of a record, as its currency; undefined for one total over those that say so. */
  readonly by?: Measure<Old, New, string | undefined>;
  /** Default: `match`. */
  readonly must?: Must<Total>;
}

export interface SumDefinition<Old extends object = PlainRecord, New extends object = Old>
  extends Common<Old, New, number | bigint> {
  /** Integers alone: of decimals, count the minor units. */
  readonly value: Measure<Old, New, number | bigint>;
}

export type CountDefinition<Old extends object = PlainRecord, New extends object = Old> = Common<
  Old,
  New,
  number | bigint
>;

export interface FoldDefinition<Total, Old extends object = PlainRecord, New extends object = Old>
  extends Common<Old, New, Total> {
  /** The total of no records, as JSON holds it. */
  readonly start: Total;
  /** The total with one more record. In whatever order records come, it must come to the same. */
  readonly add:
    | ((total: Total, record: Old | New, key: Key) => Total)
    | {
        readonly old: (total: Total, record: Old, key: Key) => Total;
        readonly new: (total: Total, record: New, key: Key) => Total;
      };
  /** Of two parts of the records, the total of both. */
  readonly merge: (a: Total, b: Total) => Total;
  /** Default: they have the same JSON, whatever the order of properties. */
  readonly equal?: (a: Total, b: Total) => boolean;
}

export type Shape = 'old' | 'new';

/** A validated invariant. What author's code throws, it throws on: whoever takes a total says of which record. */
export interface Invariant {
  readonly name: string;
  /** Empty: all. */
  readonly of: readonly EntityRule[];
  readonly must: 'match' | 'stay' | 'equals';
  /** What it must be, as JSON; with `must: 'equals'`. */
  readonly wanted: unknown;
  /** The total of no records. */
  begin(): unknown;
  groupOf(shape: Shape, record: PlainRecord, key: Key): string | undefined;
  add(shape: Shape, total: unknown, record: PlainRecord, key: Key): unknown;
  merge(a: unknown, b: unknown): unknown;
  equal(a: unknown, b: unknown): boolean;
  /** A total from the JSON that `jsonOf` made of it. */
  revive(json: string): unknown;
  /** All that decides what it finds. */
  readonly source: string;
}

/** A sum of integers, exact however large it is. */
export function sum<Old extends object = PlainRecord, New extends object = Old>(
  definition: SumDefinition<Old, New>,
): Invariant {
  const value = measure(definition.name, 'value', definition.value);
  return invariant(definition, 'value', {
    ...NUMBERS,
    add: (shape, total, record, key) => (total as bigint) + integer(value(shape, record, key)),
  });
}

/** How many records there are. */
export function count<Old extends object = PlainRecord, New extends object = Old>(
  definition: CountDefinition<Old, New>,
): Invariant {
  return invariant(definition, 'count', { ...NUMBERS, add: (_, total) => (total as bigint) + 1n });
}

/** A total of any kind. */
export function fold<Total, Old extends object = PlainRecord, New extends object = Old>(
  definition: FoldDefinition<Total, Old, New>,
): Invariant {
  const { name, start, merge, equal } = definition as unknown as FoldDefinition<unknown>;
  const { add } = definition as unknown as { add: Adds | Record<Shape, Adds> };
  for (const [field, run] of Object.entries({ merge, ...(typeof add === 'function' ? { add } : add) })) {
    if (typeof run !== 'function') throw invalid(name, `\`${field}\` must be a function`);
  }
  if (start === undefined) throw invalid(name, '`start` must be a value that JSON holds');
  return invariant(definition, 'fold', {
    // Each total begins with one of its own, which `add` may change.
    begin: () => structuredClone(start),
    add: (shape, total, record, key) => (typeof add === 'function' ? add : add[shape])(total, record, key),
    merge,
    equal: equal ?? ((a, b) => jsonOf(a) === jsonOf(b)),
    wanted: (value) => value,
    revive: (json) => JSON.parse(json),
  });
}

type Adds = (total: unknown, record: PlainRecord, key: Key) => unknown;
type Loose = Common<PlainRecord, PlainRecord, unknown> & Readonly<Record<string, unknown>>;
type Kind = Pick<Invariant, 'begin' | 'add' | 'merge' | 'equal' | 'revive'> & {
  readonly wanted: (value: unknown) => unknown;
};

const NUMBERS = {
  begin: () => 0n,
  merge: (a, b) => (a as bigint) + (b as bigint),
  equal: (a, b) => a === b,
  wanted: (value) => integer(value),
  revive: (json) => BigInt(JSON.parse(json)),
} satisfies Omit<Kind, 'add'>;

const KNOWN = new Set(['name', 'of', 'by', 'must', 'value', 'start', 'add', 'merge', 'equal']);

function invariant(given: object, what: string, kind: Kind): Invariant {
  const definition = given as Loose;
  const { name, of = [], by, must = 'match' } = definition;
  if (typeof name !== 'string' || name.trim() === '' || name.length > 100)
    throw invalid(String(name), 'the name must be text of up to 100 characters');
  const unknown = Object.keys(definition).find((field) => !KNOWN.has(field));
  if (unknown) throw invalid(name, `there is no option ${JSON.stringify(unknown)}`);
  const isEquals = typeof must === 'object' && must !== null && 'equals' in must;
  if (must !== 'match' && must !== 'stay' && !isEquals)
    throw invalid(name, "`must` is 'match', 'stay' or { equals: … }");
  const group = by === undefined ? undefined : measure(name, 'by', by);
  const { value, start, add, merge, equal } = definition;
  return {
    ...kind,
    name,
    of: Array.isArray(of) ? of : [of as EntityRule],
    must: isEquals ? 'equals' : (must as 'match' | 'stay'),
    wanted: isEquals ? kind.wanted(must.equals) : undefined,
    groupOf: (shape, record, key) => textOrNothing(group?.(shape, record, key)),
    source: [what, name, jsonOf(must), jsonOf(start), ...[value, by, add, merge, equal].flatMap(texts)].join('\n'),
  };
}

type Measured = (shape: Shape, record: PlainRecord, key: Key) => unknown;

function measure(name: string, field: string, asked: unknown): Measured {
  const both = (typeof asked === 'function' ? { old: asked, new: asked } : asked) as Record<Shape, unknown> | undefined;
  for (const shape of ['old', 'new'] as const) {
    if (typeof both?.[shape] !== 'function')
      throw invalid(name, `\`${field}\` must be a function, or one for \`old\` and one for \`new\``);
  }
  const functions = both as Record<Shape, (record: PlainRecord, key: Key) => unknown>;
  return (shape, record, key) => functions[shape](record, key);
}

function integer(value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  throw new HandoverError('invariant.uncomputed', `${String(value)} is no whole number that can be summed exactly.`);
}

function textOrNothing(group: unknown): string | undefined {
  if (group === undefined || typeof group === 'string') return group;
  throw new HandoverError('invariant.uncomputed', `\`by\` gave ${typeof group}, not the text of a group.`);
}

const texts = (run: unknown): string[] =>
  run !== null && typeof run === 'object'
    ? Object.entries(run).map(([n, f]) => `${n} ${sourceText(f)}`)
    : [sourceText(run)];

/** One text for one value: bigints as text, properties in order. */
export const jsonOf = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === 'bigint') return String(inner);
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  }) ?? '';

const invalid = (name: string, why: string) =>
  new HandoverError('definition.invalid', `Invariant ${JSON.stringify(name)}: ${why}.`);
