// Choosing the toolspace of tasks in the built page, on the Run page and for a new training run.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { brokenRules } from '../support/axe.ts';
import { type OpenedPage, openPage } from '../support/page.ts';

let opened: OpenedPage;
let page: Page;
beforeAll(async () => {
  opened = await openPage();
  page = opened.page;
  await page.getByText('software GPU').first().waitFor();
});
afterAll(() => opened.close());

const CORE = ['calendar', 'inventory', 'tickets', 'units'];
const choose = (text: string) => page.getByText(text, { exact: true }).first().click();
const request = () => page.locator('.task-card .request').textContent();
const servers = () => page.locator('.task-facts .badge-accent').allTextContents();
const isOfCore = async () => (await servers()).every((name) => CORE.includes(name));
const isChosen = (name: string) => page.getByRole('radio', { name }).isChecked();

test('tasks are of core at first, and of another toolspace when it is chosen, until it is changed', async () => {
  await expect.poll(async () => (await servers()).length).toBeGreaterThan(0);
  expect([await isOfCore(), await isChosen('core')]).toEqual([true, true]);
  const first = await request();
  await choose('full');
  await expect.poll(isOfCore).toBe(false);
  expect(await page.locator('.task-head h2').textContent()).toBe('Task 1');
  await page.getByText('nano was trained on core').waitFor();
  const full = await request();
  await page.getByRole('button', { name: 'Another task' }).click();
  await page.getByText('Task 2', { exact: true }).waitFor();
  expect([await isOfCore(), await isChosen('full')]).toEqual([false, true]);
  await choose('Unseen');
  await expect.poll(request).not.toBe(full);
  await choose('core');
  await expect.poll(isOfCore).toBe(true);
  expect(await page.getByRole('radio', { name: 'Unseen' }).count()).toBe(0);
  expect(await request()).not.toBe(first);
});

test('nano may try a task of full', async () => {
  await choose('full');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  const stage = page.locator('.task-card + .stage');
  await stage.getByText(/^(solved|not solved|not scored)$/).waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);
});

test('the choices fit a phone', async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  await page.setViewportSize({ width: 1280, height: 720 });
});

test('a new run of a shipped model takes tasks of core, and says so', async () => {
  await page.goto(new URL('#/train', page.url()).href);
  const field = page.getByLabel('Tasks of');
  expect([await field.isDisabled(), await field.inputValue()]).toEqual([true, 'core']);
  expect(await brokenRules(page)).toEqual([]);
  expect(opened.problems).toEqual([]);
});
