import { expect, it } from 'vitest';
import { Ledger } from './ledger.ts';

const problems = (lines: readonly string[], visits: number, last: string) => {
  const ledger = new Ledger();
  for (const line of lines) ledger.enter(line);
  ledger.check(7, { visits, last });
  return ledger.problems;
};

it.each<[string, string[], number, string]>([
  ['nothing was written', [], 0, ''],
  ['all were acknowledged', ['7 2 b.1', '7 1 a.1'], 2, 'b.1'],
  ['an uncertain one was not applied', ['7 1 a.1', '7 ? b.1'], 1, 'a.1'],
  ['an uncertain one was applied last', ['7 1 a.1', '7 ? b.1'], 2, 'b.1'],
  ['an uncertain one was applied first', ['7 ? b.1', '7 2 a.1'], 2, 'a.1'],
])('the ledger is content: %s', (_, lines, visits, last) => {
  expect(problems(lines, visits, last)).toEqual([]);
});

it.each<[string, string[], number, string]>([
  ['the last write is lost', ['7 1 a.1', '7 2 b.1'], 1, 'a.1'],
  ['a write was written over', ['7 1 a.1', '7 1 b.1'], 1, 'b.1'],
  ['an uncertain write took the place of one that was acknowledged', ['7 1 a.1', '7 ? b.1'], 1, 'b.1'],
  ['a write was applied twice', ['7 1 a.1', '7 2 b.1'], 3, 'b.1'],
  ['an uncertain write was applied twice', ['7 1 a.1', '7 ? b.1'], 3, 'b.1'],
  ['the count goes on over content that did not', ['7 1 a.1', '7 2 b.1'], 2, 'a.1'],
  ['somebody wrote of whom nothing was heard', ['7 1 a.1'], 2, 'c.1'],
])('the ledger objects: %s', (_, lines, visits, last) => {
  expect(problems(lines, visits, last)).not.toEqual([]);
});
