import { describe, expect, it } from 'vitest';
import { expectedAt } from '../../examples/feed-reader/lib/expected.ts';
import { PLACES } from '../../examples/feed-reader/lib/places.ts';
import { contentAt, kindAt, numberOf, recordAt } from '../../examples/feed-reader/lib/records.ts';
import { written } from '../../examples/feed-reader/lib/values.ts';
import migration from '../../examples/feed-reader/migrations/feeds-under-users.ts';
import { Content } from '../../src/record/content.ts';

/** Some of every part of the data set, and of its second round. */
const SAMPLE = Array.from({ length: 3000 }, (_, i) => Math.floor((i * (PLACES + 5000)) / 3000));
const ruleOf = (n: number) => migration.records.find(({ from }) => from[0] === kindAt(n))!;

describe('the example', () => {
  it('finds the number of every record by its id, and none by an id that no record has', () => {
    for (const n of SAMPLE) expect(numberOf(kindAt(n), recordAt(n).from.id, PLACES + 5000)).toBe(n);
    expect(numberOf('Feed', 1n, PLACES)).toBeUndefined();
    expect(numberOf('Article', 'zzzz', PLACES)).toBeUndefined();
    expect(numberOf('Note', recordAt(0).from.id, PLACES)).toBeUndefined();
    expect(numberOf('Feed', recordAt(10).from.id, 10)).toBeUndefined();
  });

  it('gives no two records one key', () => {
    const keys = new Set(SAMPLE.map((n) => recordAt(n).into.toString()));
    expect(keys.size).toBe(SAMPLE.length);
  });

  it('has a migration that does what is said a second time by hand, and can undo it without a trace', () => {
    for (const n of SAMPLE) {
      const { from, into } = recordAt(n);
      const old = Content.of(contentAt(n));
      const now = ruleOf(n).forward(from, old);
      expect(ruleOf(n).targetOf(from, old).toString()).toBe(into.toString());
      expect(written(now.properties)).toBe(written(expectedAt(n, undefined)));
      expect(written(ruleOf(n).backward(from, now).properties)).toBe(written(old.properties));
    }
  });
});
