// What is planned, against the buffers that are really made.
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { Decoder } from '../../src/engine/decoder.ts';
import { cacheSizeFor, KvCache } from '../../src/engine/kv-cache.ts';
import { loadModel } from '../../src/engine/load-model.ts';
import { planTraining } from '../../src/train/plan-training.ts';
import { startTrainer } from '../../src/train/start-trainer.ts';
import { experimentSchema } from '../../src/trajectory/experiment.ts';
import { bytesSource } from '../../src/weights/byte-source.ts';
import { readGguf } from '../../src/weights/gguf.ts';
import { testGpu } from '../support/gpu.ts';

const gpu = await testGpu();
const MODEL = new URL('../../public/models/nano.gguf', import.meta.url);
const optimiser = experimentSchema.shape.optimiser.parse({ learningRate: 1e-3 });
const limits = experimentSchema.shape.limits.parse({ contextTokens: 192 });

it.each([
  ['all', 'f32'],
  ['f32', 'f16'],
  ['f16', 'f32'],
] as const)(
  'a step with %s kept, and a cache of %s, takes what was planned',
  async (checkpoints, kv) => {
    const before = gpu.liveBytes;
    const file = await readGguf(bytesSource(new Uint8Array(await readFile(MODEL)), 'nano'));
    const model = await loadModel(gpu, file, null);
    const weights = gpu.liveBytes - before;
    const cache = new KvCache(gpu, model.config, cacheSizeFor(model.config), kv);
    const cacheBytes = gpu.liveBytes - before - weights;
    const decoder = new Decoder(gpu, model, cache);
    const decoding = gpu.liveBytes;
    const experiment = {
      adapter: { rank: 16, alpha: 16 },
      memory: { tokens: 192, checkpoints },
      limits,
      sampling: { constrain: false, kv },
      optimiser: { ...optimiser, moments: kv === 'f16' ? 'int8' : 'f32' } as const,
    };
    const trainer = await startTrainer(
      { gpu, file, model, decoder },
      { ...experiment, seed: 1, given: null },
    );
    const draw = new Rng(2);
    const ids = Array.from({ length: 192 }, () => Math.floor(draw.next() * model.config.vocab));
    const mask = ids.map((_, t) => (t === 0 ? 0 : 1));
    const objective = { kind: 'sft', aggregate: 'token-mean' } as const;
    await trainer.accumulate({ objective, sequences: [{ ids, mask, advantage: 0 }] });
    const training = gpu.liveBytes - decoding;
    const { bytes, lent } = planTraining(experiment, file, model.config);
    const { checkpoints: inputs, layer, head, batch, trained, joined } = bytes;
    // Some of it lies in the cache.
    expect(lent).toBeGreaterThan(0);
    // Buffers of single rows are rounded to 16 bytes; the norm of the gradients has two small ones.
    expect(
      Math.abs(training - (inputs + layer + head + batch + trained + joined - lent)),
    ).toBeLessThan(4096);
    // q, k and v of a layer have their norms and biases side by side once more.
    expect(weights / bytes.weights).toBeGreaterThanOrEqual(1);
    expect(weights / bytes.weights).toBeLessThan(1.01);
    expect(cacheBytes / bytes.kv).toBeGreaterThanOrEqual(1);
    expect(cacheBytes / bytes.kv).toBeLessThan(1.01);
    trainer.free();
    decoder.free();
  },
);
