import { resolve } from 'node:path';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page, type Response } from 'playwright-core';
import { expect, inject } from 'vitest';
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

/** Where screenshots go; unset: none is made. */
const SHOTS = process.env['SCREENSHOTS'];

export async function shoot(page: Page, name: string): Promise<void> {
  if (SHOTS === undefined) return;
  await page.screenshot({ path: resolve(ROOT, SHOTS, `${name}.png`), fullPage: true });
}
