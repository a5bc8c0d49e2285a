import { HandoverError, messageOf } from '../errors.ts';
import { type PlainRecord, toPlain } from '../record/plain.ts';
import { isText } from '../record/text.ts';
import type { Properties } from '../record/value.ts';
import type { PartKind } from '../store/parts/box.ts';
import { partsView } from '../store/parts/view.ts';
import type { Store } from '../store/store.ts';
import { sourceText } from './sourceText.ts';

/** Records that are kept inside others: the items of an array property. */
export interface PartsDefinition<T extends object = PlainRecord> {
  /** The kinds of the containers' path, as `Customer` or `Blog/Post`. */
  readonly of: string;
  /** The array property; each of its items is a nested entity. It is the kind of the parts' keys, too. */
  readonly property: string;
  /** What tells an item from its siblings, for as long as it lives: a whole number from 1 on, or a name. */
  readonly id: (item: T) => number | bigint | string;
}

/** A home of records, made by `parts`: `from` or `into` of an `entity`. */
export interface Parts extends PartKind {
  /** All that decides about it, as text. */
  readonly source: string;
}

/**
 * Declares that the items of an array are records of their own, within `entity`: their keys are their container's with
 * the property and their id behind it, as `Customer:1/subscriptions:7`. Throws `definition.invalid`.
 */
export function parts<T extends object = PlainRecord>(definition: PartsDefinition<T>): Parts {
  const { of, property, id } = definition as unknown as PartsDefinition;
  const kinds = typeof of === 'string' ? of.split('/') : [];
  if (kinds.length === 0 || kinds.some((kind) => kind.trim() === ''))
    throw invalid(`\`of\` is ${JSON.stringify(of)}; it must be kinds joined by "/", as "Blog/Post".`);
  if (
    typeof property !== 'string' ||
    !isText(property) ||
    !/^[^/.:]+$/.test(property) ||
    property.startsWith('_handover')
  )
    throw invalid(
      `\`property\` is ${JSON.stringify(property)}; it must be the name of an array property, without dots.`,
    );
  if (typeof id !== 'function') throw invalid(`Parts ${of}/${property}: \`id\` must be a function of an item.`);
  return {
    of: kinds,
    property,
    id: (item) => idOf(id, item),
    source: ['parts', of, property, id].map(sourceText).join('\n'),
  };
}

function idOf(id: PartsDefinition['id'], item: Properties): bigint | string {
  let said: unknown;
  try {
    said = id(toPlain(item));
  } catch (error) {
    throw new Error(`\`id\` failed: ${messageOf(error)}`);
  }
  if (typeof said === 'number' && Number.isSafeInteger(said) && said > 0) return BigInt(said);
  if (typeof said === 'bigint' && said > 0n && said < 2n ** 63n) return said;
  if (typeof said === 'string' && said !== '' && isText(said)) return said;
  throw new Error(`\`id\` gave ${typeof said === 'string' ? JSON.stringify(said) : String(said)}`);
}

/** The store as these rules see it: with the records that are kept inside others as entities of their own. */
export function viewOf(
  store: Store,
  { records }: { readonly records: readonly { readonly parts?: readonly Parts[] }[] },
): Store {
  return partsView(
    store,
    records.flatMap(({ parts: each = [] }) => each),
  );
}

const invalid = (detail: string) => new HandoverError('definition.invalid', detail);
