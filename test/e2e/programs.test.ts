// Programs in the built page: a worker in a worker, under the page's own policy.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenedPage, openPage } from '../support/page.ts';

let opened: OpenedPage;
beforeAll(async () => {
  opened = await openPage();
});
afterAll(() => opened.close());

test('the teacher solves tasks by programs, and the page complains of nothing', async () => {
  const { page, problems } = opened;
  await page.getByText('software GPU').first().waitFor();
  // The shipped models were not trained on programs, so they are not asked for them.
  expect(await page.getByText('PTC', { exact: true }).count()).toBe(0);
  await page.getByText('teacher', { exact: true }).click();
  await page.getByText('PTC', { exact: true }).click();
  const run = page.getByRole('button', { name: 'Run', exact: true });
  const stage = page.locator('.task-card + .stage');
  for (let task = 0; task < 2; task++) {
    await run.click();
    await stage.getByText(/^(solved|not solved)$/).waitFor();
    const text = (await stage.textContent()) ?? '';
    expect(text).toContain('get_tools_info');
    expect(text).toContain('code_interpreter');
    expect(text).not.toContain('not solved');
    await page.getByRole('button', { name: 'Another task' }).click();
    await expect.poll(() => run.isEnabled()).toBe(true);
  }
  expect(problems).toEqual([]);
});

test('a chosen mode that nano does not know goes back to the one that it does', async () => {
  const { page } = opened;
  await page.getByText('nano', { exact: true }).first().click();
  expect(await page.getByRole('radio', { name: 'ITL' }).isChecked()).toBe(true);
});
