import { resolve } from 'node:path';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page, type Response } from 'playwright-core';
import { expect, inject, onTestFinished } from 'vitest';
import { ROOT } from '../repository/sources.ts';
import { checkAnswer } from '../server/described.ts';

const found = inject('chromium');
/** Whether there is no browser: then its tests are skipped. */
export const hasNone = 'missing' in found;

export async function openBrowser(): Promise<Browser> {
  if ('missing' in found) throw new Error(found.missing);
  return chromium.launch({ executablePath: found.program, args: ['--no-sandbox', '--disable-gpu'] });
}

export interface Looking {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the browser complained of, and requests that left this server. */
  readonly complaints: readonly string[];
}

export async function visit(
  browser: Browser,
  url: string,
  { width = 1280, scheme = 'light' }: { readonly width?: number; readonly scheme?: 'light' | 'dark' } = {},
): Promise<Looking> {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme: scheme,
    reducedMotion: 'reduce',
  });
  // Before the server ends, which was there before: a page that is open then finds it ending.
  onTestFinished(() => context.close());
  // Put in by the browser itself: the page's policy would not let it in.
  await context.addInitScript({ content: axe.source });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    // A refusal or a lost answer that a test provokes is none.
    if (message.type() === 'error' && !/status of 4\d\d|ERR_FAILED/.test(message.text()))
      complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) complaints.push(request.url());
  });
  page.on('response', (response) => {
    checkResponse(response).catch((error) => complaints.push(String(error)));
  });
  await page.goto(url);
  return { page, context, complaints };
}

/** That what the page is told is what the OpenAPI document says. */
async function checkResponse(response: Response): Promise<void> {
  const type = response.headers()['content-type']?.split(';')[0] ?? '';
  if (!/json$/.test(type)) return;
  // Of a page that was left, the answer is gone.
  const body: unknown = await response.json().catch(() => undefined);
  if (body === undefined) return;
  await checkAnswer(
    { method: response.request().method(), url: response.url() },
    { status: response.status(), type, body },
  );
}

export async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel('Access token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Campaigns' }).waitFor();
}

/** Fails with what axe finds, by its rules and the elements. */
export async function expectAccessible(page: Page): Promise<void> {
  const violations = await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof import('axe-core') }).axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
  expect(violations).toEqual([]);
}

/** Opens a command's dialog, says why, and gives the command. */
export async function command(page: Page, button: RegExp, sure: string, typed?: string): Promise<void> {
  await page.getByRole('button', { name: button }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Why, for the audit trail').fill('a browser test');
  if (typed !== undefined) await dialog.getByLabel(/to say that you mean it/).fill(typed);
  await dialog.getByRole('button', { name: sure, exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
}

export const badge = (page: Page, text: string) =>
  page.locator('h1 .badge', { hasText: text }).waitFor({ timeout: 30_000 });

/** A page that is signed in, and must not have complained when the test is over. */
export async function signedIn(browser: Browser, url: string, token: string): Promise<Page> {
  const looking = await visit(browser, url);
  onTestFinished(async () => {
    await looking.context.close();
    expect(looking.complaints).toEqual([]);
  });
  await signIn(looking.page, token);
  return looking.page;
}

/** Fails where, in the colours of the system alone, things of these kinds look like each other. */
export async function expectToldApart(page: Page, ...kinds: readonly (readonly string[])[]): Promise<void> {
  await page.emulateMedia({ forcedColors: 'active' });
  for (const kind of kinds) {
    const looks = await Promise.all(
      kind.map((selector) =>
        page
          .locator(selector)
          .first()
          .evaluate((element) => {
            const style = element.ownerDocument.defaultView!.getComputedStyle(element);
            const { backgroundColor, backgroundImage, borderBottomColor, borderStyle, color } = style;
            return [backgroundColor, backgroundImage, borderBottomColor, borderStyle, color].join(' ');
          }),
      ),
    );
    expect(new Set(looks).size, `${kind.join(', ')}: ${looks.join('; ')}`).toBe(kind.length);
  }
  await shoot(page, 'contrast');
  await page.emulateMedia({ forcedColors: 'none' });
}

/** Where screenshots go; unset: none is made. */
const SHOTS = process.env['SCREENSHOTS'];

export async function shoot(page: Page, name: string): Promise<void> {
  if (SHOTS === undefined) return;
  await page.screenshot({ path: resolve(ROOT, SHOTS, `${name}.png`), fullPage: true });
}
