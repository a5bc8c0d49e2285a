import type { Browser } from 'playwright-core';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { OTHER, type Served, TOKENS } from '../server/harness.ts';
import {
  badge,
  command,
  expectAccessible,
  expectToldApart,
  hasNone,
  openBrowser,
  shoot,
  signedIn as signIn,
  signIn as typeToken,
  visit,
} from './browser.ts';
import { occupied, site } from './site.ts';

describe.skipIf(hasNone)('a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
    return () => browser.close();
  });

  const signedIn = (server: Served, token = TOKENS.admin) => signIn(browser, server.url, token);

  it('brings a campaign from start to completed, with a record mended and a way back in between', async () => {
    const server = await site();
    const page = await signedIn(server);
    await expectAccessible(page);

    // Made by somebody else: what it costs is held against that.
    await server.ask('/v1/migrations/feeds/plan', { body: {} });
    await command(page, /Start feeds/, 'Start all');
    await page.getByRole('link', { name: 'feeds.1' }).click();
    await badge(page, 'copied, settled');
    await page.getByText('by the plan’s own figures').waitFor();
    await expectAccessible(page);
    await shoot(page, 'copied');

    await page.getByLabel('Share of the records').fill('10');
    await command(page, /^Switch 10 %/, 'Switch 10 %');
    await badge(page, 'switching, settled');
    await page.getByText('90 % copied').waitFor();
    await shoot(page, 'tenth');
    await expectToldApart(
      page,
      ['.swatch.switched', '.swatch.copied'],
      ['.shares > .switched', '.shares > .copied'],
      ['.bar', '.bar > div'],
      ['.tabs a[aria-current]', '.tabs a:not([aria-current])'],
      ['button[aria-disabled="true"]', '.action button[aria-disabled="false"]:not(.grave)'],
    );

    await page.getByRole('link', { name: 'Quarantine (1)' }).click();
    await page.getByRole('button', { name: `Both contents of ${occupied.old}` }).click();
    await page.getByRole('cell', { name: 'SOMEBODY ELSE' }).waitFor();
    await expectAccessible(page);
    await shoot(page, 'quarantine');
    await page.getByLabel(`Pick ${occupied.old}`).check();
    await command(page, /^Skip 1 picked/, `Skip ${occupied.old}`);
    await page.getByText('All skipped.').waitFor();
    await expectAccessible(page);
    await shoot(page, 'skipped');
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

  const start = (server: Served, more: object = {}) =>
    server.ask('/v1/migrations/feeds/start', { body: { reason: 'first of all', ...more } });
  const look = async (server: Served) => (await server.ask('/v1/campaigns/feeds.1')).body;

  it('says of every state what status says, to the unit, at rest and while it moves', async () => {
    const server = await site();
    await start(server, { ceiling: 500, ramp: false });
    const page = await signedIn(server);
    await page.getByRole('link', { name: 'feeds.1' }).click();
    const shown = async () => {
      const cells = await page.locator('td[data-state]').all();
      const pairs = cells.map(async (cell) => [await cell.getAttribute('data-state'), await cell.textContent()]);
      return Object.fromEntries(await Promise.all(pairs));
    };
    // While it moves, what is shown is one of the answers of before.
    await page.getByText('The ceiling holds it: 500 operations a second.').waitFor();
    await page.getByText(/^\d+ records a second$/).waitFor();
    await page.getByText(/^about .+ to the end of this sweep$/).waitFor();
    const early = Number((await shown())['copied']?.replace(',', '') ?? 0);
    const { states } = await look(server);
    expect(early).toBeLessThanOrEqual(states['copied']);
    const etag = (await server.ask('/v1/campaigns/feeds.1')).headers.get('etag')!;
    const free = { body: { reason: 'enough seen', ceiling: 'none' }, headers: { 'if-match': etag } };
    await server.ask('/v1/campaigns/feeds.1/pace', free);
    await badge(page, 'copied, settled');
    const now = await look(server);
    const said = Object.entries(now['states']).map(([state, n]) => [state, Number(n).toLocaleString('en-US')]);
    expect(await shown()).toEqual(Object.fromEntries(said));
    await page.getByText(`${now['records'].toLocaleString('en-US')} records, by the last sweep.`).waitFor();
    await page.getByRole('link', { name: `Quarantine (${now['quarantined'].count})` }).waitFor();
  });

  it('lets nobody command a campaign that somebody else has changed meanwhile', async () => {
    const server = await site({ count: 50 });
    await start(server);
    const page = await signedIn(server);
    await page.getByRole('link', { name: 'feeds.1' }).click();
    await badge(page, 'copied, settled');
    await page.getByRole('button', { name: /^Switch/ }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Why, for the audit trail').fill('my turn');
    const sure = dialog.getByRole('button', { name: 'Switch all' });
    await expect.poll(() => sure.isEnabled()).toBe(true);
    const etag = (await server.ask('/v1/campaigns/feeds.1')).headers.get('etag')!;
    await server.ask('/v1/campaigns/feeds.1/reverse', {
      body: { reason: 'not yet' },
      headers: { 'if-match': etag },
      token: OTHER,
    });
    await sure.click();
    const alert = dialog.getByRole('alert');
    await alert.getByText(/Somebody else has changed it meanwhile: reverse by olga .*\(not yet\)/).waitFor();
    expect((await look(server))['commands']).toBe(2);
    await expectAccessible(page);
    await sure.click();
    await dialog.waitFor({ state: 'detached' });
    expect((await look(server))['history'].map(({ what }: { what: string }) => what)).toEqual([
      'start',
      'reverse',
      'switch',
    ]);
  });

  it('does a command once whose answer was lost', async () => {
    const server = await site({ count: 50 });
    const page = await signedIn(server);
    let lost = 0;
    await page.route('**/v1/migrations/feeds/start', async (route) => {
      if (lost++ > 0) return route.continue();
      await route.fetch();
      return route.abort();
    });
    await page.getByRole('button', { name: /^Start feeds/ }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Why, for the audit trail').fill('once');
    await dialog.getByRole('button', { name: 'Start all' }).click();
    await dialog.getByText(/not known whether it was done/).waitFor();
    await dialog.getByRole('button', { name: 'Start all' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect((await look(server))['commands']).toBe(1);
  }, 30_000);

  it('says why a button cannot be pressed, and whom a command is for', async () => {
    const server = await site({ count: 50 });
    await start(server, { ceiling: 1, ramp: false });
    const page = await signedIn(server, TOKENS.viewer);
    await page.getByRole('link', { name: 'feeds.1' }).click();
    const complete = page.getByRole('button', { name: /^Complete/ });
    expect(await complete.getAttribute('aria-disabled')).toBe('true');
    await page.getByText('Only once every record has switched: it is copying.').waitFor();
    await complete.press('Enter');
    expect(await page.getByRole('dialog').count()).toBe(0);
    await page.getByText('vera, viewer').waitFor();
    const pause = page.getByRole('button', { name: /^Pause/ });
    expect(await pause.getAttribute('aria-disabled')).toBe('true');
    expect(await page.getByText('For operators and above: you are viewer.').count()).toBeGreaterThan(2);
    await pause.press('Enter');
    expect(await page.getByRole('dialog').count()).toBe(0);
    const other = await signedIn(server, TOKENS.operator);
    await other.getByRole('link', { name: 'feeds.1' }).click();
    await other.getByText('For admins: you are operator.').waitFor();
    await other.getByRole('button', { name: /^Start/ }).waitFor();
    const pausing = other.getByRole('button', { name: /^Pause/ });
    expect(await pausing.getAttribute('aria-disabled')).toBe('false');
  });

  it('is worked by keyboard alone', async () => {
    const server = await site({ count: 50 });
    await start(server);
    const page = await signedIn(server);
    const tabTo = async (name: RegExp) => {
      const target = page.getByRole('button', { name }).or(page.getByRole('link', { name })).first();
      await target.waitFor();
      for (let i = 0; i < 60; i++) {
        if (await target.evaluate((element) => element === element.ownerDocument.activeElement)) return;
        await page.keyboard.press('Tab');
      }
      throw new Error(`No way to ${name} by keyboard.`);
    };
    await tabTo(/^feeds\.1$/);
    await page.keyboard.press('Enter');
    await badge(page, 'copied, settled');
    await tabTo(/^Pause/);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    // The focus goes back to where it came from.
    await page
      .locator(':focus')
      .filter({ hasText: /^Pause/ })
      .waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.type('lunch');
    await tabTo(/^Pause feeds\.1$/);
    await page.keyboard.press('Enter');
    await page.getByText('Paused: lunch.').waitFor();
    expect((await look(server))['history'].at(-1)).toMatchObject({ what: 'pause', reason: 'lunch', by: 'ada' });
  });

  it('says when what it shows may be older, and keeps the token in its tab only', async () => {
    const server = await site({ count: 5 });
    const looking = await visit(browser, server.url);
    onTestFinished(() => looking.context.close());
    const { page, context } = looking;
    await page.getByLabel('Access token').fill('handover_wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    await expectAccessible(page);
    await typeToken(page, TOKENS.viewer);
    await page.getByText('Live', { exact: true }).waitFor();
    const other = await context.newPage();
    await other.goto(server.url);
    await other.getByLabel('Access token').waitFor();
    expect(await context.cookies()).toEqual([]);
    await server.end();
    await page.getByText('Connection lost: what you see may be older').waitFor();
  });

  it('is served with a policy that lets nothing in but its own script and style', async () => {
    const server = await site({ count: 1 });
    const page = await server.ask('/', { token: '' });
    expect(page.status).toBe(200);
    const policy = page.headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).not.toContain('unsafe');
    const assets = [...page.text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path!);
    expect(assets).toHaveLength(2);
    for (const path of assets) {
      const asset = await server.ask(path, { token: '' });
      expect(asset.headers.get('cache-control'), path).toContain('immutable');
      expect(asset.text).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
    }
    // What it knows stands behind the door.
    const shut = await server.ask('/v1/campaigns', { token: '', headers: { 'sec-fetch-dest': 'empty' } });
    expect(shut.status).toBe(401);
    // Else the browser would ask for a name and a password before the page can ask for the token.
    expect(shut.headers.get('www-authenticate')).toBeNull();
  });
});
