import { describe, expect, it } from 'vitest';
import { checkPage } from '../../examples/feed-reader/lib/pageCheck.ts';
import { KIND_IN_PATH } from '../../examples/feed-reader/lib/pages.ts';
import { contentAt, recordAt } from '../../examples/feed-reader/lib/records.ts';
import { Shelves } from '../../examples/feed-reader/lib/shelves.ts';
import { Site } from '../../examples/feed-reader/lib/site.ts';
import { Content } from '../../src/record/content.ts';
import { memoryStore } from '../../src/store/memory.ts';

const RECORDS = 200;
const shelves = new Shelves(RECORDS);
const user = shelves.busiest;
const shown = Object.values(shelves.shown(user)).flat();

/** The user's page, before the first command. */
async function page(without: readonly number[] = []): Promise<string> {
  const store = memoryStore();
  const numbers = Array.from({ length: RECORDS }, (_, n) => n).filter((n) => !without.includes(n));
  await store.overwrite(numbers.map((n) => ({ key: recordAt(n).from, content: Content.of(contentAt(n)) })));
  const { server } = new Site(store, shelves);
  const { statusCode, body } = await server.inject(`/users/${user}`);
  expect(statusCode).toBe(200);
  return body;
}

const check = (html: string, least = 0) => checkPage(html, shown, RECORDS, () => least);

const itemOf = (n: number) => {
  const { kind, from } = recordAt(n);
  const list = Object.keys(KIND_IN_PATH).find((name) => KIND_IN_PATH[name] === kind)!;
  return new RegExp(`<li data-record="${list}/${from.id}".*?</li>`, 's');
};

describe('what a reader finds wrong with a page', () => {
  const one = shown[0]!;
  const other = Array.from({ length: RECORDS }, (_, n) => n).find((n) => recordAt(n).user !== user)!;

  it('is nothing, when each record is there once, with the visits it must have', async () => {
    expect(shown.length).toBeGreaterThan(2);
    expect(check(await page())).toBeUndefined();
  });

  it('is a record that is gone from the store', async () => {
    expect(check(await page([one]))).toBe(`${recordAt(one).from} is missing`);
  });

  it('is a record that is there twice', async () => {
    const html = await page();
    const [item] = itemOf(one).exec(html)!;
    expect(check(html.replace(item, item + item))).toMatch(/is there twice$/);
  });

  it('is a record of somebody else', async () => {
    const html = await page();
    const strange = html.replaceAll(String(recordAt(one).from.id), String(recordAt(other).from.id));
    expect(check(strange)).toBeDefined();
  });

  it('is a visit that was acknowledged and does not show', async () => {
    expect(check(await page(), 1)).toMatch(/shows 0 visits, where 1 were acknowledged$/);
  });
});
