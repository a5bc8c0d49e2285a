import { expect, it } from 'vitest';
import { KeySet } from '../../src/engine/keySet.ts';
import { key } from '../../src/record/key.ts';

const nth = (n: number) => key('User', `u${n % 13}`, 'Feed', n + 1);

it('knows every key that was added, and no other, however often it grew', () => {
  const seen = new KeySet(100_000);
  const answers = (from: number, to: number) =>
    new Set(Array.from({ length: to - from }, (_, i) => seen.add(nth(from + i))));
  expect(answers(0, 20_000)).toEqual(new Set(['added']));
  expect(answers(0, 20_000)).toEqual(new Set(['present']));
  expect(answers(20_000, 30_000)).toEqual(new Set(['added']));
  expect(seen.size).toBe(30_000);
});

it('says when it is full, and still knows what it has', () => {
  const seen = new KeySet(2);
  expect([0, 1, 2, 1, 2].map((n) => seen.add(nth(n)))).toEqual(['added', 'added', 'full', 'present', 'full']);
  expect(seen.size).toBe(2);
});
