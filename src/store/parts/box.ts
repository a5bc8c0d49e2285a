import { HandoverError } from '../../errors.ts';
import { Content, EMPTY } from '../../record/content.ts';
import { Key } from '../../record/key.ts';
import { decodeSlot } from '../../record/slot.ts';
import type { Properties, Value } from '../../record/value.ts';
import type { Entity, Mutation, NotApplied, Version } from '../store.ts';
import { decodeState, type Entry, encodeState, idText, STATE_PROPERTY } from './state.ts';

/** Records that are kept in an array property of others: where, and what each of them is called. */
export interface PartKind {
  /** The kinds of the containers' path. */
  readonly of: readonly string[];
  /** The array property; also the kind of the parts' keys. */
  readonly property: string;
  /** Throws where the item does not tell. */
  readonly id: (item: Properties) => bigint | string;
}

/** A container taken apart. Immutable: each change makes another one. */
export interface Box {
  readonly kind: PartKind;
  readonly container: Entity;
  readonly items: readonly Value[];
  /** By the text of an id: where its item is. */
  readonly places: ReadonlyMap<string, number>;
  readonly entries: ReadonlyMap<string, Entry>;
  /** What cannot be read as a part, by the text of the id under which it is shown. */
  readonly unreadable: ReadonlyMap<string, { readonly id: bigint | string; readonly error: HandoverError }>;
  /** What was added to it since it was read, at most. */
  readonly grownBytes: number;
  /** Why none of it can be read. */
  readonly broken?: HandoverError;
}

/** The name under which items are shown that have no id of their own. */
const NAMELESS = '(unreadable)';

export function unpack(kind: PartKind, container: Entity): Box {
  const unreadable = new Map<string, { id: bigint | string; error: HandoverError }>();
  const places = new Map<string, number>();
  const wrong = (id: bigint | string, error: HandoverError) => unreadable.set(idText(id), { id, error });
  const invalid = (what: string) => new HandoverError('parts.invalid', `${container.key}: ${what}.`);
  try {
    const { properties } = container.content;
    const items = itemsOf(properties.get(kind.property));
    if (!items) throw invalid(`\`${kind.property}\` is no array`);
    for (const [i, item] of items.entries()) {
      const id = idOf(kind, item);
      if (id instanceof Error) {
        wrong(NAMELESS, invalid(`item ${i} of \`${kind.property}\`: ${id.message}`));
        continue;
      }
      const text = idText(id);
      if (places.has(text)) wrong(id, invalid(`two items of \`${kind.property}\` are called ${id}`));
      places.set(text, i);
    }
    for (const text of unreadable.keys()) places.delete(text);
    return {
      kind,
      container,
      items,
      places,
      entries: decodeState(container.key, properties, kind.property),
      unreadable,
      grownBytes: 0,
    };
  } catch (error) {
    if (!(error instanceof HandoverError)) throw error;
    wrong(NAMELESS, error);
    return {
      kind,
      container,
      items: [],
      places: new Map(),
      entries: new Map(),
      unreadable,
      grownBytes: 0,
      broken: error,
    };
  }
}

function itemsOf(value: Value | undefined): readonly Value[] | undefined {
  if (value === undefined || value.type === 'null') return [];
  return value.type === 'array' ? value.values : undefined;
}

function idOf({ id }: PartKind, item: Value): bigint | string | Error {
  if (item.type !== 'entity') return new Error('it is no entity');
  try {
    return id(item.properties);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

const partKey = ({ kind, container: { key } }: Box, id: bigint | string): Key =>
  Key.of([...key.path, { kind: kind.property, id }], key.namespace);

/** All parts, in key order. What cannot be read is one of them: whoever asks what it says is told why not. */
export function partsIn(box: Box): Entity[] {
  const ids = new Map<string, bigint | string>();
  for (const [text, i] of box.places) ids.set(text, idOf(box.kind, box.items[i]!) as bigint | string);
  for (const [text, { id }] of box.unreadable) ids.set(text, id);
  for (const [text, { id, hidden }] of box.entries) if (hidden) ids.set(text, id);
  return [...ids.values()].map((id) => partIn(box, partKey(box, id))!).sort((a, b) => a.key.bytes.compare(b.key.bytes));
}

export function partIn(box: Box, key: Key): Entity | undefined {
  const text = idText(key.id);
  const problem = box.unreadable.get(text);
  if (problem) {
    const content = Content.deferred(() => {
      throw problem.error;
    });
    return { key, content, slot: undefined, version: `${box.container.version}:` };
  }
  const place = box.places.get(text);
  const entry = box.entries.get(text);
  if (place === undefined && !entry?.hidden) return undefined;
  const content = place === undefined ? EMPTY : Content.of((box.items[place] as Value & { type: 'entity' }).properties);
  return { key, content, slot: slotOf(entry, content), version: versionOf(entry, content, box.container.version) };
}

/**
 * A part that was written through here has a number of its own: its siblings' writes leave its version. One that was not
 * is as old as its container, as far as anybody can tell.
 */
function versionOf(entry: Entry | undefined, content: Content, container: Version): Version {
  return entry ? `${entry.base}.${content.fingerprint}` : `${container}:${content.fingerprint}`;
}

/**
 * What somebody changed past this view, slot and all, is no copy and not frozen any more: it stands there as an owner, so
 * that two claim the record where another does, and somebody must choose.
 */
function slotOf(entry: Entry | undefined, content: Content): string | undefined {
  if (entry === undefined || entry.of === content.fingerprint) return entry?.slot;
  try {
    const { role, deleted } = decodeSlot(entry.slot);
    return role === 'owner' && !deleted ? entry.slot : undefined;
  } catch (error) {
    if (error instanceof HandoverError) return entry.slot;
    throw error;
  }
}

/** With one part changed; or why not. */
export function changed(box: Box, mutation: Mutation): Box | NotApplied {
  const { key } = mutation;
  const text = idText(key.id);
  const there = partIn(box, key);
  if (mutation.op === 'insert' ? there : there?.version !== mutation.version) return { status: 'conflict' };
  const problem = box.broken ?? box.unreadable.get(text)?.error;
  if (problem) return refusal(problem);
  if (mutation.op === 'delete') return without(box, text);
  const { content, slot } = mutation;
  const hidden = slot !== undefined && content.properties.size === 0;
  if (!hidden) {
    const id = idOf(box.kind, { type: 'entity', properties: content.properties });
    if (id !== key.id) {
      const said = id instanceof Error ? id.message : `it says that it is ${id}`;
      return { status: 'refused', code: 'parts.invalid', cause: `${key}: ${said}` };
    }
  }
  const bare = hidden ? without(box, text) : withItem(box, text, content);
  const entries = new Map(box.entries);
  entries.delete(text);
  const base = String(box.container.version);
  if (slot !== undefined) entries.set(text, { id: key.id, base, of: content.fingerprint, slot, hidden });
  // Three bytes a letter, quotes and names around them.
  const grownBytes = box.grownBytes + 2 * content.bytes.length + ((slot?.length ?? 0) + text.length) * 6 + 200;
  return { ...bare, entries, grownBytes };
}

export const refusal = ({ code, detail }: HandoverError): NotApplied => ({ status: 'refused', code, cause: detail });

function without(box: Box, text: string): Box {
  const at = box.places.get(text);
  const entries = new Map(box.entries);
  entries.delete(text);
  if (at === undefined) return { ...box, entries };
  const places = new Map<string, number>();
  for (const [each, place] of box.places) if (each !== text) places.set(each, place > at ? place - 1 : place);
  return { ...box, entries, places, items: box.items.filter((_, i) => i !== at) };
}

function withItem(box: Box, text: string, { properties }: Content): Box {
  const at = box.places.get(text);
  if (at !== undefined) {
    const items = box.items.map((item, i) => (i === at ? ({ ...item, properties } as Value) : item));
    return { ...box, items };
  }
  // What is put into an array that is kept out of the indexes stays out.
  const hides = box.items.length > 0 && box.items.every(({ unindexed }) => unindexed);
  const item: Value = { type: 'entity', properties, ...(hides ? { unindexed: true as const } : {}) };
  return { ...box, items: [...box.items, item], places: new Map(box.places).set(text, box.items.length) };
}

/** The container's content with these parts in it, and all else as it was. */
export function packed({ kind, container, items, entries, places }: Box): Content {
  const properties = new Map(container.content.properties);
  const array = properties.get(kind.property);
  if (items.length > 0) {
    const was = array?.type === 'array' ? array : { type: 'array' as const };
    properties.set(kind.property, { ...was, values: items });
  } else properties.delete(kind.property);
  // Of what somebody has taken out past this view, nothing is left to be told.
  const kept = [...entries].filter(([text, { hidden }]) => hidden || places.has(text));
  const state = encodeState(properties, kind.property, kept);
  if (state) properties.set(STATE_PROPERTY, state);
  else properties.delete(STATE_PROPERTY);
  return Content.of(properties);
}

/** What a read of the part says once the box is written as this version of the container. */
export function versionIn(box: Box, key: Key, container: Version): Version {
  const text = idText(key.id);
  const place = box.places.get(text);
  const content = place === undefined ? EMPTY : Content.of((box.items[place] as Value & { type: 'entity' }).properties);
  return versionOf(box.entries.get(text), content, container);
}
