#!/usr/bin/env node
// Times the engine against others, in turn (A B A B …), and writes bench/results.md.
//   npm ci --prefix bench && node bench/peers.mjs [ROW …] [--rounds=N]
// Ours runs as `atlas bench NAME`, a process of its own each time; the others in a page of headless Chromium that stays
// open. Only one of them computes at a time. Knows no kernel.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { cpus, setPriority, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { build } from 'vite';
import { browserFlags, findBrowser } from '../scripts/browser.mjs';
import { fail, ROOT } from '../scripts/install.mjs';
import { writeModelFile } from './model-file.mjs';
import { servePage } from './page-server.mjs';
import { readSection, shownNumber, writeSection } from './results-file.mjs';

const SECTION = 'Against peers';
const HEAD = [
  '| row | ours | against | ratio (min to max) | target | device |',
  '| --- | --- | --- | --- | --- | --- |',
];
const DRIVERS = {
  lavapipe: '/usr/share/vulkan/icd.d/lvp_icd.json',
  swiftshader: '/usr/lib/chromium/vk_swiftshader_icd.json',
};
const MODEL = join(tmpdir(), 'pocket-atlas-bench', 'qwen3-0.6b-random-q4_0.gguf');
/** What our training step writes: what went in, the loss and the gradients. */
const NUMBERS = join(tmpdir(), 'pocket-atlas-bench', 'train-toy.safetensors');

/** A side begins when others leave this share of the processors idle, or after so long; such sides are counted. */
const QUIET = { idle: 0.85, sampleMs: 700, waitMs: 8_000 };
let busySides = 0;

const MATVEC = { kind: 'q4', M: 1, N: 9728, K: 2560, repeats: 4, threads: 2 };
const GEMM_Q4 = { kind: 'q4', M: 64, N: 2560, K: 2560, repeats: 1, threads: 2 };
const GEMM_F32 = { kind: 'f32', M: 512, N: 512, K: 512, repeats: 4, threads: 1 };

/** Rows against a product of onnxruntime-web. Level 1 keeps activations in F32, 4 rounds them to 8 bits. */
const PRODUCTS = {
  'matvec-q4': { ...MATVEC, level: 1, target: 3 },
  'matvec-q4-int8': { ...MATVEC, level: 4, target: 5 },
  'gemm-q4': { ...GEMM_Q4, level: 1, target: 0.3 },
  'gemm-q4-int8': { ...GEMM_Q4, level: 4, target: 0.3, bench: 'gemm-q4' },
  'gemm-f32': { ...GEMM_F32, target: 0.3 },
};
/** Our training step, built for a page. */
const OWN_STEP = join(tmpdir(), 'pocket-atlas-bench', 'own', 'own.js');
/**
 * Rows against a training step in jax-js, on one of its devices. On 'webgpu' both sides are in one page and have the same
 * adapter, with a device each; on 'wasm' ours is a process of its own.
 */
const TRAINING = {
  'train-jax-wasm': { on: 'wasm', target: 0.5 },
  'train-jax-webgpu': { on: 'webgpu', target: 2 },
};
/** Steps of which a median is taken, as many as in our bench. */
const SAMPLES = 5;
/** How far loss, and the gradient of any one matrix relative to its size, may be from the peer's. */
const AGREE = { loss: 1e-4, gradients: 1e-3 };
/** Rows that stand against ourselves: a bench, its model, its driver and the targets of its rows. */
const OWN = {
  'decode-batch': {
    model: MODEL,
    driver: 'lavapipe',
    targets: { 'decode-batch-8': 'at least 1.3' },
  },
  encode: {
    model: MODEL,
    driver: 'lavapipe',
    targets: { encode: 'at most 1.5', 'encode-control': 'about 1' },
  },
  counts: {
    model: MODEL,
    driver: 'lavapipe',
    targets: {
      ...{ dispatches: 'at most 1', buffers: '0', 'bind-groups': '0' },
      ...{ 'dispatches-adapter': 'at most 1', 'buffers-adapter': '0', 'bind-groups-adapter': '0' },
    },
  },
  families: { driver: 'swiftshader', targets: { 'gemm-q4-family': 'at least 5' } },
};
const NAMES = [...Object.keys(PRODUCTS), ...Object.keys(TRAINING), 'generate', ...Object.keys(OWN)];

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '5' } },
  allowPositionals: true,
});
const unknown = positionals.find((name) => !NAMES.includes(name));
if (unknown !== undefined) fail(`peers: no row ${unknown}, there are ${NAMES.join(', ')}`);
const chosen = NAMES.filter((name) => positionals.length === 0 || positionals.includes(name));
const rounds = Math.max(3, Number(values.rounds));
for (const [name, path] of Object.entries(DRIVERS)) {
  if (!existsSync(path)) fail(`peers: ${name} needs ${path}; npm test installs the drivers`);
}
for (const name of ['onnxruntime-web', '@jax-js/jax']) {
  if (existsSync(join(ROOT, 'bench', 'node_modules', name))) continue;
  fail(`peers: ${name} is missing; run npm ci --prefix bench`);
}

// Chromium starts its pages at this priority; ours must not have another.
setPriority(0);
await main();

async function main() {
  mkdirSync(dirname(MODEL), { recursive: true });
  writeModelFile(MODEL);
  const files = {
    '/model.gguf': MODEL,
    '/train-toy.safetensors': NUMBERS,
    '/own/own.js': OWN_STEP,
  };
  const server = await servePage(files);
  const browser = await chromium.launch({ executablePath: findBrowser() });
  try {
    for (const name of chosen) {
      busySides = 0;
      if (name in PRODUCTS) await timeProduct(browser, server.url, name);
      else if (name in TRAINING) await timeTraining(server.url, name);
      else if (name === 'generate') await timeModel(browser, server.url);
      else await timeOwn(name);
    }
  } finally {
    await browser.close();
    server.close();
  }
}

function idleAndAll() {
  const times = cpus().map((cpu) => cpu.times);
  // What runs at a low priority gives way.
  const idle = times.reduce((sum, one) => sum + one.idle + one.nice, 0);
  const all = times.reduce((sum, one) => sum + Object.values(one).reduce((a, b) => a + b, 0), 0);
  return { idle, all };
}

/** Waits until nothing else computes; counts when that did not come. */
async function quiet() {
  for (const until = performance.now() + QUIET.waitMs; performance.now() < until; ) {
    const before = idleAndAll();
    await sleep(QUIET.sampleMs);
    const after = idleAndAll();
    if ((after.idle - before.idle) / (after.all - before.all) >= QUIET.idle) return;
  }
  busySides += 1;
}

/** The rows of one of our benches, in a process of its own. */
async function ours(bench, { model = null, driver = 'lavapipe', out = null } = {}) {
  await quiet();
  const args = [join(ROOT, 'scripts', 'atlas.mjs'), 'bench', bench];
  if (model !== null) args.push('--model', model);
  if (out !== null) args.push('--out', out);
  const env = { ...process.env, VK_ICD_FILENAMES: DRIVERS[driver] };
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  return JSON.parse(stdout).rows;
}

/** A page of peers, and what it calls itself. A new one each time, since a page keeps its number of threads. */
async function openPage(browser, url, file = 'index.html', name = 'peer') {
  const page = await (await browser.newContext()).newPage();
  page.on('pageerror', (error) => fail(`peers: the page failed: ${error.message}`));
  await page.goto(new URL(file, url).href);
  await page.waitForFunction((known) => globalThis[known] !== undefined, name);
  return page;
}

async function timeProduct(browser, url, name) {
  const { target, bench = name, ...product } = PRODUCTS[name];
  const page = await openPage(browser, url);
  await page.evaluate((options) => globalThis.peer.openProduct(options), product);
  const pairs = [];
  let [device, error] = ['', 0];
  for (let i = 0; i < rounds; i++) {
    const [row] = await ours(bench);
    await quiet();
    const theirs = await page.evaluate(() => globalThis.peer.productRate());
    pairs.push([row.value, theirs.rate]);
    device = row.device;
    error = Math.max(error, theirs.error);
  }
  await page.context().close();
  const bound = product.level === 4 ? 0.05 : 1e-5;
  if (!(error < bound)) fail(`peers: ${name}: the peer's product is off by ${error}`);
  const op = product.kind === 'f32' ? 'MatMul' : `MatMulNBits, accuracy level ${product.level}`;
  const peer = `onnxruntime-web 1.30.0 WASM ${op}, threads: ${product.threads}`;
  report({ name, unit: 'GFLOP/s', pairs, peer, target: `at least ${target}`, device });
}

/** Loss and gradients of one step on both sides, without an optimiser on either; in a browser that has WebGPU. */
async function timeTraining(url, name) {
  const { on, target } = TRAINING[name];
  if (on === 'webgpu') await buildOwnStep();
  const browser = await chromium.launch({ executablePath: findBrowser(), args: browserFlags() });
  const page = await openPage(browser, url, 'train.html', 'training');
  const own = on === 'webgpu' ? await page.evaluate(() => globalThis.training.openOwn()) : null;
  let device = own === null ? '' : `${own.adapter}, subgroup ${own.subgroupSize}, in the page`;
  const ownMs = async () => {
    if (own !== null) {
      await quiet();
      return page.evaluate((count) => globalThis.training.ownStepMs(count), SAMPLES);
    }
    const [row] = await ours('train-toy', { out: NUMBERS });
    device = row.device;
    return row.value;
  };
  const pairs = [];
  let peer = '';
  for (let i = 0; i < rounds; i++) {
    const mine = await ownMs();
    if (i === 0) {
      const opened = await page.evaluate((where) => globalThis.training.open(where), on);
      checkAgreement(name, opened);
      if (own !== null && own.adapter !== opened.adapter) {
        fail(
          `peers: ${name}: ours is on ${own.adapter}, theirs on ${opened.adapter}; need the same`,
        );
      }
      peer = shownTrainer(on, opened);
    }
    await quiet();
    const ms = await page.evaluate((count) => globalThis.training.stepMs(count), SAMPLES);
    pairs.push([1000 / mine, 1000 / ms]);
    process.stdout.write(`${name}: ${shownNumber(mine)} ms against ${shownNumber(ms)} ms\n`);
  }
  await browser.close();
  report({ name, unit: 'steps/s', pairs, peer, target: `at least ${target}`, device });
}

async function buildOwnStep() {
  const entry = join(ROOT, 'bench', 'page', 'own.ts');
  await build({
    ...{ root: ROOT, logLevel: 'warn', publicDir: false },
    build: {
      ...{ outDir: dirname(OWN_STEP), emptyOutDir: true },
      lib: { entry, formats: ['es'], fileName: () => basename(OWN_STEP) },
    },
  });
}

function shownTrainer(on, { adapter, threads, loss, gradients }) {
  const where = on === 'wasm' ? `WASM, threads: ${threads}` : `WebGPU on ${adapter}`;
  const apart = `loss off by ${loss.toExponential(0)}, gradients by ${gradients.toExponential(0)}`;
  return `jax-js 0.1.25 ${where} (${apart})`;
}

function checkAgreement(name, { loss, gradients }) {
  process.stdout.write(`${name}: loss off by ${loss}, gradients by ${gradients}\n`);
  if (loss < AGREE.loss && gradients < AGREE.gradients) return;
  const { loss: most, gradients: share } = AGREE;
  fail(`peers: ${name}: loss is off by ${loss}, gradients by ${gradients}; need ${most}, ${share}`);
}

async function timeModel(browser, url) {
  const page = await openPage(browser, url);
  await page.evaluate(() => globalThis.peer.openModel({ threads: 2 }));
  const theirs = async () => {
    await quiet();
    return page.evaluate(() => globalThis.peer.generate({ prompt: 128, tokens: 32 }));
  };
  await theirs();
  const pairs = { prefill: [], decode: [], int8: [] };
  let device = '';
  for (let i = 0; i < rounds; i++) {
    const [prefill, decode, int8] = await ours('generate', { model: MODEL });
    const { prefill: theirPrefill, decode: theirDecode } = await theirs();
    pairs.prefill.push([prefill.value, theirPrefill]);
    pairs.decode.push([decode.value, theirDecode]);
    pairs.int8.push([int8.value, theirDecode]);
    device = decode.device;
  }
  await page.context().close();
  const common = { unit: 'tokens/s', peer: 'wllama 3.8.1 WASM, threads: 2', device };
  report({ ...common, name: 'decode-32', pairs: pairs.decode, target: 'at least 0.8' });
  report({ ...common, name: 'decode-32-int8', pairs: pairs.int8, target: 'at least 1.1' });
  report({ ...common, name: 'prefill-128', pairs: pairs.prefill, target: 'at least 0.7' });
}

/** Rounds of a bench whose rows bring their own other side. */
async function timeOwn(name) {
  const { targets, rounds: ownRounds = 1, ...how } = OWN[name];
  const byRow = new Map();
  for (let i = 0; i < ownRounds; i++) {
    for (const row of await ours(name, how)) {
      byRow.set(row.name, [...(byRow.get(row.name) ?? []), row]);
    }
  }
  for (const [rowName, rows] of byRow) {
    const [{ unit, peer, device }] = rows;
    const pairs = rows.map(({ value, peer: other }) => [value, other?.value ?? null]);
    const ratios = peer === null ? null : rows.map(({ ratio }) => ratio);
    const target = targets[rowName] ?? '';
    report({ name: rowName, unit, pairs, ratios, peer: peer?.name ?? '', target, device });
  }
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Writes one row; rows that were not measured now stay. */
function report({ name, unit, pairs, peer, target, device, ratios: given }) {
  const ratios = given === undefined ? pairs.map(([a, b]) => a / b) : given;
  const shown = (numbers) => `${shownNumber(median(numbers))} ${unit}`;
  const ratio =
    ratios === null
      ? ''
      : `${shownNumber(median(ratios))} (${shownNumber(Math.min(...ratios))} to ${shownNumber(Math.max(...ratios))})`;
  const busy =
    busySides === 0 || unit === 'per token' ? '' : `, ${busySides} sides on a busy machine`;
  const against = ratios === null ? '' : `${peer}: ${shown(pairs.map(([, b]) => b))}`;
  const line = `| ${[name, shown(pairs.map(([a]) => a)), against, ratio + busy, target, device].join(' | ')} |`;
  const known = readSection(SECTION).filter((one) => /^\| (?!row|---)/.test(one));
  const at = known.findIndex((one) => one.startsWith(`| ${name} |`));
  if (at === -1) known.push(line);
  else known[at] = line;
  writeSection(SECTION, [...opening(), ...HEAD, ...known]);
  process.stdout.write(`${line}\n`);
}

function opening() {
  return [
    `Processor: ${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} threads. Node ${process.version}. Written by`,
    '`npm ci --prefix bench && node bench/peers.mjs [ROW …]`.',
    'Both sides in turn, one at a time; medians, and a ratio ours / theirs is the median over the pairs. Activations are F32 on',
    'our side. Products are checked against float64 in the same run. The model file has the sizes of Qwen3 0.6B (28 layers,',
    'vocabulary 151936, Q4_0) and random weights. `train-jax-*`: loss and gradients of LoRA (rank 8, all projections) for 128 tokens',
    'of a Qwen3 of 4 layers (hidden 256, 4 heads and 2 key heads of 64, FFN 768, vocabulary 4096), all in F32, no optimiser on either',
    'side. The numbers are drawn once, by us, and given to both; jax-js compiles the whole by one `jit` before it is timed.',
    '',
  ];
}
