// A model of one's own, from its address to its deletion: it breaks on its way, survives a reload, and works without a
// connection.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { brokenRules } from '../support/axe.ts';
import { type FileServer, serveFiles } from '../support/file-server.ts';
import { hfFolder, jsonSource } from '../support/hf-folder.ts';
import { type OpenedPage, openPage } from '../support/page.ts';
import { QWEN3_TEMPLATE } from '../support/qwen3-template.ts';

/** A software GPU takes its time. */
const WORK_MS = 100_000;
const BYTES = new Uint8Array(
  readFileSync(join(import.meta.dirname, '../../public/models/rookie.gguf')),
);
const BREAK_AT = 600_000;

let opened: OpenedPage;
let page: Page;
let server: FileServer;
/** Every address that the page or a worker of it asked for. */
const asked: string[] = [];
beforeAll(async () => {
  server = await serveFiles({ '/guest.gguf': { bytes: BYTES, etag: '"guest"' } });
  opened = await openPage('#/models');
  page = opened.page;
  page.setDefaultTimeout(WORK_MS);
  page.on('request', (request) => asked.push(request.url()));
  page.on('dialog', (dialog) => dialog.accept());
});
afterAll(async () => {
  await opened.close();
  await server.close();
});

const button = (name: string) => page.getByRole('button', { name, exact: true });
const card = () => page.locator('.run-card', { hasText: 'guest' });

test('the page of models is accessible, and fits a phone', async () => {
  await page.getByText('None yet.').waitFor();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await brokenRules(page)).toEqual([]);
  }
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  await page.setViewportSize({ width: 1280, height: 800 });
});

test('a repository shows its models with their sizes', async () => {
  const tree = ['Q4_0', 'Q8_0'].map((format, i) => ({
    type: 'file',
    path: `tiny-${format}.gguf`,
    size: (i + 4) * 1e8,
  }));
  await page
    .context()
    .route('https://huggingface.co/api/models/ann/tiny/tree/**', (route) =>
      route.fulfill({ json: tree, headers: { 'access-control-allow-origin': '*' } }),
    );
  await page.getByLabel('Hugging Face repository').fill('ann/tiny');
  await button('Find').click();
  await button('Add tiny-Q8_0').waitFor();
  expect(await page.locator('.offer').allTextContents()).toEqual([
    expect.stringContaining('400 MB'),
    expect.stringContaining('500 MB'),
  ]);
  expect(await brokenRules(page)).toEqual([]);
});

test('a file that is not there is said', async () => {
  await page.getByLabel('Hugging Face repository').fill(`${server.url}/none.gguf`);
  await button('Find').click();
  await page.getByRole('alert').getByText('HTTP 404').waitFor();
  await button('Put away').click();
  expect(await page.locator('.run-card').count()).toBe(0);
});

test('a download shows how far it is, can be cancelled, and is seen after a reload', async () => {
  server.bytesPerSecond = 250_000;
  await page.getByLabel('Hugging Face repository').fill(`${server.url}/guest.gguf`);
  await button('Find').click();
  const progress = page.getByRole('progressbar', { name: 'Progress of guest' });
  await progress.waitFor();
  await page.getByText(/ of 1\.4 MB, .*B\/s, \d+ s left/).waitFor();
  expect(await brokenRules(page)).toEqual([]);
  await button('Cancel guest').click();
  await page.getByText('None yet.').waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);
  await button('Find').click();
  await page.getByText(/ of 1\.4 MB, .*B\/s, \d+ s left/).waitFor();
  // As a closed tab leaves it: no time to say anything.
  await page.reload();
  await card().getByText('0 B so far').waitFor();
  expect(await progress.count()).toBe(0);
});

test('it goes on over a connection that breaks', async () => {
  server.requests.length = 0;
  let left = 1;
  server.fault = (_path, bytes) =>
    bytes === `bytes=0-${BYTES.length - 1}` && left-- > 0
      ? { kind: 'break', afterBytes: BREAK_AT }
      : undefined;
  server.bytesPerSecond = 0;
  await button('Resume guest').click();
  await button('Use guest in Run').waitFor();
  await card().getByText('1.4 MB').waitFor();
  const again = server.requests.at(-1) ?? '';
  const from = Number(/bytes=(\d+)-/.exec(again)?.[1]);
  expect(from).toBeGreaterThan(0);
  expect(from).toBeLessThanOrEqual(BREAK_AT);
});

test('after a reload it plays a task without a connection', async () => {
  await page.reload();
  await button('Use guest in Run').waitFor();
  await page.getByText('software GPU').first().waitFor();
  await server.close();
  await page.context().setOffline(true);
  // Requests of workers are among them, else none would prove nothing.
  expect(asked).toContain(`${server.url}/guest.gguf`);
  asked.length = 0;
  await button('Use guest in Run').click();
  await page.getByRole('radio', { name: 'guest' }).waitFor({ state: 'attached' });
  expect(await page.getByRole('radio', { name: 'guest' }).isChecked()).toBe(true);
  await button('Run').click();
  await page.locator('.stage .scores').waitFor();
  expect(await page.locator('.turn').count()).toBeGreaterThan(0);
  expect(asked).toEqual([]);
  await page.context().setOffline(false);
});

test('it is trained within a plan of the memory, and its adapter plays after a reload', async () => {
  await page.getByRole('link', { name: 'Train' }).click();
  const plan = page.getByRole('region', { name: 'GPU memory' });
  await plan
    .getByText(/[1-9].* MB/)
    .first()
    .waitFor();
  const rookies = await plan.textContent();
  await page.getByRole('combobox', { name: 'Model' }).selectOption({ label: 'guest' });
  await page.getByText('New run: guest learns').waitFor();
  await page
    .getByRole('combobox', { name: 'Kept for gradients' })
    .selectOption({ label: 'Inputs in 16 bits' });
  await expect.poll(() => plan.textContent()).not.toBe(rookies);
  await page.getByLabel('Tasks a step').fill('1');
  await page.getByLabel('Tries of each task').fill('2');
  await page.getByLabel('Steps', { exact: true }).fill('1');
  expect(await brokenRules(page)).toEqual([]);
  await button('Create run').click();
  await button('Run').click();
  await page.getByText('done', { exact: true }).waitFor();
  await page.reload();
  await page.getByText('done', { exact: true }).waitFor();
  await button('Try it on a task').click();
  await page.getByText('guest + 1 step').waitFor();
  await button('Run').click();
  await page.locator('.stage .scores').waitFor();
});

test('a folder with safetensors is copied in, and its model plays', async () => {
  await page.getByRole('link', { name: 'Models' }).click();
  // Its few tokens are short: a prompt takes some 2,000 of them.
  const config = { max_position_embeddings: 4096 };
  const { folder } = hfFolder({ architecture: 'qwen3', dtype: 'F16', seed: 2, config });
  const settings = { eos_token: '<|im_end|>', chat_template: QWEN3_TEMPLATE };
  folder['tokenizer_config.json'] = jsonSource('tokenizer_config.json', settings);
  const files = await Promise.all(
    Object.entries(folder).map(async ([name, source]) => ({
      name,
      mimeType: 'application/octet-stream',
      buffer: Buffer.from(await source.read(0, source.size)),
    })),
  );
  await page.getByLabel('Safetensors are read as').selectOption('Q4_0');
  await page.getByLabel('or from this machine').setInputFiles(files);
  await button('Use model-Q4_0 in Run').click();
  await button('Run').click();
  await page.locator('.turn').first().waitFor();
  await page.locator('.stage .scores').waitFor();
  await page.getByRole('link', { name: 'Models' }).click();
  await button('Delete model-Q4_0').click();
  await button('Use model-Q4_0 in Run').waitFor({ state: 'detached' });
});

test('a local file is copied in; deleted models are gone', async () => {
  await page.getByRole('link', { name: 'Models' }).click();
  const files = page.getByLabel('or from this machine');
  await files.setInputFiles({
    name: 'local.gguf',
    mimeType: 'application/octet-stream',
    buffer: Buffer.from(BYTES),
  });
  await button('Use local in Run').waitFor();
  await files.setInputFiles({
    name: 'junk.gguf',
    mimeType: 'application/octet-stream',
    buffer: Buffer.alloc(5000),
  });
  await page.getByRole('alert').getByText('a GGUF file starts with').waitFor();
  await button('Delete local').click();
  await button('Delete guest').click();
  await page.getByText('None yet.').waitFor();
  await page.reload();
  await page.getByText('None yet.').waitFor();
  await page.getByRole('link', { name: 'Run', exact: true }).click();
  await page.getByRole('radio', { name: 'nano' }).waitFor({ state: 'attached' });
  expect(await page.getByRole('radio', { name: 'guest' }).count()).toBe(0);
});
