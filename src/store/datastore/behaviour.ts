import type { Fact } from '../store.ts';

/** How a database behaves, as the probe saw it. */
export interface Behaviour {
  /** Compare-and-set of each mutation of a commit for itself: see commitEach.ts. */
  readonly commitsEach: boolean;
  /** Entity groups that a transaction of one call takes; 0 where transactions ignore conditions. */
  readonly groups: number;
  /** Keys that are read at one moment; 0 where they are not. */
  readonly together: number;
  readonly scans: 'strong' | 'eventual';
  /** Whether many queries in one read-only transaction show one moment, and hold up nobody who writes. */
  readonly moments: boolean;
  readonly keepsMixedArrays: boolean;
}

/** What it means, for `doctor`. */
export function factsOf({ commitsEach, groups, together, scans, moments, keepsMixedArrays }: Behaviour): Fact[] {
  return [
    commitsEach
      ? { what: 'commits', meaning: 'Each mutation of a commit has its own condition: up to 500 records a call.' }
      : {
          what: 'commits',
          meaning:
            'Conditions hold in transactions only, so a commit is one; where one record lost, the others are tried again.',
        },
    {
      what: 'transactions',
      meaning:
        groups === 0
          ? 'They ignore conditions: records pass by the full path, one entity a step.'
          : Number.isFinite(groups)
            ? `They span ${groups} entity groups: records pass by the short path, ${Math.floor(groups / 2)} a call.`
            : 'They span any number of entity groups: records pass by the short path, hundreds a call.',
    },
    {
      what: 'snapshots',
      meaning:
        together === 0
          ? 'Several keys cannot be read at one moment: both sides of a record are looked at in turn.'
          : `Up to ${together} keys are read at one moment.`,
    },
    {
      what: 'moments',
      meaning: moments
        ? 'Many pages are read as of one moment: invariants are taken in one pass.'
        : 'No two pages are of one moment: invariants are taken in repeated passes.',
    },
    {
      what: 'scans',
      meaning:
        scans === 'strong'
          ? 'A scan saw everything that was written before it.'
          : 'A scan may miss what was just written, or show what is gone: sweeps repeat until nothing is left to do.',
    },
    ...(keepsMixedArrays
      ? []
      : [
          {
            what: 'arrays',
            meaning:
              'Indexed elements are put before unindexed ones: a transform that returns another order is refused.',
          },
        ]),
  ];
}
