// The whole way of a visitor: run a task with nano, train the rookie, reload, find run and adapter again.
import { readFileSync } from 'node:fs';
import { unzipSync } from 'fflate';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readAdapter } from '../../src/adapter/adapter.ts';
import { brokenRules } from '../support/axe.ts';
import { longestTask } from '../support/main-thread.ts';
import { type OpenedPage, openPage } from '../support/page.ts';

/** A software GPU takes its time. */
const WORK_MS = 100_000;
/** The most CPU time of one task on the page's own thread. */
const LONGEST_MS = 50;

let opened: OpenedPage;
let page: Page;
beforeAll(async () => {
  opened = await openPage();
  page = opened.page;
  page.setDefaultTimeout(WORK_MS);
});
afterAll(() => opened.close());

const button = (name: string) => page.getByRole('button', { name, exact: true });

test('the page loads without a long task of its own', async () => {
  const { longestMs, tasks } = await longestTask(page, async () => {
    await page.reload();
    await page.getByText('software GPU').first().waitFor();
  });
  expect(tasks).toBeGreaterThan(10);
  expect(longestMs).toBeLessThan(LONGEST_MS);
});

test('a long task would be found', async () => {
  const { longestMs } = await longestTask(page, async () => {
    await page.evaluate(() => {
      const work = (done: () => void): void => {
        const end = performance.now() + 400;
        while (performance.now() < end);
        done();
      };
      return new Promise<void>((done) => setTimeout(() => work(done)));
    });
  });
  expect(longestMs).toBeGreaterThan(LONGEST_MS);
});

test('nano plays a task in turns that stream in, and is scored', async () => {
  const { longestMs, tasks } = await longestTask(page, async () => {
    await button('Run').click();
    await page.locator('.turn').first().waitFor();
    await page.locator('.stage .scores').waitFor();
  });
  expect(tasks).toBeGreaterThan(10);
  expect(longestMs).toBeLessThan(LONGEST_MS);
  expect(await page.locator('.call').count()).toBeGreaterThan(0);
  await page.getByText('Tokens', { exact: true }).click();
  const sampled = page.locator('.token-flow .token-sampled');
  await sampled.first().hover();
  await page
    .locator('.token-readout')
    .getByText(/sampled by the model · log-probability/)
    .waitFor();
  expect(await brokenRules(page)).toEqual([]);
});

test('the rookie trains one step, pauses, and goes on to its end', async () => {
  await page.getByRole('link', { name: 'Train' }).click();
  await page.getByLabel('Tasks a step').fill('2');
  await page.getByLabel('Tries of each task').fill('2');
  await page.getByLabel('Steps', { exact: true }).fill('3');
  await button('Create run').click();
  const { longestMs } = await longestTask(page, async () => {
    await button('Step').click();
    await page.getByText('paused', { exact: true }).waitFor();
  });
  expect(longestMs).toBeLessThan(LONGEST_MS);
  await expect.poll(() => page.locator('.metrics tbody tr').count()).toBe(1);
  expect(await page.locator('.trace-item').count()).toBe(4);
  await button('Resume').click();
  await page.getByText('done', { exact: true }).waitFor();
  expect(await page.locator('.metrics tbody tr').count()).toBe(3);
  // Sampler and trainer agree: the gap column of every step.
  const gaps = await page.locator('.metrics td:nth-child(8)').allTextContents();
  for (const gap of gaps) expect(Number(gap)).toBeLessThan(1e-3);
  // Each column says what it means; the health of a step stands behind the older figures.
  const heads = page.locator('.metrics thead th[title]');
  const names = await heads.allTextContents();
  expect(names.slice(7)).toEqual([
    ...['Tokens', 'Spread', 'Groups', 'Clipped', 'Max. ratio', 'Skipped', 'Rate', 'Repeats'],
    ...['Length', 'Cut off'],
  ]);
  const cells = await page.locator('.metrics tbody tr').first().locator('td').allTextContents();
  expect(cells).toHaveLength(names.length);
  expect(cells[names.indexOf('Groups')]).toMatch(/^[0-2] \/ 2$/);
  expect(cells[names.indexOf('Skipped')]).toBe('0');
  expect(Number(cells[names.indexOf('Length')])).toBeGreaterThan(0);
});

test('after a reload the run, its numbers, its tries and its adapter are there', async () => {
  await page.reload();
  await page.getByText('done', { exact: true }).waitFor();
  expect(await page.locator('.metrics tbody tr').count()).toBe(3);
  await page.locator('.trace-item').first().click();
  await page.locator('.split-view .turn').first().waitFor();
  expect(await brokenRules(page)).toEqual([]);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    button('Download adapter').click(),
  ]);
  const files = unzipSync(new Uint8Array(readFileSync(await download.path())));
  const adapter = readAdapter({
    'adapter_config.json': files['adapter/adapter_config.json'] ?? new Uint8Array(),
    'adapter_model.safetensors': files['adapter/adapter_model.safetensors'] ?? new Uint8Array(),
  });
  expect(adapter.rank).toBe(8);
  // A fresh adapter's B is zero: training moved it.
  const moved = [...adapter.matrices.values()].filter(({ b }) => b.some((value) => value !== 0));
  expect(moved.length).toBe(adapter.matrices.size);
});

test('the trained adapter plays a task', async () => {
  await button('Try it on a task').click();
  await page.getByText('rookie + 3 steps').waitFor();
  await button('Run').click();
  await page.locator('.stage .scores').waitFor();
  expect(opened.problems).toEqual([]);
});
