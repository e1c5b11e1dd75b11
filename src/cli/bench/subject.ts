// The model that is timed: a given file, or nano's sizes with random weights, since what they say takes no time.

import { defined } from '../../base/assert.ts';
import { Decoder } from '../../engine/decoder.ts';
import { cacheSizeFor, KvCache } from '../../engine/kv-cache.ts';
import { loadModel } from '../../engine/load-model.ts';
import { freeModel, type Model } from '../../engine/model.ts';
import { EnginePolicy } from '../../engine/policy.ts';
import type { Activations } from '../../engine/step-layer.ts';
import type { Gpu } from '../../gpu/device.ts';
import { tokenizerCorpus } from '../../toolspace/corpus.ts';
import { newModel } from '../../train/new-model.ts';
import { fullTarget } from '../../train/targets.ts';
import { bytesSource } from '../../weights/byte-source.ts';
import { type GgufFile, readGguf } from '../../weights/gguf.ts';
import { type ModelConfig, requiredTensors } from '../../weights/model-config.ts';
import { openModelFile } from '../models.ts';

/** As in experiments/nano.json. */
const ARCHITECTURE = {
  layers: 6,
  hidden: 128,
  heads: 4,
  kvHeads: 2,
  headDim: 32,
  ffn: 384,
  ropeTheta: 10000,
  contextLength: 1024,
  maxVocab: 1024,
};

/** Random weights, sizes and metadata of the timed model. */
export function randomModel() {
  const corpus = tokenizerCorpus();
  const options = { name: 'bench', architecture: ARCHITECTURE, corpus, toolspace: 'core', seed: 1 };
  return newModel(options);
}

/** It as a file, in the format that is shipped (Q8_0). */
async function randomFile(gpu: Gpu): Promise<GgufFile> {
  const { config, values, metadata } = randomModel();
  const target = fullTarget(gpu, config, values, metadata, 'Q8_0');
  const written = await target.exportWeights();
  target.parameters.free();
  gpu.free(target.model.cosSin);
  const bytes = defined(written['model.gguf'], 'model.gguf');
  return await readGguf(bytesSource(Uint8Array.from(bytes), 'bench'));
}

/**
 * An engine on a model file, by default on the random model.
 * @throws {ModelFileError} for a file that is not usable.
 */
export async function benchEngine(
  gpu: Gpu,
  path: string | null = null,
  activations: Activations = 'f32',
): Promise<{
  file: GgufFile;
  model: Model;
  decoder: Decoder;
  policy: EnginePolicy;
  free(): void;
}> {
  const file = path === null ? await randomFile(gpu) : (await openModelFile(path)).file;
  const model = await loadModel(gpu, file, null);
  const { config } = model;
  const cache = new KvCache(gpu, config, cacheSizeFor(config));
  const decoder = new Decoder(gpu, model, cache, activations);
  const free = () => {
    decoder.free();
    freeModel(gpu, model);
  };
  return { file, model, decoder, policy: new EnginePolicy('bench', decoder, { eosIds: [] }), free };
}

/** Floating-point operations of all matrix products for one token, without attention. */
export function flopPerToken(config: ModelConfig): number {
  const matrices = requiredTensors(config).filter(({ shape }) => shape.length === 2);
  // The embedding is read as a row and, in a tied model, multiplied as the head.
  return matrices.reduce((sum, { shape }) => sum + 2 * (shape[0] ?? 0) * (shape[1] ?? 0), 0);
}
