// A training step in jax-js, in a page: timed, and checked against what our own step made of the same numbers. Called by
// ../peers.mjs, which knows which device is to compute and who is to be timed when.
import {
  blockUntilReady,
  defaultDevice,
  getWebGPUDevice,
  init,
  numpy as np,
  tree,
} from '/jax/index.js';
import { compile } from './qwen3-jax.js';

/** Values, shapes and metadata of a safetensors file of F32 tensors. */
function readTensors(bytes) {
  const size = Number(new DataView(bytes).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 8, size)));
  const { __metadata__: metadata, ...entries } = header;
  const tensors = new Map();
  for (const [name, { shape, data_offsets: offsets }] of Object.entries(entries)) {
    const [from, to] = offsets;
    const values = new Float32Array(bytes, 8 + size + from, (to - from) / 4);
    tensors.set(name, { shape, values });
  }
  return { tensors, metadata };
}

const array = ({ shape, values }) => np.array(values, { shape });

/** The tensors of layer l whose names end so, by those ends. */
function ofLayer(tensors, l, end) {
  const start = `blk.${l}.`;
  const found = [...tensors].filter(([name]) => name.startsWith(start) && name.endsWith(end));
  return Object.fromEntries(
    found.map(([name, one]) => [name.slice(start.length, name.length - end.length), array(one)]),
  );
}

/** [A, B] of every projection of a layer, by its stem. */
function pairsOf(tensors, l) {
  const [as, bs] = [ofLayer(tensors, l, '.A'), ofLayer(tensors, l, '.B')];
  return Object.fromEntries(Object.keys(as).map((stem) => [stem, { a: as[stem], b: bs[stem] }]));
}

/** Cosines and sines, (T, 1, D/2) each, of one table (T, D/2, 2). */
function ropeOf({ shape, values }) {
  const [T, half] = shape;
  const part = (n) => array({ shape: [T, 1, half], values: values.filter((_v, i) => i % 2 === n) });
  return { cos: part(0), sin: part(1) };
}

function inputsOf(tensors, config) {
  const layers = Array.from({ length: config.layers }, (_, l) => l);
  const ids = Int32Array.from(tensors.get('ids').values);
  return {
    adapter: layers.map((l) => pairsOf(tensors, l)),
    nothing: np.zeros([ids.length - 1, config.vocab]),
    base: {
      layers: layers.map((l) => ofLayer(tensors, l, '.weight')),
      outputNorm: array(tensors.get('output_norm.weight')),
      embedding: array(tensors.get('token_embd.weight')),
      ...ropeOf(tensors.get('rope')),
    },
    ids: np.array(ids, { shape: [ids.length], dtype: np.int32 }),
  };
}

let own = null;

/** Makes our own step ready here. */
async function openOwn() {
  const { openOwn: open } = await import('/own/own.js');
  own = await open();
  const { adapter, subgroupSize } = own;
  return { adapter, subgroupSize };
}

/** The numbers of our side: of the step that was made ready here, or of a file. */
async function numbersOf() {
  if (own !== null) return own.numbers.buffer;
  return (await fetch('/train-toy.safetensors')).arrayBuffer();
}

let run = null;

/**
 * Makes the step ready on a device of jax-js ('wasm' or 'webgpu') and takes it once.
 * @returns {device, threads, loss: |ours - theirs|, gradients: worst |ours - theirs| / |ours| of a matrix}
 */
async function open(device) {
  const available = await init(device);
  if (!available.includes(device)) throw new Error(`jax-js: no ${device}, only ${available}`);
  if (device === 'wasm' && !crossOriginIsolated) throw new Error('the page is not isolated');
  defaultDevice(device);
  const { tensors, metadata } = readTensors(await numbersOf());
  const config = JSON.parse(metadata.config);
  const { rank, alpha } = JSON.parse(metadata.adapter);
  const inputs = inputsOf(tensors, config);
  const compiled = compile({ config, scale: alpha / rank });
  run = () => {
    const { adapter, nothing, base, ids } = inputs;
    return compiled(tree.ref(adapter), nothing.ref, tree.ref(base), ids.ref);
  };
  return { ...describe(device), ...(await errors(tensors)) };
}

function describe(device) {
  if (device === 'wasm') return { adapter: '', threads: navigator.hardwareConcurrency };
  const { vendor, architecture, description } = getWebGPUDevice().adapterInfo;
  return { adapter: [vendor, architecture, description].filter(Boolean).join(' '), threads: 0 };
}

/** How far the two sides are apart. */
async function errors(tensors) {
  const [loss, [adapter, nothing]] = run();
  nothing.dispose();
  const [ours] = tensors.get('loss').values;
  const [theirs] = await loss.data();
  let [worst, compared] = [0, 0];
  for (const [l, pairs] of adapter.entries()) {
    for (const [stem, { a, b }] of Object.entries(pairs)) {
      for (const [matrix, gradient] of [
        ['A', a],
        ['B', b],
      ]) {
        const { values } = tensors.get(`blk.${l}.${stem}.${matrix}.gradient`);
        worst = Math.max(worst, distance(await gradient.data(), values));
        compared += 1;
      }
    }
  }
  const expected = [...tensors.keys()].filter((name) => name.endsWith('.gradient')).length;
  if (compared !== expected) throw new Error(`${compared} gradients of ${expected} compared`);
  return { loss: Math.abs(ours - theirs), gradients: worst };
}

/** |a - b| / |b| */
function distance(a, b) {
  if (a.length !== b.length) throw new Error(`${a.length} values in place of ${b.length}`);
  let [difference, size] = [0, 0];
  b.forEach((value, i) => {
    difference += (a[i] - value) ** 2;
    size += value ** 2;
  });
  return Math.sqrt(difference / size);
}

/** Takes a step of the peer: until loss and gradients are there and the loss is read. */
async function step() {
  const [loss, gradients] = run();
  await blockUntilReady(gradients);
  await loss.data();
  tree.dispose(gradients);
}

/** Milliseconds of a step: the median of `count`, after one that does not count. */
async function medianMs(take, count) {
  const samples = [];
  for (let i = -1; i < count; i++) {
    const started = performance.now();
    await take();
    if (i >= 0) samples.push(performance.now() - started);
  }
  samples.sort((a, b) => a - b);
  return samples[count >> 1];
}

globalThis.training = {
  open,
  openOwn,
  stepMs: (count) => medianMs(step, count),
  ownStepMs: (count) => medianMs(own.step, count),
};
