import type { Browser } from 'playwright-core';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { TOKENS } from '../server/harness.ts';
import { expectAccessible, hasNone, openBrowser, shoot, signIn, visit } from './browser.ts';
import { site } from './site.ts';

describe.skipIf(hasNone)('a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
    return () => browser.close();
  });

  const WIDTHS = [1280, 390];
  const SCHEMES = ['light', 'dark'] as const;
  const PLACES = [
    ['campaigns', '#/', 'Campaigns'],
    ['deliveries', '#/deliveries', 'Deliveries'],
    ['history', '#/history', 'History'],
    ['overview', '#/campaigns/feeds.1', 'feeds.1'],
    ['quarantine', '#/campaigns/feeds.1/quarantine', 'feeds.1'],
    ['records', '#/campaigns/feeds.1/records', 'feeds.1'],
    ['record', `#/campaigns/feeds.1/record/${encodeURIComponent('Feed:9')}`, 'Feed:9'],
    ['audit', '#/campaigns/feeds.1/audit', 'feeds.1'],
    ['plan', '#/plan/feeds', 'Plan of feeds'],
  ] as const;

  it.each(WIDTHS.flatMap((width) => SCHEMES.map((scheme) => ({ width, scheme }))))(
    'at $width pixels in $scheme nothing is wider than the screen, and axe finds nothing',
    async ({ width, scheme }) => {
      const server = await site();
      await server.ask('/v1/migrations/feeds/start', { body: { reason: 'copies first', ceiling: 600, ramp: false } });
      const { page, context, complaints } = await visit(browser, server.url, { width, scheme });
      onTestFinished(async () => {
        await context.close();
        expect(complaints).toEqual([]);
      });
      await signIn(page, TOKENS.admin);
      for (const [name, hash, heading] of PLACES) {
        await page.goto(`${server.url}/${hash}`);
        await page.getByRole('heading', { level: 1, name: heading }).waitFor();
        await page.getByText('Loading.').waitFor({ state: 'detached' });
        if (name === 'plan') {
          await page.getByRole('button', { name: 'Make a plan' }).click();
          await page.getByText('all steps').waitFor();
        }
        if (name === 'quarantine') {
          await page.getByRole('button', { name: /^Both contents/ }).click();
          await page.getByRole('cell', { name: 'SOMEBODY ELSE' }).waitFor();
        }
        const overflow = await page
          .locator('html')
          .evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth);
        expect(overflow, name).toBeLessThanOrEqual(0);
        await expectAccessible(page);
        await shoot(page, `${name}-${width}-${scheme}`);
      }
      await page.goto(`${server.url}/#/campaigns/feeds.1`);
      await page.getByRole('button', { name: /^Cancel…/ }).click();
      await page.getByLabel(/to say that you mean it/).fill('feeds.1');
      await expectAccessible(page);
      await shoot(page, `cancel-${width}-${scheme}`);
    },
  );
});
