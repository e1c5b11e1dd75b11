// MCP servers of the user's own on the built page: added, looked through when they fail, signed in to, and played.
import type { Page } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { CALLBACK_PAGE, CLIENT_DOCUMENT } from '../../src/tools/auth/oauth.ts';
import { brokenRules } from '../support/axe.ts';
import { OPEN } from '../support/cors-config.ts';
import { serveCors } from '../support/cors-server.ts';
import { HOSTILE_TEXTS } from '../support/hostile.ts';
import { startOAuth } from '../support/oauth-server.ts';
import { serveOpen } from '../support/open-server.ts';
import { type OpenedPage, openPage } from '../support/page.ts';
import { PUBLIC_URL } from '../support/page-server.ts';
import { type RawServer, said } from '../support/raw-mcp-server.ts';

/** A software GPU takes its time. */
const WORK_MS = 60_000;
const TOKEN = 'sk-1234567890abcdef';

let opened: OpenedPage;
let page: Page;
const closing: (() => Promise<void>)[] = [];
beforeEach(async () => {
  opened = await openPage('#/servers');
  page = opened.page;
  page.setDefaultTimeout(WORK_MS);
  page.on('dialog', (dialog) => dialog.accept());
  await page.getByText('None yet.').waitFor();
});
afterEach(async () => {
  await opened.close();
  for (const close of closing.splice(0)) await close();
});

const button = (name: string) => page.getByRole('button', { name, exact: true });
const badge = (name: string, text: string) => card(name).getByText(text, { exact: true });
const stage = () => page.locator('.task-card + .stage');
const card = (name: string) =>
  page.locator('.server-card', { has: page.getByRole('heading', { name, exact: true }) });

async function add(name: string, url: string, access = 'Nothing', token = ''): Promise<void> {
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Address', { exact: true }).fill(url);
  await page.locator('.add-server').getByText(access, { exact: true }).click();
  if (access === 'Token') await page.locator('.add-server input[type=password]').fill(token);
  await button('Add').click();
}

async function serve(...args: Parameters<typeof serveOpen>): Promise<RawServer> {
  const server = await serveOpen(...args);
  closing.push(() => server.close());
  return server;
}

/** Everything that the page keeps beyond its tab, as text. */
function kept(): Promise<string> {
  return page.evaluate(async () => {
    const parts = [JSON.stringify({ ...localStorage }), document.cookie, location.href];
    for (const { name } of await indexedDB.databases()) {
      const database = await new Promise<IDBDatabase>((resolve, reject) => {
        const opening = indexedDB.open(name ?? '');
        opening.onsuccess = () => resolve(opening.result);
        opening.onerror = () => reject(opening.error);
      });
      for (const store of database.objectStoreNames) {
        const all = await new Promise<unknown[]>((resolve, reject) => {
          const reading = database.transaction(store).objectStore(store).getAll();
          reading.onsuccess = () => resolve(reading.result);
          reading.onerror = () => reject(reading.error);
        });
        parts.push(JSON.stringify(all));
      }
      database.close();
    }
    return parts.join('\n');
  });
}

/** Plays a request of one's own with nano on a server, its calls held. */
async function play(request: string, server: string): Promise<void> {
  await page.getByRole('link', { name: 'Run', exact: true }).click();
  await page.locator('.segment').getByText('Your own request', { exact: true }).click();
  await page.getByLabel(server, { exact: true }).check();
  await page.getByRole('textbox', { name: 'Your own request' }).fill(request);
  await page.getByText('Held', { exact: true }).click();
  await button('Run').click();
}

/** What is in the session storage of the tab. */
const ofTab = (): Promise<string> => page.evaluate(() => JSON.stringify({ ...sessionStorage }));

const LOOK_UP = {
  name: 'look_up',
  description: 'Looks a book up.',
  inputSchema: {
    type: 'object',
    properties: { title: { type: 'string' }, limit: { type: 'integer' } },
    required: ['title'],
  },
  annotations: { readOnlyHint: true },
};
const NOTES = {
  name: 'list_notes',
  description: 'Lists all notes.',
  inputSchema: { type: 'object', properties: {} },
};

test('a server is added, shows its tools, and is there after a reload', async () => {
  const bad = { name: 'bad', inputSchema: { type: 'string' } };
  const server = await serve({ tools: () => [LOOK_UP, NOTES, bad] });
  await add('shelves', server.url);
  await badge('shelves', 'connected').waitFor();
  await badge('shelves', 'MCP 2026-07-28').waitFor();
  await badge('shelves', 'look_up(title,limit?:integer)').waitFor();
  await badge('shelves', 'Looks a book up.').waitFor();
  expect(await badge('shelves', 'read-only').count()).toBe(1);
  await card('shelves').getByText('1 problem with its tools').click();
  await card('shelves').getByText('its declaration does not fit').waitFor();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await brokenRules(page)).toEqual([]);
  }
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  await page.reload();
  await badge('shelves', 'not connected').waitFor();
  await button('Connect shelves').click();
  await badge('shelves', 'connected').waitFor();
  await button('Remove shelves').click();
  await page.getByText('None yet.').waitFor();
  expect(opened.problems).toEqual([]);
});

test('names that are taken or cannot be, and addresses that cannot be reached, are refused in words', async () => {
  const server = await serve();
  const refused = async (name: string, url: string, words: string): Promise<void> => {
    await add(name, url);
    await page.getByRole('alert').getByText(words).waitFor();
    await button('Put away').click();
  };
  await refused('Calendar', server.url, 'a built-in server has this name');
  await refused('mine', 'http://192.0.2.1/mcp', 'use https');
  await refused('mine', 'ftp://127.0.0.1/mcp', 'need an http or https address');
  await add('mine', server.url);
  await badge('mine', 'connected').waitFor();
  await refused('MINE', server.url, 'you have a server of this name');
});

describe('a request of one’s own', () => {
  test('is played on an own server, kept, and not judged', async () => {
    const server = await serve({
      tools: () => [NOTES],
      result: () => said('two notes: tea, rain'),
    });
    await add('notes', server.url);
    await badge('notes', 'connected').waitFor();
    await page.getByRole('link', { name: 'Run', exact: true }).click();
    await page.locator('.segment').getByText('Your own request', { exact: true }).click();
    await page.getByText('Write a request first.').waitFor();
    await page.getByRole('textbox', { name: 'Your own request' }).fill('What do my notes say?');
    await page.getByText('Choose a server for it').waitFor();
    expect(await button('Run').isEnabled()).toBe(false);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await brokenRules(page)).toEqual([]);
    }
    await page.getByText('teacher', { exact: true }).click();
    await page.getByLabel('notes', { exact: true }).check();
    await page.getByText('it cannot play a request of yours').waitFor();
    expect(await button('Run').isEnabled()).toBe(false);
    await page.getByText('nano', { exact: true }).click();
    await page.getByText('nano was trained on tasks of the four servers').waitFor();
    await play('What do my notes say?', 'notes');
    await stage().getByText('not judged', { exact: true }).waitFor();
    await stage().getByText('two notes: tea, rain').first().waitFor();
    expect(server.seen).toContain('tools/call');
    await stage().getByText('What the model is told').click();
    await stage().getByText('notes: list_notes').waitFor();
    expect(await page.locator('.criterion').count()).toBe(0);
    expect(await brokenRules(page)).toEqual([]);
    await page.getByRole('link', { name: 'Kept' }).click();
    await page.getByRole('button', { name: /Show trajectories/ }).click();
    await page.locator('.trace-item').first().click();
    await page.locator('.split-view').getByText('not judged', { exact: true }).waitFor();
    expect(opened.problems).toEqual([]);
  });

  test('that hangs in a call is ended by Stop, and the page goes on', async () => {
    const server = await serve({
      tools: () => [NOTES],
      odd: ({ message }) => message?.method === 'tools/call',
    });
    await add('notes', server.url);
    await badge('notes', 'connected').waitFor();
    await play('What do my notes say?', 'notes');
    await expect.poll(() => server.seen.includes('tools/call'), { timeout: WORK_MS }).toBe(true);
    await button('Stop').click();
    await stage().getByText('stopped', { exact: true }).waitFor();
    expect(await button('Run').isEnabled()).toBe(true);
  });

  test('on a server that has died ends with a sentence', async () => {
    const server = await serve({ tools: () => [NOTES] });
    await add('notes', server.url);
    await badge('notes', 'connected').waitFor();
    await server.close();
    await play('What do my notes say?', 'notes');
    await stage().getByRole('alert').getByText('server notes at').waitFor();
    expect(await button('Run').isEnabled()).toBe(true);
  });
});

test('an own server stands beside the task’s where its user puts it', async () => {
  const server = await serve({ tools: () => [NOTES] });
  await add('notes', server.url);
  await badge('notes', 'connected').waitFor();
  await page.getByRole('link', { name: 'Run', exact: true }).click();
  const told = stage().getByText('notes: list_notes');
  await button('Run').click();
  await stage()
    .getByText(/^(solved|not solved)$/)
    .waitFor();
  await stage().getByText('What the model is told').click();
  expect(await told.count()).toBe(0);
  await page.getByLabel('notes', { exact: true }).check();
  await button('Run').click();
  await stage()
    .getByText(/^(solved|not solved)$/)
    .waitFor();
  await stage().getByText('What the model is told').click();
  await told.waitFor();
});

test('a token stays in the tab: in no database, no trajectory and no address', async () => {
  const server = await serve({
    token: TOKEN,
    tools: () => [{ ...NOTES, description: `Careless: ${TOKEN}` }],
    result: () => said(`you sent ${TOKEN}`),
  });
  await add('notes', server.url, 'Token', 'sk-another-one');
  await badge('notes', 'failed').waitFor();
  await card('notes').getByText('The server wants to know who asks.').waitFor();
  expect(await brokenRules(page)).toEqual([]);
  await page.getByLabel('Token of notes').fill(TOKEN);
  await button('Use it, notes').click();
  await badge('notes', 'connected').waitFor();
  await badge('notes', 'Careless: [secret]').waitFor();
  await play('What do my notes say?', 'notes');
  await stage().getByText('you sent [secret]').first().waitFor();
  await stage().getByText('not judged', { exact: true }).waitFor();
  expect(await kept()).toContain('you sent [secret]');
  expect(await kept()).not.toContain(TOKEN);
  expect(await page.content()).not.toContain(TOKEN);
  expect(await ofTab()).toContain(TOKEN);
  await page.goto(new URL('#/servers', page.url()).href);
  await page.reload();
  await button('Connect notes').click();
  await badge('notes', 'connected').waitFor();
  await button('Remove notes').click();
  await page.getByText('None yet.').waitFor();
  expect(await ofTab()).not.toContain(TOKEN);
});

test('one signs in in a window, and its tokens stay in the tab', async () => {
  const world = await startOAuth();
  closing.push(() => world.close());
  await add('office', world.server);
  await badge('office', 'failed').waitFor();
  await button('Sign in instead, office').click();
  await badge('office', 'waiting for you to sign in').waitFor();
  expect(await brokenRules(page)).toEqual([]);
  await button('Not now, office').click();
  await badge('office', 'not connected').waitFor();
  world.consent = 'refuse';
  await button('Connect office').click();
  await button('Sign in to office').click();
  await card('office').getByText('the sign-in was refused').waitFor();
  world.consent = 'grant';
  await button('Connect office').click();
  await button('Sign in to office').click();
  await badge('office', 'connected').waitFor();
  await play('Which headers come to you?', 'office');
  await stage().getByText('not judged', { exact: true }).waitFor();
  expect(await ofTab()).toContain('access-');
  const all = `${await kept()}\n${await page.content()}`;
  expect(world.secrets.length).toBeGreaterThanOrEqual(4);
  for (const secret of world.secrets) expect(all).not.toContain(secret);
  // It is asked for again where the server no longer takes it, also in the middle of the Run page.
  world.expireAccess();
  world.expireRefresh();
  await button('Run').click();
  await button('Sign in to office').click();
  await stage().getByText('not judged', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'Servers' }).click();
  await button('Sign out of office').click();
  await badge('office', 'not connected').waitFor();
  expect(await ofTab()).not.toContain('access-');
  expect(opened.problems.filter((text) => !/status of 40[01]/.test(text))).toEqual([]);
});

test('a build that knows its address has a client-ID metadata document', async () => {
  const response = await fetch(new URL(CLIENT_DOCUMENT, inject('pageUrl')));
  const [url, callback] = [CLIENT_DOCUMENT, CALLBACK_PAGE].map((at) => `${PUBLIC_URL}${at}`);
  expect(await response.json()).toMatchObject({
    client_id: url,
    redirect_uris: [callback],
    token_endpoint_auth_method: 'none',
  });
});

test('a server that fails is looked through, and works once the advice is followed', async () => {
  const closed = { ...OPEN, preflight: { status: 204, headers: {} } };
  const server = await serveCors(closed);
  closing.push(() => server.close());
  await add('work', server.url);
  await badge('work', 'failed').waitFor();
  const lines = card('work').locator('.header-lines');
  await lines.waitFor();
  expect(await lines.textContent()).toContain(
    'access-control-allow-headers: content-type, mcp-method',
  );
  expect(await brokenRules(page)).toEqual([]);
  server.config = { ...OPEN, behaves: 'html' };
  await button('Check work').click();
  await card('work').getByText('a page for people, not an MCP server').waitFor();
  server.config = OPEN;
  await button('Check work').click();
  await card('work').getByText('Nothing stands in the way').waitFor();
  await button('Connect work').click();
  await badge('work', 'connected').waitFor();
  server.config = { ...OPEN, behaves: 'hangs' };
  await button('Reconnect work').click();
  await badge('work', 'connecting…').waitFor();
  await button('Cancel work').click();
  await badge('work', 'not connected').waitFor();
});

test('what a server writes stays text', async () => {
  const tools = HOSTILE_TEXTS.map((text, i) => ({
    name: `${text} ${i}`,
    description: text,
    inputSchema: { type: 'object', properties: { [text]: { type: 'string', enum: [text] } } },
  }));
  const server = await serve({
    tools: () => [...tools, NOTES, { name: HOSTILE_TEXTS[0], inputSchema: 7 }],
    result: () => said(HOSTILE_TEXTS.join('\n')),
  });
  await add('hostile', server.url);
  await badge('hostile', 'connected').waitFor();
  for (const summary of await card('hostile').locator('summary').all()) await summary.click();
  await card('hostile').getByText(HOSTILE_TEXTS[1]).first().waitFor();
  const planted = () =>
    page.locator('main :is(img, script, iframe, svg, base), h1:has-text("outside")').count();
  expect(await planted()).toBe(0);
  expect(await brokenRules(page)).toEqual([]);
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  await play(HOSTILE_TEXTS[1], 'hostile');
  await stage().getByText('not judged', { exact: true }).waitFor();
  expect(await planted()).toBe(0);
  expect(await page.evaluate('window.hit')).toBeUndefined();
  expect(opened.problems).toEqual([]);
});
