// The built page from outside: what a visitor sees first, with and without a GPU.
import { afterEach, describe, expect, test } from 'vitest';
import { brokenRules } from '../support/axe.ts';
import { type OpenedPage, openPage } from '../support/page.ts';

let opened: OpenedPage | null = null;
afterEach(async () => {
  await opened?.close();
  opened = null;
});

async function open(...args: Parameters<typeof openPage>): Promise<OpenedPage> {
  opened = await openPage(...args);
  return opened;
}

describe('with a GPU', () => {
  test('the page opens with a task and complains of nothing', async () => {
    const { page, problems } = await open();
    const request = page.locator('.task-card .request');
    await expect.poll(() => request.textContent()).not.toBe('Drawing a task…');
    await page.getByText('software GPU').first().waitFor();
    const first = await request.textContent();
    await page.getByRole('button', { name: 'Another task' }).click();
    await expect.poll(() => request.textContent()).not.toBe(first);
    expect(problems).toEqual([]);
  });

  test.each(['#/run', '#/servers', '#/train', '#/models', '#/kept'])(
    '%s is accessible, light and dark',
    async (path) => {
      const { page } = await open(path);
      await page.locator('h1').waitFor();
      await page.getByText('software GPU').first().waitFor();
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        expect(await brokenRules(page)).toEqual([]);
      }
    },
  );

  test('nothing is wider than a phone of 360 pixels', async () => {
    const { page } = await open();
    await page.setViewportSize({ width: 360, height: 740 });
    for (const path of ['#/run', '#/servers', '#/train', '#/models', '#/kept']) {
      await page.goto(new URL(path, page.url()).href);
      await page.locator('h1').waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    }
  });

  test('nano at temperature 1 makes only calls that can be made when its calls are held', async () => {
    const { page, problems } = await open();
    await page.getByText('software GPU').first().waitFor();
    await page.getByText('Sampled', { exact: true }).click();
    await page.getByText('Held', { exact: true }).click();
    const run = page.getByRole('button', { name: 'Run', exact: true });
    const stage = page.locator('.task-card + .stage');
    for (let task = 0; task < 3; task++) {
      await run.click();
      await stage.getByText(/^(solved|not solved)$/).waitFor();
      expect(await stage.textContent()).toContain('get_selected_tools');
      expect(await stage.textContent()).not.toMatch(/malformed call|load it first|unknown tool/);
      await page.getByRole('button', { name: 'Another task' }).click();
      await expect.poll(() => run.isEnabled()).toBe(true);
    }
    expect(problems).toEqual([]);
  });

  test('a model that is not there is said, and the page goes on', async () => {
    const { page } = await open();
    await page.getByText('Your own…').click();
    await page.getByLabel('or its address').fill(new URL('no-such.gguf', page.url()).href);
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByRole('alert').waitFor();
    await page.getByRole('button', { name: 'Put away' }).click();
    await expect.poll(() => page.getByRole('alert').count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Run', exact: true }).isEnabled()).toBe(true);
  });
});

describe('a worker that dies', () => {
  test.each(['gpu', 'agent'])('%s: the page says so and offers a reload', async (name) => {
    const { page } = await open();
    await page.getByText('software GPU').first().waitFor();
    const worker = page.workers().find((item) => item.url().includes(`${name}.worker`));
    await worker?.evaluate(() => {
      setTimeout(() => {
        throw new Error('planted failure');
      });
    });
    await page.getByRole('alert').getByText(`${name} worker: it stopped`).waitFor();
    await page.getByText('planted failure').waitFor();
    // A call to the dead worker ends, it does not hang.
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    const run = page.getByRole('button', { name: 'Run', exact: true });
    await expect.poll(() => run.isEnabled()).toBe(true);
    await page.getByRole('button', { name: 'Reload' }).click();
    await expect.poll(() => page.getByRole('alert').count()).toBe(0);
    await page.getByText('software GPU').first().waitFor();
  });
});

describe('without a GPU', () => {
  test('the page says why and what to do, and shows a recorded run', async () => {
    const { page, problems } = await open('', { gpu: false });
    await page.getByText('the page needs WebGPU').waitFor();
    await page.getByText('found no graphics adapter').waitFor();
    await page.getByRole('heading', { name: 'A recorded run' }).waitFor();
    expect(await page.locator('.turn').count()).toBeGreaterThan(1);
    expect(await page.locator('.scores .criterion').count()).toBe(12);
    expect(await brokenRules(page)).toEqual([]);
    expect(problems).toEqual([]);
  });

  test('the scripted teacher plays a task, and its trajectory is there after a reload', async () => {
    const { page } = await open('', { gpu: false });
    await page.getByText('teacher', { exact: true }).click();
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    const stage = page.locator('.task-card + .stage');
    await stage.getByText('solved', { exact: true }).waitFor();
    await stage.getByText('Tokens', { exact: true }).click();
    expect(await stage.locator('.token-flow .token').count()).toBeGreaterThan(50);
    await page.goto(new URL('#/kept', page.url()).href);
    await page.reload();
    await page.getByText('1 trajectory').waitFor();
    await page.getByRole('button', { name: /Show trajectories/ }).click();
    await page.locator('.trace-item').first().click();
    await page.locator('.split-view .turn').first().waitFor();
  });
});
