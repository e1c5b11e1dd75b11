#!/usr/bin/env node
// Brings a model file into the store of a page in headless Chromium (OPFS), loads it from there, samples, and prints how
// fast that was and what the page's process held meanwhile. Linux only: processes are watched by /proc.
//   node bench/load.mjs FILE.gguf [--tokens=N] [--minutes=N] [--write]
// With --write the lines go into bench/results.md as well.
// "Host memory" is the resident memory of the renderer process, in which the page and its workers run; what the device
// holds lies in the GPU process, also with a software GPU.
import {
  createReadStream,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { browserFlags, findBrowser } from '../scripts/browser.mjs';
import { fail } from '../scripts/install.mjs';
import { serveBuilt } from './built-page.mjs';
import { writeSection } from './results-file.mjs';

const SAMPLE_MS = 50;
const MB = 1e6;
const SECTION = 'A large file in a page';
const OPENING = [
  'Written by `node bench/load.mjs FILE.gguf --write`, each stage in a browser of its own. "Renderer" is the resident memory',
  'of the process of the page and its workers, sampled every 50 ms: at first with the page open and idle, most of which is',
  "the browser's own code; `own` is what is not shared with other processes. Weights lie in the GPU process.",
  '',
];

const { values, positionals } = parseArgs({
  options: {
    tokens: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '30' },
    write: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const [file] = positionals;
if (file === undefined || !existsSync(file))
  fail(`load: got ${file ?? 'no file'}, need a GGUF file`);
if (!existsSync('/proc/self/status'))
  fail('load: needs Linux, whose /proc tells what a process holds');

const lines = [];
const folder = mkdtempSync(join(tmpdir(), 'pocket-atlas-load-'));
try {
  await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function main() {
  const page = await serveBuilt('load', join(folder, 'page'));
  const files = await serveFile(file);
  try {
    await measure({ page: page.url, model: files.url });
  } finally {
    files.close();
    await page.close();
  }
  if (values.write) writeSection(SECTION, [...OPENING, '```text', ...lines, '```']);
}

async function measure(urls) {
  const sizeBytes = statSync(file).size;
  const rate = (seconds) =>
    `${seconds.toFixed(1)} s, ${(sizeBytes / seconds / MB).toFixed(1)} MB/s`;
  print('file', `${basename(file)}, ${(sizeBytes / MB).toFixed(0)} MB`);
  const { result: brought, version } = await inFreshBrowser(
    urls.page,
    'importing',
    async (page) => {
      const started = performance.now();
      const name = await page.evaluate((url) => globalThis.bench.bring(url), urls.model);
      return { name, seconds: (performance.now() - started) / 1000 };
    },
  );
  print('import', `${rate(brought.seconds)}, hash included`);
  const { name } = brought;
  const { result: loading } = await inFreshBrowser(urls.page, 'loading', (page) =>
    page.evaluate((stored) => globalThis.bench.load(stored), name),
  );
  print('load', rate(loading));
  const tokens = Number(values.tokens);
  const { result: sampled } = await inFreshBrowser(urls.page, 'sampling', (page) =>
    page.evaluate(([stored, count]) => globalThis.bench.sample(stored, count), [name, tokens]),
  );
  const { seconds, ids } = sampled;
  print('sample', `${tokens} tokens behind a prompt of 4: ${seconds.toFixed(1)} s, ids ${ids}`);
  print('browser', `Chromium ${version} ${browserFlags().join(' ')}`);
}

/** Does `work` in a page of a browser of its own, and prints what its processes held. */
async function inFreshBrowser(url, doing, work) {
  // A profile on disk: without one OPFS would lie in memory.
  const profile = join(folder, 'profile');
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: findBrowser(),
    args: browserFlags(),
  });
  try {
    const [page = await context.newPage()] = context.pages();
    page.setDefaultTimeout(Number(values.minutes) * 60_000);
    page.on('pageerror', (error) => process.stderr.write(`load: ${error.message}\n`));
    await page.goto(url);
    await page.waitForFunction(() => globalThis.bench !== undefined);
    const watch = watchProcesses(profile);
    const result = await work(page);
    report(`while ${doing}`, watch.stop());
    const failure = await page.evaluate(() => globalThis.bench.failure());
    if (failure !== '') throw new Error(`load: ${failure}`);
    return { result, version: context.browser()?.version() ?? '' };
  } finally {
    await context.close();
  }
}

function print(name, text) {
  lines.push(`${name.padEnd(16)} ${text}`);
  process.stdout.write(`${lines.at(-1)}\n`);
}

function report(name, { before, peak, gpu }) {
  const mb = (kb) => `${(kb / 1000).toFixed(0)} MB`;
  print(
    name,
    `renderer ${mb(before.all)} at first, at most ${mb(peak.all)}: ${mb(peak.all - before.all)} more ` +
      `(own ${mb(peak.own)}, shared ${mb(peak.shared)}); GPU process at most ${mb(gpu)}`,
  );
}

/** Resident memory of the renderer and the GPU process, kB, sampled until `stop`. */
function watchProcesses(profile) {
  const zero = () => ({ all: 0, own: 0, shared: 0 });
  const sample = () => {
    const kinds = processesOf(profile);
    const of = (kind) => (kinds.get(kind) ?? []).map(memoryOf);
    // The page's is the largest: the browser keeps a spare one.
    const renderer = of('renderer').sort((a, b) => b.all - a.all)[0] ?? zero();
    return { renderer, gpu: of('gpu-process').reduce((sum, { all }) => sum + all, 0) };
  };
  const before = sample().renderer;
  const peak = zero();
  let gpu = 0;
  const timer = setInterval(() => {
    const now = sample();
    for (const part of Object.keys(peak)) peak[part] = Math.max(peak[part], now.renderer[part]);
    gpu = Math.max(gpu, now.gpu);
  }, SAMPLE_MS);
  return {
    stop() {
      clearInterval(timer);
      return { before, peak, gpu };
    },
  };
}

/** Ids of a browser's processes by their kind. */
function processesOf(profile) {
  const all = readdirSync('/proc').flatMap((name) => {
    const command = /^\d+$/.test(name) ? read(`/proc/${name}/cmdline`) : '';
    if (command === '') return [];
    const parent = Number(/^PPid:\s+(\d+)/m.exec(read(`/proc/${name}/status`))?.[1]);
    return [{ pid: Number(name), parent, command }];
  });
  const ours = new Set(
    all
      .filter(({ command }) => command.includes(`--user-data-dir=${profile}`))
      .map(({ pid }) => pid),
  );
  for (let before = -1; before !== ours.size; ) {
    before = ours.size;
    for (const { pid, parent } of all) if (ours.has(parent)) ours.add(pid);
  }
  const kinds = new Map();
  for (const { pid, command } of all) {
    const kind = /--type=([\w-]+)/.exec(command)?.[1];
    if (kind !== undefined && ours.has(pid)) kinds.set(kind, [...(kinds.get(kind) ?? []), pid]);
  }
  return kinds;
}

function memoryOf(pid) {
  const status = read(`/proc/${pid}/status`);
  const field = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  return { all: field('VmRSS'), own: field('RssAnon'), shared: field('RssShmem') };
}

/** The text of a file, or none: a process may end at any time. */
function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes(error.code)) return '';
    throw error;
  }
}

/** Serves a file with ranges, as a model hub does. */
async function serveFile(path) {
  const { size } = statSync(path);
  const server = createServer((request, response) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const [start, end] =
      from === undefined ? [0, size - 1] : [Number(from), Math.min(Number(to), size - 1)];
    response.writeHead(from === undefined ? 200 : 206, {
      'access-control-allow-origin': '*',
      'access-control-allow-headers': '*',
      'access-control-expose-headers': 'content-range, etag',
      'content-type': 'application/octet-stream',
      'content-length': end - start + 1,
      etag: '"bench"',
      ...(from === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${size}` }),
    });
    if (request.method === 'GET') createReadStream(path, { start, end }).pipe(response);
    else response.end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/${basename(path)}`,
    close: () => server.close(),
  };
}
