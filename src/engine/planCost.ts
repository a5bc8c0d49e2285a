import type { PriceList } from '../store/prices.ts';
import type { Cost } from './planReport.ts';
import { type Ramp, timeFor } from './ramp.ts';

/**
 * What the steps cost in entity operations, which is what a hosted store bills: what the engine does for one record, sweep
 * by sweep, without live traffic. `test/engine/planCost.test.ts` holds it to what the real engine does.
 *
 *     by record            reads, 1st sweep      writes            deletes   2nd sweep
 *     copy                 S                 1   copy            1           S T, T S   4
 *     recall (cancel)      S T, look         4                     drop  1   S T        2
 *     stay, away           S T               2                               S T, T S   4
 *     switch               S T               2   cede, promote   2           S T, T S   4
 *     reverse              S T               2   demote, cede,   3 drop  1   S T        2
 *                                                promote
 *     complete             S T               2                     drop  1   T          1
 *     in one go            S                 1   copy, cede,     3 drop  1   T          1
 *                                                promote
 *
 * A `look` reads both sides at one moment, or without snapshots S, T and S again. Where the store commits both homes at
 * once, `pass` stands for cede and promote (2 writes), for the whole way back (1 and 1 delete), and for all of `in one go`
 * (1 and 1 delete). By group, the old home's sweep ends with a copy; a group is then scanned at the new home for itself,
 * once to see that all are there and, where not all have arrived, once more to switch, where each record is looked at before
 * it cedes. Each look at a
 * group also reads and writes its document.
 *
 * A record that is rewritten in place has one home: each sweep reads it once, and all that is to be done to it is one
 * write.
 */
export interface Operations {
  readonly reads: number;
  readonly writes: number;
  readonly deletes: number;
}

/** What happens to a record in one step. `stay` and `away`: it is looked at, where others switch. */
export type Part =
  | 'copy'
  | 'recall'
  | 'stay'
  | 'switch'
  | 'away'
  | 'reverse'
  | 'complete'
  | 'inOneGo'
  | 'restCopied'
  | 'restSwitched';

export interface Way {
  readonly by: 'record' | 'group';
  /** The short path: both homes in one atomic commit. */
  readonly short: boolean;
  readonly snapshotReads: boolean;
}

function perRecord(part: Part, { by, short, snapshotReads }: Way): Operations {
  const look = snapshotReads ? 2 : 3;
  const group = by === 'group';
  switch (part) {
    case 'copy':
      return operations(group ? 9 : 5, 1, 0);
    case 'recall':
      return operations(4 + look, 0, 1);
    case 'stay':
      return operations(group ? 10 : 6, 0, 0);
    case 'switch':
      return operations(group ? (short ? 12 : 12 + look) : 6, 2, 0);
    case 'away':
      return operations(group ? 10 : 6, 0, 0);
    case 'reverse':
      return operations(4, short ? 1 : 3, 1);
    case 'complete':
      return operations(group ? 6 : 3, 0, 1);
    case 'inOneGo':
      if (group) return operations(short ? 8 : 8 + look, short ? 2 : 3, 1);
      return operations(2, short ? 1 : 3, 1);
    case 'restCopied':
      return operations(group ? 5 : 4, 0, 0);
    case 'restSwitched':
      return operations(group ? 5 : 4, 0, 0);
  }
}

function inPlaceFor(part: Part): Operations {
  switch (part) {
    case 'restCopied':
    case 'restSwitched':
      return operations(1, 0, 0);
    case 'stay':
    case 'away':
      return operations(2, 0, 0);
    default:
      return operations(2, 1, 0);
  }
}

/** Sweeps of a step in which groups are looked at: each reads and writes every group's document. */
const GROUP_LOOKS: Partial<Record<Part, number>> = {
  copy: 2,
  stay: 2,
  switch: 2,
  away: 2,
  complete: 2,
  inOneGo: 2,
  restCopied: 1,
  restSwitched: 1,
};

/** How many there are of what is moved. */
export interface Population {
  readonly by: 'record' | 'group';
  readonly snapshotReads: boolean;
  readonly records: number;
  /** Of these, such that may take the short path. */
  readonly short: number;
  /** Of these, such as are rewritten where they are. */
  readonly inPlace: number;
  /** Target groups; counted under `by: 'group'` only. */
  readonly groups: number;
  /** Index entries of all records, in their old shape and in their new one. */
  readonly oldIndexEntries: number;
  readonly newIndexEntries: number;
}

export interface Terms {
  readonly ramp: Ramp;
  readonly prices?: PriceList | undefined;
}

/** Index entries that change hands: content that stays as it is keeps its own. */
const INDEXES: Partial<Record<Part, (population: Population) => number>> = {
  copy: ({ newIndexEntries }) => newIndexEntries,
  recall: ({ newIndexEntries }) => newIndexEntries,
  reverse: ({ newIndexEntries }) => newIndexEntries,
  complete: ({ oldIndexEntries }) => oldIndexEntries,
  inOneGo: ({ oldIndexEntries, newIndexEntries }) => oldIndexEntries + newIndexEntries,
};

/** What one step costs; `shares` says what part of the records (0 to 1) does what in it. */
export function costOf(shares: Partial<Record<Part, number>>, population: Population, terms: Terms): Cost {
  const { by, snapshotReads, records, short, inPlace, groups } = population;
  let sum = operations(0, 0, 0);
  let indexWrites = 0;
  for (const [name, share] of Object.entries(shares)) {
    const part = name as Part;
    const looks = by === 'group' ? (GROUP_LOOKS[part] ?? 0) * groups : 0;
    sum = plus(sum, perRecord(part, { by, snapshotReads, short: false }), (records - short - inPlace) * share);
    sum = plus(sum, inPlaceFor(part), inPlace * share);
    sum = plus(sum, perRecord(part, { by, snapshotReads, short: true }), short * share);
    sum = plus(sum, operations(looks, looks, 0), share);
    indexWrites += share * (INDEXES[part]?.(population) ?? 0);
  }
  return priced({ ...rounded(sum), indexWrites: Math.round(indexWrites) }, terms);
}

export function total(costs: readonly Cost[]): Cost {
  const add = (of: (cost: Cost) => number) => costs.reduce((sum, cost) => sum + of(cost), 0);
  const priceless = costs.some(({ money }) => money === undefined);
  return {
    reads: add(({ reads }) => reads),
    writes: add(({ writes }) => writes),
    deletes: add(({ deletes }) => deletes),
    indexWrites: add(({ indexWrites }) => indexWrites),
    durationMs: add(({ durationMs }) => durationMs),
    ...(priceless ? {} : { money: add(({ money }) => money!) }),
  };
}

function priced(cost: Operations & { readonly indexWrites: number }, { ramp, prices }: Terms): Cost {
  const { reads, writes, deletes } = cost;
  const durationMs = Math.ceil(timeFor(ramp, reads + writes + deletes));
  if (!prices) return { ...cost, durationMs };
  const money = (reads * prices.reads + writes * prices.writes + deletes * prices.deletes) / 100_000;
  return { ...cost, durationMs, money };
}

const operations = (reads: number, writes: number, deletes: number): Operations => ({ reads, writes, deletes });

const plus = (a: Operations, b: Operations, times: number): Operations =>
  operations(a.reads + b.reads * times, a.writes + b.writes * times, a.deletes + b.deletes * times);

const rounded = ({ reads, writes, deletes }: Operations): Operations =>
  operations(Math.round(reads), Math.round(writes), Math.round(deletes));
