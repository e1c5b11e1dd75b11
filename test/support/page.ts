// Opens the built page in the installed browser, and keeps what it complains about.
import { type Browser, chromium, type Page } from 'playwright-core';
import { inject } from 'vitest';
import { browserFlags, findBrowser } from '../../scripts/browser.mjs';

export interface OpenedPage {
  readonly page: Page;
  /** Console errors, uncaught errors and CSP violations so far, as text. */
  readonly problems: readonly string[];
  close(): Promise<void>;
}

/**
 * The page at `path` (below the served folder) in a fresh browser; with `gpu: false` the browser
 * is started as it comes, without the flags that give it a software GPU.
 * @throws {Error} when no browser is installed.
 */
export async function openPage(path = '', { gpu = true } = {}): Promise<OpenedPage> {
  const executablePath = findBrowser();
  if (executablePath === null) throw new Error('no browser found; run npm test to install one');
  const browser: Browser = await chromium.launch({
    executablePath,
    args: gpu ? browserFlags() : [],
  });
  const page = await browser.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  await page.goto(new URL(path, inject('pageUrl')).href, { waitUntil: 'load' });
  return { page, problems, close: () => browser.close() };
}
