// The served page under its own content security policy.
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type OpenedPage, openPage } from '../support/page.ts';

let opened: OpenedPage;
beforeAll(async () => {
  opened = await openPage();
});
afterAll(() => opened.close());

test('header and meta carry the same policy', async () => {
  const { headers } = await fetch(inject('pageUrl'));
  const meta = opened.page.locator('meta[http-equiv="Content-Security-Policy"]');
  const policy = await meta.getAttribute('content');
  expect(policy).toBe(headers.get('content-security-policy'));
  expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval';");
  expect(policy).not.toContain('unsafe-inline');
});

test('the page is cross-origin isolated and has a GPU', async () => {
  expect(await opened.page.evaluate(() => crossOriginIsolated)).toBe(true);
  const found = await opened.page.evaluate(async () => {
    const adapter = await navigator.gpu.requestAdapter();
    return adapter === null ? null : adapter.info.vendor;
  });
  expect(found).not.toBeNull();
});

test('code from text does not run', async () => {
  const ran = await opened.page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'globalThis.planted = true';
    document.head.append(script);
    return 'planted' in globalThis;
  });
  expect(ran).toBe(false);
});
