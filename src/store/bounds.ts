import { type Key, kindPrefix } from '../record/key.ts';
import type { Finer, KeyRange } from './store.ts';

/** A range of encoded keys. The start is inside unless `exclusiveStart`, the end is outside unless `inclusiveEnd`. */
export interface Bounds {
  readonly start: Buffer;
  readonly exclusiveStart: boolean;
  readonly end: Buffer;
  readonly inclusiveEnd: boolean;
}

const AFTER_PREFIX = Buffer.from([255]);

/**
 * The encoded keys of a range, exactly: nothing is left to filter. A prefix ends with a closing 0 or with an id, and
 * what follows it in a longer key is a tag or the first byte of a text, never 255. So the keys below a prefix are
 * `prefix <= key < prefix 255`.
 */
export function boundsOf(range: KeyRange): Bounds | undefined {
  const prefix = prefixOf(range);
  if (prefix === undefined) return undefined;
  let bounds: Bounds = {
    start: prefix,
    exclusiveStart: false,
    end: Buffer.concat([prefix, AFTER_PREFIX]),
    inclusiveEnd: false,
  };
  const after = range.after?.bytes;
  if (after && after.compare(bounds.start) >= 0) bounds = { ...bounds, start: after, exclusiveStart: true };
  const until = range.until?.bytes;
  if (until && until.compare(bounds.end) < 0) bounds = { ...bounds, end: until, inclusiveEnd: true };
  return bounds.start.compare(bounds.end) < (bounds.inclusiveEnd && !bounds.exclusiveStart ? 1 : 0)
    ? bounds
    : undefined;
}

function prefixOf({ namespace, kind, rootKind, root }: KeyRange): Buffer | undefined {
  if (root === undefined) return kindPrefix(kind, namespace, rootKind);
  const group = root.root;
  if (group.namespace !== namespace || (rootKind !== undefined && group.kind !== rootKind)) return undefined;
  const element = group.bytes.subarray(kindPrefix(group.kind, namespace).length);
  return Buffer.concat([kindPrefix(kind, namespace), element]);
}

/** Kinds of a namespace: from one to the next by key order, as a kind's keys lie together. */
export function* kindsIn(namespace: string, firstFrom: (from: Buffer) => Key | undefined): Generator<string> {
  let from: Buffer = kindPrefix('', namespace).subarray(0, -1);
  for (let key = firstFrom(from); key?.namespace === namespace; key = firstFrom(from)) {
    yield key.kind;
    from = Buffer.concat([kindPrefix(key.kind, namespace), AFTER_PREFIX]);
  }
}

/** How many pieces a range of so many entities is cut into: at least one, and none that would be empty. */
export function pieceCount(entities: number, n: number, finer: Finer = { most: n, entities: 1 }): number {
  const fine = Math.min(finer.most, Math.floor(entities / finer.entities));
  return Math.max(1, Math.min(n, entities), fine);
}

/** The pieces between consecutive cuts; together they are the range, so the last one takes what comes later. */
export function piecesOf(range: KeyRange, cuts: readonly Key[]): KeyRange[] {
  const { after, until, ...rest } = range;
  const starts = [after, ...cuts];
  const ends = [...cuts, until];
  return starts.map((start, i) => ({
    ...rest,
    ...(start === undefined ? {} : { after: start }),
    ...(ends[i] === undefined ? {} : { until: ends[i] }),
  }));
}
