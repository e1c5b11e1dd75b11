// A GPU that the browser takes away: the page gets it back, and what was at work goes on. The devices of the page are
// destroyed from outside, by a patch in front of its gpu worker's script.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page, Worker } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { brokenRules } from '../support/axe.ts';
import { type FileServer, serveFiles } from '../support/file-server.ts';
import { type OpenedPage, openPage } from '../support/page.ts';

/** A software GPU takes its time. */
const WORK_MS = 100_000;
const BYTES = new Uint8Array(
  readFileSync(join(import.meta.dirname, '../../public/models/rookie.gguf')),
);
/** Keeps devices, counts submits, and destroys the device at hand behind one of them. */
const PATCH = `{
  const { requestDevice } = GPUAdapter.prototype;
  const { submit } = GPUQueue.prototype;
  const spy = { devices: [], submits: 0, loseAt: [] };
  globalThis.spy = spy;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    const device = await requestDevice.apply(this, args);
    spy.devices.push(device);
    return device;
  };
  GPUQueue.prototype.submit = function (...args) {
    submit.apply(this, args);
    spy.submits += 1;
    if (spy.loseAt.includes(spy.submits)) spy.devices.at(-1).destroy();
  };
}
`;

interface Spy {
  devices: GPUDevice[];
  submits: number;
  loseAt: number[];
}
declare const spy: Spy;

let opened: OpenedPage;
let page: Page;
let server: FileServer;
beforeAll(async () => {
  server = await serveFiles({ '/guest.gguf': { bytes: BYTES, etag: '"guest"' } });
  opened = await openPage();
  page = opened.page;
  page.setDefaultTimeout(WORK_MS);
  await page.route('**/gpu.worker*.js', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: PATCH + (await response.text()) });
  });
  await page.reload();
  await page.getByText('software GPU').first().waitFor();
});
afterAll(async () => {
  await opened.close();
  await server.close();
});

const button = (name: string) => page.getByRole('button', { name, exact: true });
const notice = () => page.getByRole('status');

function gpuWorker(): Worker {
  const worker = page.workers().find((item) => item.url().includes('gpu.worker'));
  if (worker === undefined) throw new Error('no gpu worker');
  return worker;
}

/** Destroys the device behind the submits that come so many later. */
async function loseAfter(...submits: number[]): Promise<void> {
  await gpuWorker().evaluate((later) => {
    spy.submits = 0;
    spy.loseAt = later;
  }, submits);
}

const devices = () => gpuWorker().evaluate(() => spy.devices.length);

/** Plays the task at hand. @returns what it came to, as text. */
async function play(): Promise<string> {
  await button('Run').click();
  await page.locator('.stage .scores').waitFor();
  const texts = await page.locator('.stage').allTextContents();
  return texts.join('\n');
}

test('an episode goes on as if nothing had been', async () => {
  const calm = await play();
  expect(await devices()).toBe(1);
  expect(await notice().count()).toBe(0);
  await loseAfter(25, 60);
  expect(await play()).toBe(calm);
  expect(await devices()).toBe(3);
  await notice().getByText('The model was loaded again').waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);
  expect(await brokenRules(page)).toEqual([]);
  await button('Put away').click();
  expect(await notice().count()).toBe(0);
});

test('a download does not notice', async () => {
  await page.getByRole('link', { name: 'Models' }).click();
  server.bytesPerSecond = 400_000;
  await page.getByLabel('Hugging Face repository').fill(`${server.url}/guest.gguf`);
  await button('Find').click();
  await page.getByText(/ of 1\.4 MB, .*B\/s, \d+ s left/).waitFor();
  await gpuWorker().evaluate(async () => {
    const device = spy.devices.at(-1);
    device?.destroy();
    await device?.lost;
  });
  await button('Use guest in Run').waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);
  // And the model that came meanwhile runs, on another device.
  await button('Use guest in Run').click();
  await play();
  expect(await devices()).toBe(4);
});

test('a page whose GPU does not last says so', async () => {
  // The fourth loss within a short time; what was lost before counts.
  await loseAfter(10);
  await button('Run').click();
  await page.getByRole('alert').getByText('the device was lost 4 times').first().waitFor();
  await expect.poll(() => button('Run').isEnabled()).toBe(true);
  await button('Reload').click();
  await page.getByText('software GPU').first().waitFor();
  await expect.poll(() => page.getByRole('alert').count()).toBe(0);
});
