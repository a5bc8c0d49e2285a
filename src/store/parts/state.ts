import { z } from 'zod';
import { HandoverError } from '../../errors.ts';
import type { Key } from '../../record/key.ts';
import type { Properties, Value } from '../../record/value.ts';

/** The property of a container that carries the state of its parts, as `_handover` does of a record. */
export const STATE_PROPERTY = '_handoverParts';

/** What is known of one part. */
export interface Entry {
  readonly id: bigint | string;
  /**
   * The container's version that gave way when this part was written. A version gives way to one write only and never
   * comes back: so neither does this, not even where all that is kept here was gone in between.
   */
  readonly base: string;
  /** The fingerprint of what was written. */
  readonly of: string;
  readonly slot: string;
  /** A tombstone: it has no item, and nobody who reads the array sees it. */
  readonly hidden: boolean;
}

const STATE = z.object({
  v: z.literal(1),
  /** By property, by the text of an id. */
  p: z.record(
    z.string(),
    z.record(z.string(), z.object({ b: z.string(), f: z.string(), s: z.string(), x: z.literal(1).optional() })),
  ),
});

/** Ids as they are, names quoted: no id is a name's text. */
export const idText = (id: bigint | string): string => (typeof id === 'bigint' ? String(id) : `"${id}"`);

const idFrom = (text: string): bigint | string => (text.startsWith('"') ? text.slice(1, -1) : BigInt(text));

/** Throws `slot.corrupt`. */
function stateIn(properties: Properties, where: string): z.infer<typeof STATE> {
  const value = properties.get(STATE_PROPERTY);
  if (value === undefined) return { v: 1, p: {} };
  try {
    return STATE.parse(value.type === 'string' ? JSON.parse(value.value) : undefined);
  } catch (cause) {
    throw new HandoverError('slot.corrupt', `${where}: \`${STATE_PROPERTY}\` does not decode.`, {}, { cause });
  }
}

const known = new WeakMap<Properties, Map<string, ReadonlyMap<string, Entry>>>();

export function decodeState(container: Key, properties: Properties, property: string): ReadonlyMap<string, Entry> {
  const before = known.get(properties)?.get(property);
  if (before) return before;
  const entries = new Map<string, Entry>();
  const { p } = stateIn(properties, container.toString());
  for (const [text, { b, f, s, x }] of Object.entries(p[property] ?? {}))
    entries.set(text, { id: idFrom(text), base: b, of: f, slot: s, hidden: x === 1 });
  known.set(properties, (known.get(properties) ?? new Map()).set(property, entries));
  return entries;
}

/** With these entries of one property in place of those that were; undefined where nothing is left to be kept. */
export function encodeState(
  properties: Properties,
  property: string,
  entries: Iterable<readonly [string, Entry]>,
): Value | undefined {
  const { [property]: _, ...others } = stateIn(properties, 'A container').p;
  const own = Object.fromEntries(
    [...entries].map(([text, { base, of, slot, hidden }]) => [
      text,
      { b: base, f: of, s: slot, ...(hidden ? { x: 1 as const } : {}) },
    ]),
  );
  const p = Object.keys(own).length > 0 ? { ...others, [property]: own } : others;
  if (Object.keys(p).length === 0) return undefined;
  return { type: 'string', value: JSON.stringify({ v: 1, p }), unindexed: true };
}
