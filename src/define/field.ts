import { hash } from 'node:crypto';
import { HandoverError } from '../errors.ts';
import { Content } from '../record/content.ts';
import type { Key } from '../record/key.ts';
import { fromPlain, type PlainRecord, rename, toPlain } from '../record/plain.ts';
import { guarded, pattern, type Verdict, verdictOf } from './entity.ts';
import { sourceText } from './sourceText.ts';

/**
 * How properties of a record give way to others, in the same entity. `O` are the old ones as the functions see them, `N`
 * the new ones. No property may be of both.
 */
export interface FieldDefinition<O extends object, N extends object> {
  /** The kinds of the records' path, as `Tenant` or `User/Feed`. */
  readonly of: string;
  /** The names of the old properties. Need not be said of those in `rename`. */
  readonly old?: readonly (keyof O & string)[];
  /** The names of the new properties. */
  readonly new?: readonly (keyof N & string)[];
  /** Properties that only change their name, old to new. Applied before `forward`, undone after `backward`. */
  readonly rename?: Readonly<Record<string, string>>;
  /** The new properties, from the old ones. For one record it must give one result: no chance, no clock. */
  readonly forward?: (old: O, key: Key) => N;
  /** The old properties, from the new ones. Without it, what was written after the switch cannot be reversed. */
  readonly backward?: (now: N, key: Key) => O;
  /**
   * Chooses where both were written past the router, and differ: the one that is right, or what the new ones are to be.
   * Undefined leaves it to an operator. What is given up is kept.
   */
  readonly onSplit?: (sides: { readonly old: O; readonly new: N }, key: Key) => 'old' | 'new' | N | undefined;
}

/** A validated field definition: what the engine works with. Contents are of the properties that it is about, alone. */
// biome-ignore lint/suspicious/noExplicitAny: where rules of several shapes are listed, no other type takes them all
export interface FieldRule<O extends object = any, N extends object = any> {
  readonly of: readonly string[];
  readonly old: readonly string[];
  readonly new: readonly string[];
  /** Names the properties that it is about: an entity may bear the slot of an earlier campaign about others. */
  readonly tag: string;
  readonly reversible: boolean;
  /** Throws `transform.forward`. */
  forward(key: Key, old: Content): Content;
  /** Throws `transform.backward`. */
  backward(key: Key, now: Content): Content;
  /** Undefined: an operator must choose. Throws `transform.split`. */
  onSplit?(key: Key, old: Content, now: Content): Verdict | undefined;
  /** All that decides what this rule does, as text: the definition's fingerprint is made of it. */
  readonly source: string;
  /** Never there: it only carries the shapes, so that a router knows what its records look like. */
  readonly shapes?: { readonly old: O; readonly new: N };
}

/** Declares how properties give way to others in place, within `defineMigration`. Throws `definition.invalid`. */
export function field<O extends object, N extends object>(definition: FieldDefinition<O, N>): FieldRule<O, N> {
  const {
    forward,
    backward,
    onSplit,
    rename: names = {},
  } = definition as unknown as FieldDefinition<PlainRecord, PlainRecord>;
  const refuse = (why: string) => new HandoverError('definition.invalid', `Field of ${definition.of}: ${why}.`);
  const of = pattern('of', definition.of);
  const old = unique([...Object.keys(names), ...(definition.old ?? [])]);
  const now = unique([...Object.values(names), ...(definition.new ?? [])]);
  if (old.length === 0 || now.length === 0) throw refuse('it must name `old` and `new` properties, or `rename` some');
  if (unique(Object.values(names)).length < Object.keys(names).length)
    throw refuse('two properties are renamed to the same name');
  const both = old.find((name) => now.includes(name));
  if (both) throw refuse(`${both} is an old property and a new one: both stand side by side, so they need two names`);
  if (!forward && (definition.old || definition.new)) throw refuse('`old` and `new` need a `forward`');
  if (backward && !forward) throw refuse('`backward` without `forward` undoes nothing');
  const back = Object.fromEntries(Object.entries(names).map(([from, into]) => [into, from]));
  return {
    of,
    old,
    new: now,
    tag: hash('sha256', JSON.stringify([old, now]), 'base64url').slice(0, 8),
    reversible: !forward || backward !== undefined,
    forward: (key, content) =>
      guarded('transform.forward', key, () => {
        const renamed = rename(content.properties, names);
        return only(now, forward ? fromPlain(forward(toPlain(renamed), key), renamed) : renamed);
      }),
    backward: (key, content) =>
      guarded('transform.backward', key, () => {
        const plain = backward ? fromPlain(backward(toPlain(content.properties), key), content.properties) : undefined;
        return only(old, rename(plain ?? content.properties, back));
      }),
    ...(onSplit
      ? {
          onSplit: (key: Key, was: Content, is: Content) =>
            verdictOf(onSplit, key, was, is, (properties) => only(now, properties)),
        }
      : {}),
    source: ['field', definition.of, JSON.stringify([old, now, names]), forward, backward, onSplit]
      .map(sourceText)
      .join('\n'),
  };
}

const unique = (names: readonly string[]): readonly string[] => [...new Set(names)];

/** A property that was not announced would be written over what others keep there. */
function only(names: readonly string[], properties: Content['properties']): Content {
  const stray = [...properties.keys()].find((name) => !names.includes(name));
  if (stray === undefined) return Content.of(properties);
  throw new HandoverError('value.invalid', `it gives ${JSON.stringify(stray)}, which is none of ${names.join(', ')}`);
}
