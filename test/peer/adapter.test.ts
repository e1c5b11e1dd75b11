// llama.cpp on what `atlas export --to gguf` writes: a merged model, and an adapter beside its model. The golden files say
// what the log-probabilities must be; it rounds activations beside weights that are not F32.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeAdapterGguf } from '../../src/adapter/adapter-gguf.ts';
import { type MergeType, mergeModel } from '../../src/adapter/merge-model.ts';
import { defined } from '../../src/base/assert.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { openGpu } from '../../src/gpu/open-gpu.ts';
import { bytesSource } from '../../src/weights/byte-source.ts';
import { joinBytes, readGguf } from '../../src/weights/gguf.ts';
import { modelConfig } from '../../src/weights/model-config.ts';
import { goldenFile, goldenPageAdapter, nameTokens, spellIds } from '../support/golden-page.ts';
import { LlamaCpp } from '../support/llama-cpp.ts';
import { logSoftmax, openOwnModel } from '../support/own-model.ts';

/** Every architecture, F32, blocks and K-quants. */
const ADAPTED = ['f32', 'q4_k_m', 'qwen2', 'llama'] as const;
const MERGED = ['f32', 'f16', 'q8_0', 'q4_0', 'llama'] as const;
/** Of a log-probability: F32 differs by the order of sums, the others by rounded activations too. */
const F32_BOUND = 1e-4;
const ROUNDED_BOUND = 0.3;

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openGpu(navigator.gpu);
});
afterAll(() => gpu.destroy());

/** A golden model, its adapter, and the ids and log-probabilities (V) of the cases with it on. */
async function golden(name: string) {
  const { bytes, cases } = await goldenFile(name);
  const adapter = await goldenPageAdapter(name);
  const on = cases.filter(({ with_adapter }) => with_adapter);
  expect(on.length).toBeGreaterThan(1);
  const asked = on.map(({ ids, last }) => ({ ids, want: logSoftmax(last) }));
  return { bytes, adapter, asked };
}

/** A model with its adapter merged, its matrices of a type or of their own. */
async function mergedBytes(
  base: Uint8Array<ArrayBuffer>,
  adapter: Parameters<typeof mergeModel>[1],
  type?: MergeType,
): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  const merged = mergeModel(await readGguf(bytesSource(base)), adapter, { type });
  for await (const piece of merged.pieces()) pieces.push(piece);
  return joinBytes(pieces);
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let worst = 0;
  for (let id = 0; id < a.length; id++) {
    const error = Math.abs((a[id] ?? Number.NaN) - (b[id] ?? Number.NaN));
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

/** llama.cpp's log-probabilities (V) behind each list of ids. */
async function theirs(
  file: Uint8Array<ArrayBuffer>,
  lora: Uint8Array<ArrayBuffer> | null,
  lists: readonly { ids: readonly number[] }[],
): Promise<Float64Array[]> {
  const peer = await LlamaCpp.open(await nameTokens(file), lora);
  const out: Float64Array[] = [];
  for (const { ids } of lists) {
    const { promptTokens, steps } = await peer.complete(spellIds(ids), 1);
    expect(promptTokens).toBe(ids.length);
    out.push(defined(steps[0], 'step').logprobs);
  }
  await peer.close();
  return out;
}

async function ours(
  file: Uint8Array<ArrayBuffer>,
  lists: readonly { ids: readonly number[] }[],
): Promise<Float64Array[]> {
  const own = await openOwnModel(gpu, file);
  const answers = await own.logprobs(lists.map(({ ids }) => ({ ids, last: 1 })));
  own.close();
  return answers.map(([first]) => defined(first, 'position'));
}

const worstOf = (got: readonly Float64Array[], want: readonly ArrayLike<number>[]) =>
  Math.max(...got.map((list, i) => distance(list, want[i] ?? [])));

describe.each(ADAPTED)('the adapter of %s as a GGUF file', (name) => {
  it('does in llama.cpp what the golden adapter does', async ({ annotate }) => {
    const { bytes, adapter, asked } = await golden(name);
    const { architecture } = modelConfig(await readGguf(bytesSource(bytes)));
    const lora = writeAdapterGguf(adapter, { architecture, name });
    const want = asked.map((one) => one.want);
    const on = worstOf(await theirs(bytes, lora, asked), want);
    const off = worstOf(await theirs(bytes, null, asked), want);
    await annotate(`off by ${on}; without the adapter by ${off}`);
    expect(on).toBeLessThan(name === 'f32' ? F32_BOUND : ROUNDED_BOUND);
    expect(off).toBeGreaterThan(2 * on);
  });
});

it('rsLoRA does in llama.cpp what the plain adapter of the same scale does', async () => {
  const { bytes, adapter, asked } = await golden('f32');
  const { architecture } = modelConfig(await readGguf(bytesSource(bytes)));
  // alpha / sqrt(R) = (alpha sqrt(R)) / R
  const ranked = { ...adapter, alpha: adapter.alpha / Math.sqrt(adapter.rank), rslora: true };
  const lora = writeAdapterGguf(ranked, { architecture, name: 'ranked' });
  const want = asked.map((one) => one.want);
  expect(worstOf(await theirs(bytes, lora, asked), want)).toBeLessThan(F32_BOUND);
});

describe.each(MERGED)('%s merged with its adapter', (name) => {
  it('is the same model to llama.cpp and to ours', async ({ annotate }) => {
    const { bytes, adapter, asked } = await golden(name);
    const merged = await mergedBytes(bytes, adapter);
    const want = asked.map((one) => one.want);
    const [own, other] = [await ours(merged, asked), await theirs(merged, null, asked)];
    const between = worstOf(own, other);
    await annotate(
      `ours ${worstOf(own, want)}, llama.cpp ${worstOf(other, want)} from the golden; between ${between}`,
    );
    if (name === 'f32') {
      // Nothing was rounded: it is also what the adapter beside its model is.
      expect(worstOf(own, want)).toBeLessThan(F32_BOUND);
      expect(worstOf(other, want)).toBeLessThan(F32_BOUND);
    }
    expect(between).toBeLessThan(name === 'f32' ? F32_BOUND : ROUNDED_BOUND);
  });
});

describe.each(['F16', 'Q4_0'] as const)('q8_0 merged as %s', (type) => {
  it('is the same model to llama.cpp and to ours', async ({ annotate }) => {
    const { bytes, adapter, asked } = await golden('q8_0');
    const merged = await mergedBytes(bytes, adapter, type);
    const between = worstOf(await ours(merged, asked), await theirs(merged, null, asked));
    await annotate(`differ by ${between}`);
    expect(between).toBeLessThan(ROUNDED_BOUND);
  });
});
