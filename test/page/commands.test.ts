import type { Browser } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { oldKey } from '../engine/harness.ts';
import { OTHER, type Served, TOKENS, until } from '../server/harness.ts';
import { badge, command, expectAccessible, hasNone, openBrowser, shoot, signedIn } from './browser.ts';
import { site } from './site.ts';

const start = (server: Served, more: object = {}) =>
  server.ask('/v1/migrations/feeds/start', { body: { reason: 'first of all', ...more } });
const look = async (server: Served) => (await server.ask('/v1/campaigns/feeds.1')).body;
/** As somebody at a command line would. */
const also = async (server: Served, verb: string, body: object = {}, token = OTHER) => {
  const etag = (await server.ask('/v1/campaigns/feeds.1')).headers.get('etag')!;
  const answer = await server.ask(`/v1/campaigns/feeds.1/${verb}`, {
    body: { reason: 'meanwhile', ...body },
    headers: { 'if-match': etag },
    token,
  });
  expect(answer.status).toBe(200);
};

describe.skipIf(hasNone)('a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
    return () => browser.close();
  });

  it('begins with the pace and the share in force, sends what it says, and nothing that is no number', async () => {
    const server = await site({ count: 50 });
    await start(server, { ceiling: 300, ramp: false });
    const page = await signedIn(browser, server.url, TOKENS.admin);
    await page.getByRole('link', { name: 'feeds.1' }).click();
    await badge(page, 'copied, settled');
    await page.getByText('The ceiling is 300 operations a second.').waitFor();

    const sent: unknown[] = [];
    await page.route('**/pace', (route) => {
      sent.push(route.request().postDataJSON());
      return route.continue();
    });
    const dialog = page.getByRole('dialog');
    const sure = dialog.getByRole('button', { name: 'Set this pace' });
    const most = dialog.getByLabel('Operations a second at most');
    const ramp = dialog.getByLabel('Rise slowly, by the ramp');
    const open = async () => {
      await page.getByRole('button', { name: /^Change pace/ }).click();
      await dialog.getByLabel('Why, for the audit trail').fill(' ');
    };
    await open();
    await dialog.getByText('Nothing yet: the ceiling is 300 operations a second, and no ramp.').waitFor();
    expect(await most.inputValue()).toBe('300');
    expect(await sure.isDisabled()).toBe(true);
    await most.fill('');
    await dialog.getByText('A ceiling is a number of 1 or more.').waitFor();
    expect(await sure.isDisabled()).toBe(true);
    await expectAccessible(page);
    await shoot(page, 'pace');
    await most.fill('200');
    await dialog.getByText('at most 200 operations a second, instead of 300.').waitFor();
    await dialog.getByText('There is no ramp, as before.').waitFor();
    await ramp.check();
    await sure.click();
    await dialog.getByText('Say why: blanks are no reason.').waitFor();
    await dialog.getByLabel('Why, for the audit trail').fill('slower');
    await sure.click();
    await dialog.waitFor({ state: 'detached' });
    await open();
    await dialog.getByText('Nothing yet: the ceiling is 200').waitFor();
    await ramp.uncheck();
    await dialog.getByText('The ceiling stays at 200 operations a second.').waitFor();
    await dialog.getByLabel('Why, for the audit trail').fill('no ramp');
    await sure.click();
    await dialog.waitFor({ state: 'detached' });
    expect(sent).toEqual([
      { ceiling: 200, ramp: true, reason: 'slower' },
      { ramp: false, reason: 'no ramp' },
    ]);

    const share = page.getByLabel('Share in percent, exactly');
    const switching = page.getByRole('button', { name: /^Switch/ });
    for (const wrong of ['150', '0', '']) {
      await share.fill(wrong);
      await page.getByText('A share is over 0 and up to 100 percent.').first().waitFor();
      expect(await switching.getAttribute('aria-disabled')).toBe('true');
    }
    await share.fill('12.5');
    await page.getByRole('button', { name: 'Switch 12.5 %…' }).click();
    await dialog.getByLabel('Share in percent, exactly').fill('101');
    expect(await dialog.getByRole('button', { name: /^Switch/ }).isDisabled()).toBe(true);
    // What was asked about on one view is not for another.
    await page.goto(`${server.url}/#/campaigns/feeds.1/record/Feed%3A9`);
    await page.getByRole('heading', { level: 1, name: 'Feed:9', exact: true }).waitFor();
    expect(await dialog.count()).toBe(0);
    expect(await page.locator('p', { hasText: 'feeds.1' }).locator('.badge').textContent()).toBe('copied, settled');
  });

  it('counts its own commands of several, keeps what was picked, and says what stays behind', async () => {
    const taken = [7, 8, 9, 10, 11];
    const server = await site({ count: 50, taken });
    await start(server);
    await until(async () => (await look(server))['settled']);
    const page = await signedIn(browser, server.url, TOKENS.admin);
    await page.goto(`${server.url}/#/campaigns/feeds.1/quarantine`);
    const [aside, ...mine] = taken.map((n) => oldKey(n).toString());
    for (const key of mine) await page.getByLabel(`Pick ${key}`).check();
    await page.getByRole('button', { name: `Both contents of ${mine[0]}` }).click();
    await page.getByRole('cell', { name: 'SOMEBODY ELSE' }).waitFor();
    await also(server, 'skip', { key: aside });
    await page.getByText('1 skipped.').waitFor();
    await page.locator('.quarantined .badge', { hasText: 'skipped' }).waitFor();
    await page.getByRole('cell', { name: 'SOMEBODY ELSE' }).waitFor();

    let sent = 0;
    await page.route('**/skip', async (route) => {
      if (++sent === 3) await also(server, 'pause');
      return route.continue();
    });
    await page.getByRole('button', { name: 'Skip 4 picked…' }).click();
    const dialog = page.getByRole('dialog');
    for (const key of mine) await dialog.getByText(`handover skip feeds --key ${key}`, { exact: true }).waitFor();
    await dialog.getByLabel('Why, for the audit trail').fill('they may stay');
    await dialog.getByRole('button', { name: 'Skip 4 records' }).click();
    const alert = dialog.getByRole('alert');
    await alert.getByText(/2 of 4 done\. Somebody else has changed it meanwhile: pause by olga/).waitFor();
    expect(await alert.textContent()).not.toMatch(/skip|Nothing of yours/);
    await shoot(page, 'overtaken');
    await dialog.getByRole('button', { name: 'Skip 2 records' }).click();
    await dialog.waitFor({ state: 'detached' });
    const { history } = await look(server);
    expect(history.map(({ what }: { what: string }) => what.split(' ')[0]).slice(2)).toEqual([
      'skip',
      'skip',
      'pause',
      'skip',
      'skip',
    ]);
    expect(sent).toBe(5);

    await also(server, 'resume');
    await page.getByRole('link', { name: 'Overview' }).click();
    await command(page, /^Switch…/, 'Switch all');
    await badge(page, 'switched, settled');
    await page.getByText(/^45 records are owned by the new home; 5 could not be moved/).waitFor();
    // At rest no more: a sweep is wanted, and nobody works.
    await also(server, 'pause');
    await also(server, 'retry', { key: mine[0] });
    await page.getByText('Not yet: records are still on their way.').waitFor();
    const complete = page.getByRole('button', { name: /^Complete/ });
    expect(await complete.getAttribute('aria-disabled')).toBe('true');
    await also(server, 'resume');
    await badge(page, 'switched, settled');
    await complete.click();
    const all = dialog.getByRole('button', { name: 'Complete all' });
    await dialog.getByLabel(/to say that you mean it/).fill('feeds.1');
    await dialog.getByLabel('Why, for the audit trail').fill('the end');
    await dialog.getByText('4 records that are quarantined stay in the old home.').waitFor();
    expect(await all.isDisabled()).toBe(true);
    await dialog.getByLabel(/^Leave 1 quarantined/).check();
    await dialog.getByText('5 records that are quarantined stay in the old home.').waitFor();
    await all.click();
    await badge(page, 'completed');
    await page.getByText('but for 5 that could not be moved and stayed in the old home.').waitFor();
    await page.getByRole('link', { name: 'Quarantine (5)' }).click();
    await page.getByText('The campaign is over: they stay where they were.').waitFor();
    expect(await page.getByRole('button', { name: /^(Retry|Skip \d|Resolve)/ }).count()).toBe(0);
    await expectAccessible(page);
    await page.getByRole('link', { name: 'Records' }).click();
    await page.getByLabel('State').selectOption('quarantined');
    await page.getByRole('link', { name: mine[1]! }).waitFor();
  });
});
