import { KIND_IN_PATH } from './pages.ts';
import { numberOf, recordAt } from './records.ts';

const ITEM = /data-record="(\w+)\/([^"]+)" data-visits="(\d+)"/g;

/**
 * What is wrong with a page, in words: a record that is missing, one that is there twice, one that is not the user's, or
 * one with another number of visits than it can have. Undefined when nothing is.
 */
export function checkPage(
  html: string,
  expected: readonly number[],
  records: number,
  least: (n: number) => number,
): string | undefined {
  const due = new Set(expected);
  const seen = new Set<number>();
  for (const [, list, id, visits] of html.matchAll(ITEM)) {
    const kind = KIND_IN_PATH[list!];
    const n = kind && numberOf(kind, kind === 'Article' ? id! : BigInt(id!), records);
    if (n === undefined || !due.has(n)) return `${list}/${id} does not belong there`;
    if (seen.has(n)) return `${list}/${id} is there twice`;
    if (Number(visits) < least(n)) return `${list}/${id} shows ${visits} visits, where ${least(n)} were acknowledged`;
    seen.add(n);
  }
  const missing = expected.find((n) => !seen.has(n));
  return missing === undefined ? undefined : `${recordAt(missing).from} is missing`;
}
