import type { Browser } from 'playwright-core';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { rest } from '../engine/harness.ts';
import { begun, broken, perCurrency, perUser } from '../engine/payments.ts';
import { served, TOKENS } from '../server/harness.ts';
import { expectAccessible, hasNone, openBrowser, signIn, visit } from './browser.ts';

describe.skipIf(hasNone)('a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
    return () => browser.close();
  });

  it.each([1280, 390])('at %i pixels shows which totals do not hold, group by group', async (width) => {
    const here = await begun(broken, [perUser, perCurrency]);
    await rest(here);
    const server = await served({ store: here.store, migrations: [here.migration], page: true });
    const { page, context, complaints } = await visit(browser, server.url, { width, scheme: 'light' });
    onTestFinished(async () => {
      await context.close();
      expect(complaints).toEqual([]);
    });
    await signIn(page, TOKENS.viewer);
    await page.goto(`${server.url}/#/campaigns/feeds.1`);
    await page.getByRole('heading', { name: 'Invariants' }).waitFor();
    await page.getByText('Paused: invariant "cents per currency" is broken').waitFor();
    const rows = await page.getByRole('region', { name: 'Invariants' }).getByRole('row').allInnerTexts();
    expect(rows.map((row) => row.replace(/\s+/g, ' ').trim())).toEqual([
      expect.stringMatching(/^Invariant Groups Result$/i),
      'payments per user 3 held',
      'cents per currency 2 broken EUR: 2500 where 2625 is expected USD: 3000 where 3125 is expected',
    ]);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    await expectAccessible(page);
  });
});
