import { Content } from '../record/content.ts';
import type { Key } from '../record/key.ts';
import type { Properties, Value } from '../record/value.ts';

/** Keys in a property of a record: `path` walks into nested entities, and through arrays wherever they stand. */
export function* keysAt(properties: Properties, path: readonly string[]): Generator<Key> {
  const value = properties.get(path[0]!);
  if (value) yield* keysIn(value, path.slice(1));
}

function* keysIn(value: Value, path: readonly string[]): Generator<Key> {
  if (value.type === 'array') for (const each of value.values) yield* keysIn(each, path);
  else if (value.type === 'entity' && path.length > 0) yield* keysAt(value.properties, path);
  else if (value.type === 'key' && path.length === 0) yield value.value;
}

/** The same content with other keys there; all else stays as it is, with index flags. `to`: undefined leaves a key. */
export function withKeys(
  content: Content,
  changes: readonly { readonly path: readonly string[]; readonly to: (key: Key) => Key | undefined }[],
): Content {
  let { properties } = content;
  for (const { path, to } of changes) properties = rewritten(properties, path, to);
  return properties === content.properties ? content : Content.of(properties);
}

function rewritten(properties: Properties, [name, ...rest]: readonly string[], to: (key: Key) => Key | undefined) {
  const before = properties.get(name!);
  const after = before && rewrittenValue(before, rest, to);
  return after === before ? properties : new Map(properties).set(name!, after!);
}

function rewrittenValue(value: Value, path: readonly string[], to: (key: Key) => Key | undefined): Value {
  if (value.type === 'array') {
    const values = value.values.map((each) => rewrittenValue(each, path, to));
    return values.every((each, i) => each === value.values[i]) ? value : { ...value, values };
  }
  if (value.type === 'entity' && path.length > 0) {
    const properties = rewritten(value.properties, path, to);
    return properties === value.properties ? value : { ...value, properties };
  }
  const key = value.type === 'key' && path.length === 0 ? to(value.value) : undefined;
  return key ? ({ ...value, value: key } as Value) : value;
}

/** Every key that stands anywhere in a record, with the path that leads there. */
export function* allKeys(
  properties: Properties,
  at: readonly string[] = [],
): Generator<{ path: readonly string[]; key: Key }> {
  for (const [name, value] of properties) yield* allKeysIn(value, [...at, name]);
}

function* allKeysIn(value: Value, path: readonly string[]): Generator<{ path: readonly string[]; key: Key }> {
  if (value.type === 'array') for (const each of value.values) yield* allKeysIn(each, path);
  else if (value.type === 'entity') yield* allKeys(value.properties, path);
  else if (value.type === 'key') yield { path, key: value.value };
}
