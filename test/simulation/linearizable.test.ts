import { describe, expect, it } from 'vitest';
import { type Answer, type Call, disorder, type Operation } from '../../src/testing/linearizable.ts';

const op = (start: number, end: number, call: Call, answer: Answer): Operation => ({ start, end, call, answer });
const get = (start: number, end: number, value: string | undefined) =>
  op(start, end, { type: 'get' }, { type: 'value', value });
const put = (start: number, end: number, value: string) =>
  op(start, end, { type: 'put', value }, { type: 'did', did: true });
const insert = (start: number, end: number, value: string, did: boolean) =>
  op(start, end, { type: 'insert', value }, { type: 'did', did });
const remove = (start: number, end: number, did: boolean) => op(start, end, { type: 'delete' }, { type: 'did', did });
const update = (start: number, end: number, value: string, before: string) =>
  op(start, end, { type: 'update', value }, { type: 'over', before });
const open = (start: number, call: Call) => op(start, 0, call, { type: 'open' });

const GOOD: Record<string, readonly Operation[]> = {
  'one after the other': [put(1, 2, 'a'), get(3, 4, 'a'), remove(5, 6, true), get(7, 8, undefined)],
  'a read beside a write sees the old value': [put(1, 2, 'a'), put(3, 6, 'b'), get(4, 5, 'a')],
  'a read beside a write sees the new value': [put(1, 2, 'a'), put(3, 6, 'b'), get(4, 5, 'b')],
  'of two inserts at once one wins, and it is the one that began later': [
    insert(1, 6, 'a', false),
    insert(2, 5, 'b', true),
    get(7, 8, 'b'),
  ],
  'a write without an answer that took effect much later': [
    put(1, 2, 'a'),
    open(3, { type: 'put', value: 'b' }),
    get(4, 5, 'a'),
    get(6, 7, 'b'),
  ],
  'a write without an answer that never took effect': [
    put(1, 2, 'a'),
    open(3, { type: 'delete' }),
    get(4, 5, 'a'),
    get(6, 7, 'a'),
  ],
  'an update without an answer on a record that is not there': [
    open(1, { type: 'update', value: 'u' }),
    get(2, 3, undefined),
  ],
  'only a far order explains it': [put(1, 10, 'a'), put(2, 9, 'b'), put(3, 8, 'c'), get(4, 5, 'b'), get(6, 7, 'a')],
};

const BAD: Record<string, readonly Operation[]> = {
  'a read of a value that was overwritten before it began': [put(1, 2, 'a'), put(3, 4, 'b'), get(5, 6, 'a')],
  'a read that goes back': [put(1, 2, 'a'), put(3, 8, 'b'), get(4, 5, 'b'), get(6, 7, 'a')],
  'an acknowledged write that is lost': [put(1, 2, 'a'), get(3, 4, undefined)],
  'two inserts that both won': [insert(1, 4, 'a', true), insert(2, 3, 'b', true)],
  'two deletes of one record that both won': [put(1, 2, 'a'), remove(3, 6, true), remove(4, 5, true)],
  'a deleted record that rises again': [put(1, 2, 'a'), remove(3, 4, true), get(5, 6, 'a')],
  'an update that was applied twice': [put(1, 2, 'a'), update(3, 4, 'b', 'a'), update(5, 6, 'c', 'a')],
  'an open write that took effect, and then another time': [
    put(1, 2, 'a'),
    open(3, { type: 'put', value: 'b' }),
    get(4, 5, 'b'),
    put(6, 7, 'c'),
    get(8, 9, 'b'),
  ],
  'an open write that took effect before it began': [
    put(1, 2, 'a'),
    get(3, 4, 'b'),
    open(5, { type: 'put', value: 'b' }),
  ],
  'a refused insert where there was no record': [insert(1, 2, 'a', false)],
  'an insert that found none where there was one all the time': [put(1, 2, 'a'), insert(3, 4, 'b', true)],
};

describe('the checker of histories', () => {
  it.each(Object.entries(GOOD))('accepts: %s', (_, history) => {
    expect(disorder(history, undefined)).toBeUndefined();
  });

  it.each(Object.entries(BAD))('refuses: %s', (_, history) => {
    expect(disorder(history, undefined)).toMatch(/no order/);
  });

  it('begins with the value it is told', () => {
    expect(disorder([get(1, 2, 'a')], 'a')).toBeUndefined();
    expect(disorder([get(1, 2, 'a')], 'b')).toBeDefined();
  });

  it('is fast where sixty calls overlap', () => {
    const history = Array.from({ length: 60 }, (_, i) => put(i, i + 6, `v${i}`));
    expect(disorder([...history, get(100, 101, 'v59')], undefined)).toBeUndefined();
    expect(disorder([...history, get(100, 101, 'v1')], undefined)).toBeDefined();
  });
});
