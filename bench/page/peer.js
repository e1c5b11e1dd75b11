// The peers, in a page: onnxruntime-web for one product, wllama for a model file. Called by ../peers.mjs, which knows the
// sizes and who is to be timed when.
import * as ort from '/ort/ort.wasm.min.mjs';
import { LoggerWithoutDebug, Wllama } from '/wllama/index.js';
import { matMul, matMulNBits } from './onnx.js';

const CHECKED = 32;
const SETTLED = { samples: 5, within: 0.05, most: 30 };

let state = 1;

/** Uniform in [0, 1): mulberry32. */
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = state;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}

const floats = (length, width) => Float32Array.from({ length }, () => (random() - 0.5) * width);

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** The median of five samples, as soon as it is within 5 % of the one before. */
async function settled(sample) {
  let before = Number.NaN;
  for (let taken = SETTLED.samples; ; taken += SETTLED.samples) {
    const samples = [];
    for (let i = 0; i < SETTLED.samples; i++) samples.push(await sample());
    const now = median(samples);
    if (Math.abs(now / before - 1) <= SETTLED.within || taken >= SETTLED.most) return now;
    before = now;
  }
}

/** Weights of a kind: the file around them, and each as a number. */
function weightsOf({ kind, M, N, K, level }) {
  if (kind === 'f32') {
    const w = floats(K * N, Math.sqrt(12 / K));
    return { file: matMul({ M, N, K, w }), weight: (n, k) => w[k * N + n] };
  }
  const halves = Uint8Array.from({ length: (N * K) / 2 }, () => random() * 256);
  const scales = Float32Array.from(
    { length: (N * K) / 32 },
    () => (0.5 + random()) / (4.6 * Math.sqrt(K)),
  );
  const weight = (n, k) => {
    const at = n * K + k;
    const byte = halves[at >> 1];
    return ((at % 2 === 0 ? byte & 15 : byte >> 4) - 8) * scales[Math.floor(at / 32)];
  };
  return { file: matMulNBits({ M, N, K, halves, scales, level }), weight };
}

let product = null;

/** Makes a product ready. `threads` can be set once in the life of a page. */
async function openProduct(options) {
  const { M, K, threads } = options;
  if (!crossOriginIsolated) throw new Error('the page is not isolated, so there are no threads');
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = '/ort/';
  const { file, weight } = weightsOf(options);
  const session = await ort.InferenceSession.create(file, {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
  });
  const x = floats(M * K, Math.sqrt(12));
  product = { ...options, weight, session, x, feeds: { x: new ort.Tensor('float32', x, [M, K]) } };
}

/** GFLOP/s of the product, settled. The output is made anew by every run. */
async function productRate() {
  const { M, N, K, repeats, session, feeds } = product;
  let last = null;
  const rate = await settled(async () => {
    const started = performance.now();
    for (let i = 0; i < repeats; i++) last = await session.run(feeds);
    return (2 * M * N * K * repeats) / ((performance.now() - started) * 1e6);
  });
  return { rate, error: worstError(last.y.data) };
}

/** Against float64, relative to the sum of the sizes of what is added. */
function worstError(y) {
  const { M, N, K, weight, x } = product;
  let worst = 0;
  for (let i = 0; i < CHECKED; i++) {
    const [m, n] = [Math.floor(random() * M), Math.floor(random() * N)];
    let [sum, size] = [0, 0];
    for (let k = 0; k < K; k++) {
      const term = weight(n, k) * x[m * K + k];
      sum += term;
      size += Math.abs(term);
    }
    worst = Math.max(worst, Math.abs(y[m * N + n] - sum) / size);
  }
  return worst;
}

let wllama = null;

/** Opens /model.gguf in llama.cpp. */
async function openModel({ threads }) {
  const logger = { ...LoggerWithoutDebug, log: () => undefined };
  wllama = new Wllama({ default: '/wllama/wasm/wllama.wasm' }, { logger });
  // Otherwise a browser that lacks something gets another build from the network.
  wllama.setCompat(null);
  const file = await (await fetch('/model.gguf')).blob();
  await wllama.loadModel([file], {
    ...{ n_ctx: 512, n_batch: 256, n_parallel: 1, n_threads: threads, n_gpu_layers: 0 },
  });
  if (wllama.isMultithread() !== threads > 1) throw new Error('wllama: not the threads asked for');
}

/** Tokens a second of a prompt of random digits, one token each, and of the most likely tokens after it. */
async function generate({ prompt, tokens }) {
  const text = Array.from({ length: prompt }, () => Math.floor(random() * 10)).join('');
  // The prompt's last step gives the first token.
  const { usage, timings } = await wllama.createCompletion({
    ...{ prompt: text, max_tokens: tokens + 1, temperature: 0, ignore_eos: true },
    ...{ stream: false, cache_prompt: false },
  });
  const got = [usage.prompt_tokens, timings.prompt_n, timings.predicted_n].join();
  const want = [prompt, prompt, tokens + 1].join();
  if (got !== want) throw new Error(`wllama: tokens ${got} in place of ${want}`);
  return {
    prefill: (prompt / timings.prompt_ms) * 1000,
    decode: (tokens / timings.predicted_ms) * 1000,
  };
}

globalThis.peer = { openProduct, productRate, openModel, generate };
