import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { contentAt, recordAt } from '../../examples/feed-reader/lib/records.ts';
import { Shelves } from '../../examples/feed-reader/lib/shelves.ts';
import { Site } from '../../examples/feed-reader/lib/site.ts';
import { Content } from '../../src/record/content.ts';
import { memoryStore } from '../../src/store/memory.ts';
import { expectAccessible, hasNone, openBrowser, shoot, visit } from './browser.ts';

const RECORDS = 300;

describe.skipIf(hasNone)('a user’s page of the feed reader', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser.close());

  it.each(['light', 'dark'] as const)('shows what the user has, and takes a new note, %s', async (scheme) => {
    const store = memoryStore();
    const numbers = Array.from({ length: RECORDS }, (_, n) => n);
    await store.overwrite(numbers.map((n) => ({ key: recordAt(n).from, content: Content.of(contentAt(n)) })));
    const { server } = new Site(store, new Shelves(RECORDS));
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    onTestFinished(() => server.close());

    const { page, context, complaints } = await visit(browser, url, { scheme });
    await page.getByRole('link', { name: new Shelves(RECORDS).busiest, exact: true }).click();
    await page.getByRole('heading', { name: 'Newest articles' }).waitFor();
    await expectAccessible(page);
    const note = page.locator('li[data-record^="notes/"]').first();
    await note.getByLabel('New text of the note').fill('Mind the <bridge> & the "gap"');
    await note.getByRole('button', { name: 'Write' }).click();
    await page.getByText('Mind the <bridge> & the "gap"').waitFor();
    expect(await note.textContent()).toContain('1 visit');
    await page.locator('li[data-record^="feeds/"]').first().getByRole('button', { name: 'Visit' }).click();
    await page.locator('li[data-record^="feeds/"]').first().getByText('1 visit').waitFor();
    await shoot(page, `reader-${scheme}`);
    await context.close();
    expect(complaints).toEqual([]);
  });
});
