// The built-in servers at addresses of the built page: its service worker answers them, and episodes by URL are those of the
// page, also when the browser ends the worker in their middle.
import type { CDPSession, Page, Response } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Trace } from '../../src/trajectory/trace.ts';
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

const choose = (text: string) => page.getByText(text, { exact: true }).first().click();
const shownTask = () => page.locator('.task-head h2').textContent();
const stage = () => page.locator('.task-card + .stage');

/** Plays the task at hand. @returns the trajectory, as it was kept. */
async function play(): Promise<Trace> {
  const before = (await keptTraces()).length;
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await stage()
    .getByText(/^(solved|not solved|not scored)$/)
    .first()
    .waitFor({ timeout: 60_000 });
  const traces = await keptTraces();
  expect(traces).toHaveLength(before + 1);
  return traces[before] as Trace;
}

/** All trajectories of single episodes, oldest first. */
function keptTraces(): Promise<Trace[]> {
  return page.evaluate(
    () =>
      new Promise<Trace[]>((resolve, reject) => {
        const opening = indexedDB.open('pocket-atlas');
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const reading = opening.result.transaction('traces').objectStore('traces').getAll();
          reading.onerror = () => reject(reading.error);
          reading.onsuccess = () => {
            opening.result.close();
            resolve(reading.result.map(({ line }: { line: string }) => JSON.parse(line)));
          };
        };
      }),
  );
}

async function nextTask(): Promise<void> {
  const before = await shownTask();
  await page.getByRole('button', { name: 'Another task' }).click();
  await expect.poll(shownTask).not.toBe(before);
}

/** The task at hand, played in the page and by URL. @returns both, and the requests of the second. */
async function playBothWays() {
  await choose('In the page');
  const inPage = await play();
  const answers: Response[] = [];
  const listen = (response: Response) => void answers.push(response);
  page.context().on('response', listen);
  await choose('By URL');
  const byUrl = await play();
  page.context().off('response', listen);
  return { inPage, byUrl, answers: answers.filter((one) => isServer(one)) };
}

const isServer = (response: Response) => response.url().includes('/mcp/');
const isCall = (response: Response) =>
  isServer(response) && response.request().headers()['mcp-method'] === 'tools/call';

test('a page that was just opened for the first time is answered at mcp/<server>', async () => {
  await expect
    .poll(() => page.evaluate(() => navigator.serviceWorker.controller !== null))
    .toBe(true);
  const listed = await page.evaluate(async () => {
    const response = await fetch('mcp/units', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2025-11-25',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    });
    return { status: response.status, text: await response.text() };
  });
  expect(listed.status).toBe(200);
  expect(listed.text).toContain('"name":"convert"');
});

describe('the teacher, by URL as in the page', () => {
  beforeAll(() => choose('teacher'));

  test.each([
    { space: 'core', split: null, mode: 'ITL' },
    { space: 'core', split: null, mode: 'PTC' },
    { space: 'full', split: 'Test', mode: 'ITL' },
    { space: 'full', split: 'Test', mode: 'PTC' },
    { space: 'full', split: 'Unseen', mode: 'ITL' },
  ])('$space $split $mode', async ({ space, split, mode }) => {
    await choose(mode);
    await choose(space);
    if (split !== null) await choose(split);
    for (let i = 0; i < 3; i++) {
      await nextTask();
      const { inPage, byUrl, answers } = await playBothWays();
      expect(byUrl).toEqual(inPage);
      expect([byUrl.success, byUrl.scores?.reward]).toEqual([true, 1]);
      expect([byUrl.task.toolspace, byUrl.task.split]).toEqual([
        space,
        split?.toLowerCase() ?? 'test',
      ]);
      // The state of each shown server is read at the end, and each call is a request.
      const calls = answers.filter(isCall).length;
      expect(calls).toBe(byUrl.calls.filter(({ server }) => server !== null).length);
      const states = answers.filter((one) => one.url().endsWith('/state')).length;
      expect(states).toBe(byUrl.task.servers.length);
      expect(answers.every((one) => one.fromServiceWorker())).toBe(true);
    }
    expect(opened.problems).toEqual([]);
  });

  test('the page is accessible with all choices open, light and dark', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await brokenRules(page)).toEqual([]);
    }
  });

  test('plays without a network', async () => {
    await page.context().setOffline(true);
    onTestFinished(() => page.context().setOffline(false));
    await nextTask();
    const { byUrl, answers } = await playBothWays();
    expect(byUrl.success).toBe(true);
    expect(answers.length).toBeGreaterThan(0);
  });
});

describe('a worker that the browser ends', () => {
  let cdp: CDPSession;
  let stopped = 0;
  beforeAll(async () => {
    cdp = await page.context().newCDPSession(page);
    cdp.on('ServiceWorker.workerVersionUpdated', ({ versions }) => {
      stopped += versions.filter(({ runningStatus }) => runningStatus === 'stopped').length;
    });
    await cdp.send('ServiceWorker.enable');
    await choose('nano');
    await choose('core');
    await choose('ITL');
  });

  /** Runs `work` after each answer to a call: the model then thinks, and no request is on its way. */
  async function playWith(work: () => Promise<unknown>): Promise<Trace> {
    const doing: Promise<unknown>[] = [];
    const listen = (response: Response) => {
      if (isCall(response)) doing.push(response.finished().then(work));
    };
    page.context().on('response', listen);
    try {
      return await play();
    } finally {
      page.context().off('response', listen);
      await Promise.all(doing);
    }
  }

  const stop = () => cdp.send('ServiceWorker.stopAllWorkers');

  test('after every call goes on with the state', async () => {
    await nextTask();
    await choose('In the page');
    const inPage = await play();
    expect(inPage.calls.filter(({ server }) => server !== null).length).toBeGreaterThan(1);
    await choose('By URL');
    const before = stopped;
    expect(await playWith(stop)).toEqual(inPage);
    expect(stopped - before).toBeGreaterThan(1);
  });

  test('and whose states are lost ends the episode with the reason', async () => {
    const forget = () =>
      page.evaluate(
        () =>
          new Promise<void>((resolve, reject) => {
            const opening = indexedDB.open('pocket-atlas-episodes');
            opening.onerror = () => reject(opening.error);
            opening.onsuccess = () => {
              const clearing = opening.result.transaction('states', 'readwrite');
              clearing.objectStore('states').clear();
              clearing.oncomplete = () => {
                opening.result.close();
                resolve();
              };
            };
          }),
      );
    const trace = await playWith(async () => {
      await forget();
      await stop();
    });
    expect([trace.end, trace.success]).toEqual(['error', null]);
    expect(trace.error).toContain('its state was lost');
    expect(await stage().textContent()).toContain('its state was lost');
  });
});

test('nobody complained', () => {
  // What the browser itself says of the refused request of the lost state.
  const refused = /status of 412/;
  expect(opened.problems.filter((text) => !refused.test(text))).toEqual([]);
});

// Last, since the browser looks for an icon of the text and complains that there is none.
test('an address says in a tab what it is', async () => {
  await page.goto(new URL('mcp/units', page.url()).href);
  expect(await page.locator('body').textContent()).toContain('MCP server "units"');
});

describe('a browser without service workers for the page', () => {
  test('has no such choice and plays in the page', async () => {
    const other = await openPage();
    await other.page.addInitScript(() => {
      Reflect.deleteProperty(Navigator.prototype, 'serviceWorker');
    });
    await other.page.reload();
    await other.page.getByText('teacher', { exact: true }).click();
    expect(await other.page.getByText('By URL').count()).toBe(0);
    await other.page.getByRole('button', { name: 'Run', exact: true }).click();
    await other.page.locator('.stage').getByText('solved', { exact: true }).waitFor();
    expect(other.problems).toEqual([]);
    await other.close();
  });

  test('that refuses one says so when it is asked for, and plays in the page', async () => {
    const other = await openPage();
    await other.page.addInitScript(() => {
      ServiceWorkerContainer.prototype.register = () =>
        Promise.reject(new DOMException('The user denied permission', 'SecurityError'));
    });
    await other.page.reload();
    await other.page.getByText('teacher', { exact: true }).click();
    await other.page.getByText('By URL', { exact: true }).click();
    await other.page.getByRole('button', { name: 'Run', exact: true }).click();
    await other.page.getByRole('alert').getByText('The user denied permission').waitFor();
    await other.page.getByText('In the page', { exact: true }).click();
    await other.page.getByRole('button', { name: 'Run', exact: true }).click();
    await other.page.locator('.stage').getByText('solved', { exact: true }).waitFor();
    expect(other.problems).toEqual([]);
    await other.close();
  });
});
