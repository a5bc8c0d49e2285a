import { LIMITS } from '../../limits.ts';
import type { Key } from '../../record/key.ts';
import { boundsOf, pieceCount, piecesOf } from '../bounds.ts';
import type { Finer, KeyRange } from '../store.ts';
import type { Connection } from './client.ts';
import { keyFromWire } from './keys.ts';
import { answersTo, KEYS_ONLY, walkKeys } from './queries.ts';

/**
 * Cuts by keys that are there. A short range is walked, and cut exactly. A long one is cut by the store's own sample of
 * its kind, which it keeps for this, `__scatter__`; where that has nothing to give, by as many keys as are worth a walk:
 * then the last piece may be the largest by far.
 */
export async function split(
  connection: Connection,
  range: KeyRange,
  n: number,
  finer?: Finer,
): Promise<readonly KeyRange[]> {
  if (n <= 1) return [range];
  const walked = await walkKeys(connection, range, LIMITS.splitWalkKeys);
  if (walked.length < LIMITS.splitWalkKeys) return piecesOf(range, cuts(walked, pieceCount(walked.length, n, finer)));
  const samples = await sampled(connection, range, Math.max(n, finer?.most ?? n));
  if (samples.length >= n) return piecesOf(range, cuts(samples, pieceCount(about(samples, walked), n, finer)));
  const keys = await walkKeys(connection, range, LIMITS.splitSampleKeys);
  return piecesOf(range, cuts(keys, pieceCount(keys.length, n, finer)));
}

/** How many entities there are, by how many of the first of them are samples: to within a factor of two, mostly. */
function about(samples: readonly Key[], first: readonly Key[]): number {
  const last = first[first.length - 1]!.bytes;
  const among = samples.filter(({ bytes }) => bytes.compare(last) <= 0).length;
  return Math.round((samples.length * first.length) / Math.max(1, among));
}

async function sampled(connection: Connection, range: KeyRange, n: number): Promise<Key[]> {
  const bounds = boundsOf(range);
  if (!bounds) return [];
  const query = {
    kind: [{ name: range.kind }],
    projection: KEYS_ONLY,
    order: [{ property: { name: '__scatter__' }, direction: 'ASCENDING' }],
  } as const;
  const keys: Key[] = [];
  for await (const batch of answersTo(connection, range.namespace, query, n * LIMITS.splitSamples)) {
    for (const { entity } of batch) keys.push(keyFromWire(connection, entity.key));
  }
  // The sample is of the whole kind: no query may ask for a range of it.
  const { start, exclusiveStart, end, inclusiveEnd } = bounds;
  const inside = keys.filter(({ bytes }) => {
    const low = bytes.compare(start);
    const high = bytes.compare(end);
    return (exclusiveStart ? low > 0 : low >= 0) && (inclusiveEnd ? high <= 0 : high < 0);
  });
  return inside.sort((a, b) => a.bytes.compare(b.bytes));
}

/** Every (count / n)th key. */
function cuts(keys: readonly Key[], n: number): Key[] {
  const pieces = Math.max(1, Math.min(n, keys.length));
  return Array.from({ length: pieces - 1 }, (_, i) => keys[Math.ceil(((i + 1) * keys.length) / pieces) - 1]!);
}
