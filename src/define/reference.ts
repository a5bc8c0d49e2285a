import { HandoverError } from '../errors.ts';
import type { Key } from '../record/key.ts';
import { SLOT_PROPERTY } from '../record/slot.ts';
import { type EntityRule, matches, pattern } from './entity.ts';

/** Where other entities hold keys of the records that a rule moves. */
export interface ReferenceDefinition {
  /** Whose entities these are: one kind, as `Entry`, wherever it stands; or all kinds of the path, as `User/Entry`. */
  readonly kind: string;
  /** The property that holds keys. `items.feed` walks into nested entities; arrays are walked through at any place. */
  readonly property: string;
}

export interface Reference {
  /** One kind stands for every path that ends in it. */
  readonly of: readonly string[];
  readonly property: readonly string[];
}

/** All that entities of one form refer to. */
export interface Referring {
  readonly of: readonly string[];
  readonly properties: readonly { readonly path: readonly string[]; readonly to: EntityRule }[];
}

/** Throws `definition.invalid`. */
export function reference({ kind, property }: ReferenceDefinition, of: string): Reference {
  const path = typeof property === 'string' ? property.split('.') : [];
  if (path.length === 0 || path.some((name) => name === '') || path[0] === SLOT_PROPERTY) {
    const detail = `References to ${of}: the property is ${JSON.stringify(property)}; it must be a name, or names joined by dots.`;
    throw new HandoverError('definition.invalid', detail);
  }
  return { of: pattern('kind', kind), property: path };
}

/** Whether an entity is of that form. */
export const refers = ({ of }: Pick<Reference, 'of'>, key: Key): boolean =>
  of.length === 1 ? key.kind === of[0] : matches(of, key);

/**
 * What refers to records of these rules, form by form. A form that is moved itself stands for both of its homes, and a
 * property that is renamed on the way for both of its names.
 */
export function referringTo(records: readonly EntityRule[]): readonly Referring[] {
  const found = new Map<string, Map<string, Referring['properties'][number]>>();
  const note = (of: readonly string[], path: readonly string[], to: EntityRule) => {
    const properties = found.get(of.join('/')) ?? new Map();
    found.set(of.join('/'), properties);
    properties.set(`${to.from.join('/')} ${path.join('.')}`, { path, to });
  };
  for (const to of records) {
    for (const { of, property } of to.references ?? []) {
      note(of, property, to);
      for (const { from, into, renames } of records) {
        if (!isOf(of, from)) continue;
        const [name, ...rest] = property;
        note(of.length === 1 ? of : into, [renames?.[name!] ?? name!, ...rest], to);
      }
    }
  }
  return [...found].map(([of, properties]) => ({ of: of.split('/'), properties: [...properties.values()] }));
}

/** Whether entities of that path are of the form that refers. */
export const isOf = (of: readonly string[], path: readonly string[]): boolean =>
  of.length === 1 ? of[0] === path[path.length - 1] : of.join('/') === path.join('/');
