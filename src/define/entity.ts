import { HandoverError, messageOf } from '../errors.ts';
import { Content } from '../record/content.ts';
import type { Key } from '../record/key.ts';
import { fromPlain, type PlainRecord, rename, toPlain } from '../record/plain.ts';
import type { Parts } from './parts.ts';
import { type Reference, type ReferenceDefinition, reference } from './reference.ts';
import { sourceText } from './sourceText.ts';

/** How the entities of one home move to another. `T` is the plain view of a record in the old shape, `N` in the new. */
export interface EntityDefinition<T extends object = PlainRecord, N extends object = T> {
  /** The kinds of the old keys' path, as `Feed` or `Blog/Post`; or records that are kept inside others. */
  readonly from: string | Parts;
  /** The kinds of the new keys' path, as `User/Feed`. The first one's entity is the record's group. Or as `from`. */
  readonly into: string | Parts;
  /** The new key of a record. It must depend on the record alone, and no two records may share one. */
  readonly to: (record: T, key: Key) => Key;
  /** Properties that only change their name, old to new. Applied before `forward`, undone after `backward`. */
  readonly rename?: Readonly<Record<string, string>>;
  /** The record in its new shape. What it leaves as it was keeps its exact type and index flag. */
  readonly forward?: (record: T, key: Key) => N;
  /** The record in its old shape. Without it, what was written after the switch cannot be reversed. */
  readonly backward?: (record: N, key: Key) => T;
  /**
   * Chooses where both homes claim the record, because something wrote past the router: the entity that is to stay, or
   * what the record is to be, in the new shape. Undefined leaves it to an operator. What is given up is kept.
   */
  readonly onSplit?: (sides: { readonly old: T; readonly new: N }, key: Key) => 'old' | 'new' | N | undefined;
  /** Where other entities hold keys of these records. They follow each record to its new key, and back. */
  readonly references?: readonly ReferenceDefinition[];
}

/** Which side of a split record stays; or the new one, with this content. */
export type Verdict = 'old' | 'new' | { readonly write: Content };

/**
 * A validated entity definition: what the engine works with. The two shapes are there for the router's callers; a rule
 * whose shapes nobody named fits everywhere.
 */
// biome-ignore lint/suspicious/noExplicitAny: where rules of several shapes are listed, no other type takes them all
export interface EntityRule<Old extends object = any, New extends object = any> {
  readonly from: readonly string[];
  readonly into: readonly string[];
  /** False when content moves as it is: nothing is decoded but what `to` looks at. */
  readonly transforms: boolean;
  /** Whether content of the new shape can be brought back into the old one. */
  readonly reversible: boolean;
  /** Throws `transform.to`. */
  targetOf(key: Key, content: Content): Key;
  /** Throws `transform.forward`. */
  forward(key: Key, content: Content): Content;
  /** Throws `transform.backward`. */
  backward(key: Key, content: Content): Content;
  /** Undefined: an operator must choose. Throws `transform.split`. */
  onSplit?(key: Key, old: Content, now: Content): Verdict | undefined;
  /** Which of both homes are inside other records. */
  readonly parts?: readonly Parts[];
  /** Old property names to new ones, where any change. */
  readonly renames?: Readonly<Record<string, string>>;
  /** Where other entities hold keys of these records; unset where none do. */
  readonly references?: readonly Reference[];
  /** All that decides what this rule does, as text: the definition's fingerprint is made of it. */
  readonly source: string;
  /** Never there: it only carries the shapes, so that a router knows what its records look like. */
  readonly shapes?: { readonly old: Old; readonly new: New };
}

/** Declares how entities of one home move to another, within `defineMigration`. */
export function entity<T extends object = PlainRecord, N extends object = T>(
  definition: EntityDefinition<T, N>,
): EntityRule<T, N> {
  const { to, forward, backward, rename: names, onSplit, references = [] } = definition as unknown as EntityDefinition;
  const from = homeOf('from', definition.from);
  const into = homeOf('into', definition.into);
  const inside = [definition.from, definition.into].filter((home) => typeof home === 'object');
  if (typeof to !== 'function')
    throw invalid(`Entity ${from.join('/')}: \`to\` must be a function that returns a key.`);
  if (backward && !forward) throw invalid(`Entity ${from.join('/')}: \`backward\` without \`forward\` undoes nothing.`);
  const back = names && Object.fromEntries(Object.entries(names).map(([old, now]) => [now, old]));
  if (back && Object.keys(back).length !== Object.keys(names).length) {
    throw invalid(`Entity ${from.join('/')}: two properties are renamed to the same name.`);
  }
  if (inside.length === 2 && inside[0]!.of.join('/') === inside[1]!.of.join('/'))
    throw invalid(`Entity ${from.join('/')}: no move from one array of a record into another of it.`);
  if (inside.length > 0 && references.length > 0)
    throw invalid(`Entity ${from.join('/')}: nothing refers to records inside others by their keys.`);
  if (!Array.isArray(references)) throw invalid(`Entity ${from.join('/')}: \`references\` must be a list.`);
  const referring = references.map((each) => reference(each, from.join('/')));
  return {
    from,
    into,
    ...(inside.length > 0 ? { parts: inside } : {}),
    ...(names ? { renames: names } : {}),
    ...(referring.length > 0 ? { references: referring } : {}),
    transforms: forward !== undefined || names !== undefined,
    reversible: forward === undefined || backward !== undefined,
    targetOf: (key, content) => targetOf(to, into, key, content),
    forward: (key, content) =>
      guarded('transform.forward', key, () => {
        const renamed = names ? rename(content.properties, names) : content.properties;
        if (forward) return Content.of(fromPlain(forward(toPlain(renamed), key), renamed));
        return names ? Content.of(renamed) : content;
      }),
    backward: (key, content) =>
      guarded('transform.backward', key, () => {
        if (!forward && !back) return content;
        const plain = backward
          ? fromPlain(backward(toPlain(content.properties), key), content.properties)
          : content.properties;
        return Content.of(back ? rename(plain, back) : plain);
      }),
    ...(onSplit
      ? { onSplit: (key: Key, old: Content, now: Content) => verdictOf(onSplit, key, old, now, Content.of) }
      : {}),
    source: [
      sourceOf(definition.from),
      sourceOf(definition.into),
      to,
      JSON.stringify(names),
      forward,
      backward,
      ...(onSplit ? [onSplit] : []),
      ...(referring.length > 0 ? [JSON.stringify(referring)] : []),
    ]
      .map(sourceText)
      .join('\n'),
  };
}

const homeOf = (name: 'from' | 'into', home: string | Parts): readonly string[] =>
  typeof home === 'object' && home !== null ? [...home.of, home.property] : pattern(name, home);

const sourceOf = (home: string | Parts): string => (typeof home === 'object' ? home.source : home);

/** Whether the key's path is of these kinds, in this order. */
export function matches(pattern: readonly string[], key: Key): boolean {
  const path = key.path;
  return path.length === pattern.length && path.every(({ kind }, i) => kind === pattern[i]);
}

export function pattern(name: string, text: string): readonly string[] {
  const kinds = typeof text === 'string' ? text.split('/') : [];
  if (kinds.length === 0 || kinds.some((kind) => kind.trim() === '')) {
    throw invalid(`\`${name}\` is ${JSON.stringify(text)}; it must be kinds joined by "/", as "User/Feed".`);
  }
  return kinds;
}

function targetOf(to: EntityDefinition['to'], into: readonly string[], key: Key, content: Content): Key {
  const target = guarded('transform.to', key, () => to(toPlain(content.properties), key));
  if (typeof target?.path !== 'object' || !matches(into, target) || target.namespace !== key.namespace) {
    const got = `${target?.toString()}`;
    throw new HandoverError(
      'transform.to',
      `\`to\` of ${key} gave ${got}, which is not of the form ${into.join('/')} in the same namespace.`,
      {
        key: key.toString(),
        got,
      },
    );
  }
  return target;
}

/** What the author says to a split; `toContent` makes of what he gives as a record what it is in the store. */
export function verdictOf(
  onSplit: NonNullable<EntityDefinition['onSplit']>,
  key: Key,
  old: Content,
  now: Content,
  toContent: (properties: Content['properties']) => Content,
): Verdict | undefined {
  return guarded('transform.split', key, (): Verdict | undefined => {
    const verdict = onSplit({ old: toPlain(old.properties), new: toPlain(now.properties) }, key);
    if (verdict === undefined || verdict === 'old' || verdict === 'new') return verdict;
    return { write: toContent(fromPlain(verdict, now.properties)) };
  });
}

type TransformCode = 'transform.to' | 'transform.forward' | 'transform.backward' | 'transform.split';

/** Runs author code: what it throws is that record's failure. */
export function guarded<R>(code: TransformCode, key: Key, run: () => R): R {
  try {
    return run();
  } catch (cause) {
    // No function of the author's was called: there is nothing to call it with.
    if (cause instanceof HandoverError && cause.code === 'parts.invalid') throw cause;
    const why = cause instanceof HandoverError ? cause.detail : messageOf(cause);
    throw new HandoverError(code, `${key}: ${why.replace(/\.$/, '')}.`, { key: key.toString() }, { cause });
  }
}

const invalid = (detail: string) => new HandoverError('definition.invalid', detail);
