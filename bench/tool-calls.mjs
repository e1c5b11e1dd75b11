#!/usr/bin/env node
// Times 500 calls of built-in tools in a page of headless Chromium, and 100 in both ways that the page has: in itself and by
// the URLs that its service worker answers: node bench/tool-calls.mjs [--write]
// With --write the lines go into bench/results.md as well.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { browserFlags, findBrowser } from '../scripts/browser.mjs';
import { serveBuilt } from './built-page.mjs';
import { writeSection } from './results-file.mjs';

const CALLS = 500;
const URL_CALLS = 100;
const ROUNDS = 5;
const MOST_MS = 1500;

const folder = mkdtempSync(join(tmpdir(), 'pocket-atlas-calls-'));
const served = await serveBuilt('calls', join(folder, 'page'));
const browser = await chromium.launch({ executablePath: findBrowser(), args: browserFlags() });
try {
  const page = await browser.newPage();
  await page.goto(served.url);
  await page.waitForFunction(() => globalThis.bench !== undefined);
  const play = async (...args) => page.evaluate((given) => globalThis.bench.play(...given), args);
  const shown = (ms) => `${ms.toFixed(0)} ms`;
  const timed = async (calls, byUrl) => {
    const [first, ...warm] = await inTurn(ROUNDS + 1, (round) => play(calls, round, byUrl));
    const sorted = warm.toSorted((a, b) => a - b);
    return `${shown(sorted[Math.floor(ROUNDS / 2)])} (${shown(sorted[0])} to ${shown(sorted.at(-1))} in ${ROUNDS} rounds; the first of all ${shown(first)})`;
  };
  const lines = [
    `${CALLS} calls in a page, tools of full, connections included: ${await timed(CALLS, false)}, the limit is ${shown(MOST_MS)}`,
    `${URL_CALLS} calls in a page: ${await timed(URL_CALLS, false)}; by URL, where the service worker keeps the state after each: ${await timed(URL_CALLS, true)}`,
    `Chromium ${browser.version()} ${browserFlags().join(' ')}`,
  ];
  for (const line of lines) process.stdout.write(`${line}\n`);
  if (process.argv.includes('--write')) {
    writeSection('Tool calls in a page', [
      'Written by `node bench/tool-calls.mjs --write`.',
      '',
      ...lines.map((line) => `- ${line}`),
    ]);
  }
} finally {
  await browser.close();
  await served.close();
  rmSync(folder, { recursive: true, force: true });
}

/** One round after another. */
async function inTurn(count, play) {
  const found = [];
  for (let round = 0; round < count; round++) found.push(await play(round));
  return found;
}
