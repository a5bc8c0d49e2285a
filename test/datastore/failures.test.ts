import { describe, expect, it } from 'vitest';
import { HandoverError } from '../../src/errors.ts';
import { errorOf, type Failure, failureOf } from '../../src/store/datastore/failures.ts';

const thrown = (code: number | undefined, details: string) =>
  Object.assign(new Error(`${code} X: ${details}`), { code, details });

describe('datastore: what an error of the wire means', () => {
  const rows: readonly [number, Failure, string][] = [
    [1, 'unknown', 'store.unknown'],
    [2, 'unknown', 'store.unknown'],
    [3, 'refused', 'store.rejected'],
    [4, 'unknown', 'store.unknown'],
    [5, 'missing', 'store.missing'],
    [6, 'conflict', 'store.rejected'],
    [7, 'denied', 'store.denied'],
    [8, 'exhausted', 'store.unknown'],
    [9, 'conflict', 'store.rejected'],
    [10, 'contention', 'store.unknown'],
    [11, 'rejected', 'store.rejected'],
    [12, 'rejected', 'store.rejected'],
    [13, 'unknown', 'store.unknown'],
    [14, 'unknown', 'store.unknown'],
    [15, 'unknown', 'store.unknown'],
    [16, 'denied', 'store.denied'],
  ];

  it.each(rows)('code %i is %s, and ends a read with %s', (code, failure, error) => {
    const what = thrown(code, 'something happened');
    expect(failureOf(what)).toBe(failure);
    expect(errorOf(what, 'project p')).toMatchObject({ code: error, detail: 'project p: something happened.' });
  });

  it('credentials that are missing or bad are told without a code', () => {
    for (const text of [
      'Could not load the default credentials. Browse to …',
      'invalid_grant: Invalid JWT Signature.',
    ]) {
      expect(errorOf(new Error(text), 'project p').code).toBe('store.denied');
    }
    expect(errorOf(new TypeError('x is not a function'), 'project p').code).toBe('store.rejected');
  });

  it('what is an error of ours stays it', () => {
    const own = new HandoverError('store.unsafe', 'Here.');
    expect(errorOf(own, 'project p')).toBe(own);
  });
});
