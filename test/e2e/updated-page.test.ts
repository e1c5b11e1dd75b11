// The built page in a sub-folder of a plain file server, and a service worker of another build that takes over from its own.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { toolspaceVersion } from '../../vite.service-worker.ts';
import { type FileServer, serveFiles } from '../support/file-server.ts';
import { type OpenedPage, openPage } from '../support/page.ts';

const FOLDER = '/shelf/atlas/';
const WORKER = `${FOLDER}service-worker.js`;
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
};

let server: FileServer;
let opened: OpenedPage;
let page: Page;
beforeAll(async () => {
  const root = inject('pageFolder');
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) =>
    statSync(join(root, path)).isFile(),
  );
  const files = paths.map((path) => {
    const type = TYPES[extname(path)] ?? 'application/octet-stream';
    const name = path === 'index.html' ? '' : path.replaceAll('\\', '/');
    return [`${FOLDER}${name}`, { bytes: readFileSync(join(root, path)), type }] as const;
  });
  server = await serveFiles(Object.fromEntries(files));
  opened = await openPage(`${server.url}${FOLDER}`);
  page = opened.page;
});
afterAll(async () => {
  await opened.close();
  await server.close();
});

async function play(): Promise<string> {
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  const stage = page.locator('.task-card + .stage');
  await stage.getByText(/^(solved|not solved|not scored)$/).waitFor();
  return (await stage.textContent()) ?? '';
}

async function chooseTeacherByUrl(): Promise<void> {
  await page.getByText('software GPU').first().waitFor();
  await page.getByText('teacher', { exact: true }).click();
  await page.getByText('By URL', { exact: true }).click();
}

/** Puts another worker on the server and waits until it has taken the page over. */
async function replaceWorker(code: string): Promise<void> {
  const old = server.files.get(WORKER);
  if (old === undefined) throw new Error(`${WORKER} is not in the build`);
  server.files.set(WORKER, { ...old, bytes: new TextEncoder().encode(code) });
  await page.evaluate(async () => {
    const taken = new Promise((resolve) => {
      navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true });
    });
    await (await navigator.serviceWorker.ready).update();
    await taken;
  });
}

test('in a sub-folder, tools are at addresses of that folder', async () => {
  const asked: string[] = [];
  page.context().on('request', (request) => asked.push(new URL(request.url()).pathname));
  await chooseTeacherByUrl();
  expect(await play()).toContain('solved');
  const calls = asked.filter((path) => path.includes('/mcp/'));
  expect(calls.length).toBeGreaterThan(3);
  expect(calls.filter((path) => !path.startsWith(`${FOLDER}mcp/core/`))).toEqual([]);
  expect(server.requests.filter((request) => request.includes('/mcp/'))).toEqual([]);
});

test('a worker with other tools than the page ends the episode, and one with the same goes on', async () => {
  const own = readFileSync(join(inject('pageFolder'), 'service-worker.js'), 'utf8');
  const version = toolspaceVersion();
  expect(own.split(version)).toHaveLength(2);
  await replaceWorker(own.replace(version, 'other-tools'));
  expect(await play()).toContain('the page was updated meanwhile');
  await replaceWorker(`${own}\n// another build of the same tools`);
  const text = await play();
  expect(text).toContain('solved');
  expect(text).not.toContain('updated');
  // What the browser itself says of the refused requests.
  expect(opened.problems.filter((problem) => !/status of 412/.test(problem))).toEqual([]);
});
