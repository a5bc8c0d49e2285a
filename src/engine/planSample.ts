import type { Migration } from '../define/migration.ts';
import { LIMITS } from '../limits.ts';
import type { KeyRange, Store } from '../store/store.ts';
import { homeRange } from './sweep.ts';

/** How much to read: that share of every old home, or about so many records of all of them together. */
export type SampleSize = { readonly percent: number } | { readonly records: number };

/** The pieces of one old home that are read, of how many that the store cut it into. */
export interface Pieces {
  readonly ranges: readonly KeyRange[];
  readonly of: number;
}

/**
 * The pieces of every old home to read, and, numbered on, of every kind of record
 * that has subscriptions, of those that are rewritten in place, and of what refers to records. Whole pieces, evenly spread: what is multiplied is what the store calls alike.
 */
export async function piecesOf(store: Store, migration: Migration, size: SampleSize | undefined): Promise<Pieces[]> {
  const { records, subscriptions, fields, references } = migration;
  const homes = [...records, ...subscriptions, ...fields, ...references].map((_, rule) =>
    homeRange(migration, rule, 'S'),
  );
  if (!size) return homes.map((range) => ({ ranges: [range], of: 1 }));
  const rough: number[] = [];
  for (const range of homes) rough.push(await roughCount(store, range));
  const all = rough.reduce((sum, count) => sum + count, 0);
  const percent = 'percent' in size ? size.percent : Math.min(100, (100 * size.records) / Math.max(1, all));
  return Promise.all(homes.map((range, i) => piecesOfHome(store, range, percent, rough[i]!)));
}

async function piecesOfHome(store: Store, range: KeyRange, percent: number, rough: number): Promise<Pieces> {
  if (percent >= 100) return { ranges: [range], of: 1 };
  // Cut fine enough for many pieces to be read, and not so fine that a record more or less makes a piece another one.
  const most = Math.max(100 / percent, rough / LIMITS.samplePieceRecords);
  const pieces = await store.split(range, Math.ceil(Math.min(most, (LIMITS.samplePieces * 100) / percent)));
  const wanted = Math.max(1, Math.round((pieces.length * percent) / 100));
  const at = (i: number) => Math.floor(((i + 0.5) * pieces.length) / wanted);
  return { ranges: Array.from({ length: wanted }, (_, i) => pieces[at(i)]!), of: pieces.length };
}

/** Halfway into the range, again and again, until a piece fits into one page: as good as the store's cuts are even. */
async function roughCount(store: Store, range: KeyRange): Promise<number> {
  const page = await store.scan(range, LIMITS.pageSize);
  if (!page.more) return page.entities.length;
  const pieces = await store.split(range, LIMITS.rangesPerHome);
  if (pieces.length < 2) return page.entities.length;
  return pieces.length * (await roughCount(store, pieces[pieces.length >> 1]!));
}

/** Records in each piece of a home that was read, of how many pieces. */
export interface Counted {
  readonly counts: readonly number[];
  readonly of: number;
}

/**
 * How far off the total may well be that is extrapolated from the pieces, in percent of it: twice the standard error, and
 * a record a piece, for no cut is finer. Undefined where a single piece says nothing about the others.
 */
export function marginOf(homes: readonly Counted[]): number | undefined {
  let total = 0;
  let variance = 0;
  let uncut = 0;
  for (const { counts, of } of homes) {
    const n = counts.length;
    const mean = counts.reduce((sum, count) => sum + count, 0) / n;
    total += mean * of;
    if (n === of) continue;
    if (n < 2) return undefined;
    const spread = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / (n - 1);
    variance += of ** 2 * (spread / n) * (1 - n / of);
    uncut += of;
  }
  return total === 0 ? undefined : (100 * (2 * Math.sqrt(variance) + uncut)) / total;
}
