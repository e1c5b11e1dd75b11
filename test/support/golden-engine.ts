// An engine on one of the golden models, with the uncached forward pass of the trainer beside it.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Adapter, readAdapter } from '../../src/adapter/adapter.ts';
import { Decoder } from '../../src/engine/decoder.ts';
import { type CacheSize, cacheSizeFor, KvCache } from '../../src/engine/kv-cache.ts';
import { loadModel } from '../../src/engine/load-model.ts';
import { EnginePolicy } from '../../src/engine/policy.ts';
import type { Activations } from '../../src/engine/step-layer.ts';
import type { KernelFamily } from '../../src/gpu/caps.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import type { KvType } from '../../src/kernels/attention-cached.ts';
import { tokenizerFromMetadata } from '../../src/tokenizer/tokenizer.ts';
import { adapterTarget, freshAdapter } from '../../src/train/targets.ts';
import { GpuTrainer } from '../../src/train/trainer.ts';
import { experimentSchema } from '../../src/trajectory/experiment.ts';
import { bytesSource } from '../../src/weights/byte-source.ts';
import { readGguf } from '../../src/weights/gguf.ts';
import { FAMILIES, testGpu, testGpuOf } from './gpu.ts';

/** Every golden case: one architecture and mixture of formats each. */
export const GOLDEN_MODELS = ['f32', 'f16', 'q8_0', 'q4_0', 'q4_k_m', 'qwen2', 'llama'] as const;

/** Every golden case with the matrix kernels of each family. */
export const GOLDEN_CASES = FAMILIES.flatMap((family) =>
  GOLDEN_MODELS.map((model) => ({ model, family })),
);

/** Path of a golden file. */
export function goldenPath(name: string): string {
  return fileURLToPath(new URL(`../golden/data/${name}`, import.meta.url));
}

async function bytesOf(name: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await readFile(goldenPath(name)));
}

/** The adapter that belongs to a golden model. */
export async function goldenAdapter(name: string): Promise<Adapter> {
  return readAdapter({
    'adapter_config.json': await bytesOf(`${name}.adapter/adapter_config.json`),
    'adapter_model.safetensors': await bytesOf(`${name}.adapter/adapter_model.safetensors`),
  });
}

/** Opens a golden model; `size` overrides the default cache. End tokens are `eosIds`, none by default. */
export async function goldenEngine(
  name: string,
  {
    size,
    eosIds = [],
    shardBytes,
    family,
    kvType = 'f32',
    activations = 'f32',
    on,
  }: {
    size?: CacheSize;
    eosIds?: readonly number[];
    shardBytes?: number | undefined;
    family?: KernelFamily;
    kvType?: KvType;
    activations?: Activations;
    /** In place of the file's device. */
    on?: Gpu;
  } = {},
) {
  const gpu = on ?? (family === undefined ? await testGpu() : await testGpuOf(family));
  const file = await readGguf(bytesSource(await bytesOf(`${name}.gguf`), name));
  const model = await loadModel(gpu, file, null, shardBytes === undefined ? {} : { shardBytes });
  const { config } = model;
  const cache = new KvCache(gpu, config, size ?? cacheSizeFor(config, 2 ** 24), kvType);
  const decoder = new Decoder(gpu, model, cache, activations);
  const tokenizer = tokenizerFromMetadata(file.values);
  const policy = new EnginePolicy(name, decoder, { eosIds, tokenizer: () => tokenizer });
  return { gpu, model, decoder, policy, tokenizer };
}

/** Log-probabilities (T) of a whole sequence in one pass without a cache, which rounds as one of `kv`; the first is 0. */
export async function uncachedLogprobs(
  { gpu, model }: Pick<Awaited<ReturnType<typeof goldenEngine>>, 'gpu' | 'model'>,
  sequences: readonly { ids: readonly number[] }[],
  kv: 'f32' | 'f16' = 'f32',
): Promise<number[][]> {
  // B is zero in a fresh adapter, so this is the model alone.
  const target = adapterTarget(
    gpu,
    model,
    freshAdapter(model.config, { rank: 4, alpha: 4 }, 1, null),
  );
  const optimiser = experimentSchema.shape.optimiser.parse({ learningRate: 1e-3 });
  const trainer = new GpuTrainer(gpu, target, { optimiser, everyToken: true, kv });
  const logprobs = await trainer.policyLogprobs(sequences);
  trainer.free();
  return logprobs;
}
