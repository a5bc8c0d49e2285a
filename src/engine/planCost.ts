/**
 * What a whole journey costs in entity operations, which is what a hosted store bills. Without live traffic, and without
 * the campaign's own few documents. Per record, sweep by sweep:
 *
 *     step by step                reads               writes            deletes
 *     start     1st sweep   S               1   copy            1
 *               2nd sweep   S, T, T, S      4
 *     switch    1st sweep   S, T            2   cede, promote   2
 *               2nd sweep   S, T, T, S      4
 *     complete  1st sweep   S, T            2                        drop  1
 *               2nd sweep   T               1
 *
 *     in one go (start --to completed)
 *               1st sweep   S               1   copy, cede,     3    drop  1
 *                                               promote
 *               2nd sweep   T               1
 *     the same where the store commits both homes at once: pass writes 1 and deletes 1.
 */
const STEPWISE: Cost = { reads: 14, writes: 3, deletes: 1 };
const FULL: Cost = { reads: 2, writes: 3, deletes: 1 };
const SHORT: Cost = { reads: 2, writes: 1, deletes: 1 };

export interface Cost {
  readonly reads: number;
  readonly writes: number;
  readonly deletes: number;
}

export interface PlanCost {
  /** `start`, `switch`, `complete`, with a rest after each. */
  readonly stepwise: Cost;
  /** `start --to completed`, by the path that the store allows for each record. */
  readonly inOneGo: Cost;
  /** The same, if the short path were allowed for none. */
  readonly full: Cost;
  /** The same, if it were allowed for all. */
  readonly short: Cost;
}

export function costOf(records: number, short: number): PlanCost {
  return {
    stepwise: times(STEPWISE, records),
    inOneGo: plus(times(FULL, records - short), times(SHORT, short)),
    full: times(FULL, records),
    short: times(SHORT, records),
  };
}

const times = ({ reads, writes, deletes }: Cost, n: number): Cost => ({
  reads: reads * n,
  writes: writes * n,
  deletes: deletes * n,
});

const plus = (a: Cost, b: Cost): Cost => ({
  reads: a.reads + b.reads,
  writes: a.writes + b.writes,
  deletes: a.deletes + b.deletes,
});
