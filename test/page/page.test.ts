import type { Browser, Page } from 'playwright-core';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { type Served, TOKENS } from '../server/harness.ts';
import { expectAccessible, openBrowser, shoot, signIn, visit } from './browser.ts';
import { occupied, site } from './site.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
  return () => browser.close();
});

/** Opens a command's dialog, says why, and gives the command. */
async function command(page: Page, button: RegExp, sure: string, typed?: string): Promise<void> {
  await page.getByRole('button', { name: button }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Why, for the audit trail').fill('a browser test');
  if (typed !== undefined) await dialog.getByLabel(/to say that you mean it/).fill(typed);
  await dialog.getByRole('button', { name: sure, exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
}

const badge = (page: Page, text: string) => page.locator('h1 .badge', { hasText: text }).waitFor({ timeout: 30_000 });

/** A page that is signed in, and must not have complained when the test is over. */
async function signedIn(server: Served, options: Parameters<typeof visit>[2] = {}): Promise<Page> {
  const looking = await visit(browser, server.url, options);
  onTestFinished(async () => {
    await looking.context.close();
    expect(looking.complaints).toEqual([]);
  });
  await signIn(looking.page, TOKENS.admin);
  return looking.page;
}

it('brings a campaign from start to completed, with a record mended and a way back in between', async () => {
  const server = await site();
  const page = await signedIn(server);
  await expectAccessible(page);

  await command(page, /Start feeds/, 'Start all');
  await page.getByRole('link', { name: 'feeds.1' }).click();
  await badge(page, 'copied, settled');
  await expectAccessible(page);
  await shoot(page, 'copied');

  await page.getByLabel('Share of the records').fill('10');
  await command(page, /^Switch 10 %/, 'Switch 10 %');
  await badge(page, 'switching, settled');
  await page.getByText('90 % copied').waitFor();
  await shoot(page, 'tenth');

  await page.getByRole('link', { name: 'Quarantine (1)' }).click();
  await page.getByRole('button', { name: `Both contents of ${occupied.old}` }).click();
  await page.getByRole('cell', { name: 'SOMEBODY ELSE' }).waitFor();
  await expectAccessible(page);
  await shoot(page, 'quarantine');
  await page.getByLabel(`Pick ${occupied.old}`).check();
  await command(page, /^Resolve 1 picked: keep old/, 'Keep the old one');
  await page.getByText('Nothing is quarantined.').waitFor({ timeout: 30_000 });

  await page.getByRole('link', { name: 'Overview' }).click();
  await badge(page, 'settled');
  await command(page, /^Reverse…/, 'Reverse all');
  await badge(page, 'home, settled');
  await command(page, /^Start…/, 'Start all');
  await badge(page, 'copied, settled');
  await command(page, /^Switch…/, 'Switch all');
  await badge(page, 'switched, settled');
  await command(page, /^Complete…/, 'Complete all', 'feeds.1');
  await badge(page, 'completed');
  await expectAccessible(page);
  await shoot(page, 'completed');

  await page.getByRole('link', { name: /^Audit trail/ }).click();
  await page.getByText('a browser test').first().waitFor();
  await expectAccessible(page);
  await shoot(page, 'audit');
});
