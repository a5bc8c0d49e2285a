import type { Browser } from 'playwright-core';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { HandoverError } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { TOKENS } from '../server/harness.ts';
import { hasNone, openBrowser, shoot, signIn, visit } from './browser.ts';
import { site } from './site.ts';

interface Tab {
  readonly sessionStorage: Readonly<Record<string, string>> & { setItem(name: string, value: string): void };
}

describe.skipIf(hasNone)('a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
    return () => browser.close();
  });

  it('says of each way in that is shut why, and forgets with the token what was made with it', async () => {
    const server = await site({ count: 5 });
    const { page, context } = await visit(browser, server.url);
    onTestFinished(() => context.close());
    const alert = page.getByRole('alert');
    const enter = async (token: string) => {
      await page.getByLabel('Access token').fill(token);
      await page.getByRole('button', { name: 'Sign in' }).click();
    };
    await page.getByLabel('Access token').waitFor();
    expect(await alert.count()).toBe(0);
    await enter('handover_wrong');
    await alert.getByText(/^The token does not let in here\./).waitFor();
    await enter('tökén');
    await alert.getByText(/^That is no token/).waitFor();
    const problems = [
      [429, 'request.tooMany', 'In 7 seconds there will be room again.'],
      [403, 'access.denied', 'A page of another origin asks for this.'],
      [503, 'access.unreachable', 'The keys could not be fetched.'],
    ] as const;
    for (const [status, code, detail] of problems) {
      const body = JSON.stringify({ type: 'about:blank', title: 'No', status, code, detail });
      await page.route('**/v1/campaigns', (route) =>
        route.fulfill({ status, contentType: 'application/problem+json', body }),
      );
      await enter(TOKENS.viewer);
      await alert.getByText(detail).waitFor();
      expect(await alert.textContent()).not.toContain('let in');
      await page.unroute('**/v1/campaigns');
    }
    await page.route('**/v1/campaigns', (route) => route.abort());
    await enter(TOKENS.viewer);
    await alert.getByText('The server does not answer.').waitFor();
    await shoot(page, 'unreachable');
    await page.unroute('**/v1/campaigns');
    await signIn(page, TOKENS.viewer);
    const kept = () => page.evaluate(() => (globalThis as unknown as Tab).sessionStorage);
    await page.evaluate(() => (globalThis as unknown as Tab).sessionStorage.setItem('handover.plan.feeds', '{}'));
    expect(Object.keys(await kept()).sort()).toEqual(['handover.plan.feeds', 'handover.token']);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Access token').waitFor();
    expect(await kept()).toEqual({});
    expect(await alert.count()).toBe(0);
  });

  it('where nothing has to be shown, knows who one is and has nothing to sign out of', async () => {
    const server = await site({ count: 5, config: { tokens: [] } });
    const { page, context, complaints } = await visit(browser, server.url);
    onTestFinished(() => context.close());
    await page.getByText('ann, admin').waitFor();
    expect(await page.getByRole('button', { name: 'Sign out' }).count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('is live only while something comes, and while the server sees its store', async () => {
    let isDown = false;
    const server = await site({
      count: 5,
      between: (store) => ({
        ...store,
        scan: async (range, limit) => {
          if (isDown) throw new HandoverError('store.unavailable', 'It does not answer.');
          return store.scan(range, limit);
        },
      }),
    });
    const { page, context } = await visit(browser, server.url);
    onTestFinished(() => context.close());
    await page.clock.install();
    await signIn(page, TOKENS.viewer);
    const live = page.getByText('Live', { exact: true });
    await live.waitFor();
    isDown = true;
    await page.getByText('Not up to date: the store does not answer').waitFor();
    isDown = false;
    await live.waitFor();
    // By the page's clock nothing comes for so long, as from a server that was stopped.
    await page.clock.fastForward(LIMITS.pageSilenceMs + 1_000);
    await page.getByText('Connection lost: what you see may be older').waitFor();
    await page.clock.fastForward(LIMITS.pageRetryMs);
    await live.waitFor();
  });
});
