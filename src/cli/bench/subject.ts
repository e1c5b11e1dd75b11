// The model that is timed: nano's sizes with random weights, since what they say takes no time.

import { defined } from '../../base/assert.ts';
import { Decoder } from '../../engine/decoder.ts';
import { cacheSizeFor, KvCache } from '../../engine/kv-cache.ts';
import { loadModel } from '../../engine/load-model.ts';
import { freeModel, type Model } from '../../engine/model.ts';
import { EnginePolicy } from '../../engine/policy.ts';
import type { Gpu } from '../../gpu/device.ts';
import { tokenizerCorpus } from '../../toolspace/corpus.ts';
import { newModel } from '../../train/new-model.ts';
import { fullTarget } from '../../train/targets.ts';
import { bytesSource } from '../../weights/byte-source.ts';
import { readGguf } from '../../weights/gguf.ts';
import { type ModelConfig, requiredTensors } from '../../weights/model-config.ts';

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

/** An engine on it, in the format that is shipped (Q8_0). */
export async function benchEngine(gpu: Gpu): Promise<{
  model: Model;
  decoder: Decoder;
  policy: EnginePolicy;
  free(): void;
}> {
  const { config, values, metadata } = randomModel();
  const target = fullTarget(gpu, config, values, metadata, 'Q8_0');
  const written = await target.exportWeights();
  target.parameters.free();
  gpu.free(target.model.cosSin);
  const bytes = defined(written['model.gguf'], 'model.gguf');
  const model = await loadModel(
    gpu,
    await readGguf(bytesSource(Uint8Array.from(bytes), 'bench')),
    null,
  );
  const decoder = new Decoder(gpu, model, new KvCache(gpu, config, cacheSizeFor(config)));
  const free = () => {
    decoder.free();
    freeModel(gpu, model);
  };
  return { model, decoder, policy: new EnginePolicy('bench', decoder, []), free };
}

/** Floating-point operations of all matrix products for one token, without attention. */
export function flopPerToken(config: ModelConfig): number {
  const matrices = requiredTensors(config).filter(({ shape }) => shape.length === 2);
  // The embedding is read as a row and, in a tied model, multiplied as the head.
  return matrices.reduce((sum, { shape }) => sum + 2 * (shape[0] ?? 0) * (shape[1] ?? 0), 0);
}
