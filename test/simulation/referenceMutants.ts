import type { Mutant } from './mutants.ts';

/** What is wrong with references to records. */
export const REFERENCE_MUTANTS: Readonly<Record<string, Mutant>> = {
  dropsAtOnce: {
    what: 'sides are dropped before what refers to their records was looked at',
    file: 'src/engine/dropping.js',
    find: `return campaign.dropIn === sweepName(campaign) ? 'only' : 'never';`,
    put: 'return undefined;',
    within: 200,
    subjects: 'references',
  },
  forgetsWayBack: {
    what: 'new sides are dropped on the way home before what refers to their records was looked at',
    file: 'src/engine/dropping.js',
    find: `if (state === 'copied' || state === 'copiedStale' || state === 'returned')`,
    put: 'if (false)',
    within: 200,
    subjects: 'references',
  },
  movesReferred: {
    what: 'a client moves what is referred to while sweeps wait for references',
    file: 'src/router/campaign.js',
    find: 'if (dropsOf(campaign, migration))',
    put: 'if (false)',
    within: 1_000,
    subjects: 'references',
  },
};
