import { describe, expect, it } from 'vitest';
import { callbackOf } from '../../examples/feed-reader/lib/push.ts';
import { compare, type Updates } from '../../examples/feed-reader/lib/updates.ts';

const web = { news: 'http://127.0.0.1:1', app: 'http://127.0.0.1:2' };
const published = new Map([
  ['a', 2],
  ['b', 1],
]);
const SWITCHED = [callbackOf(web, 'new', 'a'), callbackOf(web, 'new', 'b')];
const APPLIED = [
  ['a', 1],
  ['b', 1],
  ['a', 2],
] as const;

const compared = (log: readonly (readonly [string, number])[] = APPLIED, postsTo = SWITCHED) =>
  compare(web, published, new Set(postsTo), log, ['a', 'b']);

interface Case {
  readonly hazard: string;
  readonly log?: readonly (readonly [string, number])[];
  readonly postsTo?: string[];
  readonly finds: Partial<Updates>;
}

const CASES: readonly Case[] = [
  { hazard: 'an update is missing', log: APPLIED.slice(1), finds: { applied: 2 } },
  { hazard: 'an update was applied twice', log: [...APPLIED, ['a', 1]], finds: { applied: 3, twice: 1 } },
  { hazard: 'an update was never published', log: [...APPLIED, ['b', 2]], finds: { invented: 1 } },
  { hazard: 'the old URL is posted to', postsTo: [...SWITCHED, callbackOf(web, 'old', 'a')], finds: { switched: 1 } },
  { hazard: 'the new URL is not', postsTo: SWITCHED.slice(1), finds: { switched: 1 } },
];

describe('the proof of updates', () => {
  it('holds when each was applied once, and the new URLs are posted to', () => {
    expect(compared()).toEqual({
      subscriptions: 2,
      switched: 2,
      published: 3,
      applied: 3,
      twice: 0,
      invented: 0,
      holds: true,
    });
  });

  it.each(CASES)('fails when $hazard', ({ log, postsTo, finds }) => {
    expect(compared(log, postsTo)).toMatchObject({ holds: false, ...finds });
  });
});
