// Real steps on few tokens: whatever is trained must be able to learn four sequences by heart.
import { expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { newModel } from '../../src/train/new-model.ts';
import { adapterTarget, freshAdapter, fullTarget } from '../../src/train/targets.ts';
import { GpuTrainer, type TrainTarget } from '../../src/train/trainer.ts';
import type { Batch } from '../../src/trajectory/batch.ts';
import { experimentSchema, type OptimiserSettings } from '../../src/trajectory/experiment.ts';
import { testGpu } from '../support/gpu.ts';

const gpu = await testGpu();
const LEARNT = 0.05;
const MOST_STEPS = 200;

const { config, metadata, values } = newModel({
  name: 'two layers',
  architecture: {
    ...{ layers: 2, hidden: 64, heads: 4, kvHeads: 2, headDim: 16, ffn: 128 },
    ...{ ropeTheta: 1e4, contextLength: 64, maxVocab: 300 },
  },
  corpus: ['some text to learn merges from, some text'],
  toolspace: 'core',
  seed: 1,
});
const full = () => fullTarget(gpu, config, values, metadata, 'F32');

/** An adapter over random weights, which know nothing of the sequences; large enough ones for sharp logits. */
function adapted(): TrainTarget {
  const rng = new Rng(3);
  const random = new Map(
    [...values].map(([name, x]) => [name, x.map((v) => v + 0.25 * rng.normal())]),
  );
  const { model } = fullTarget(gpu, config, random, metadata, 'F32');
  return adapterTarget(gpu, model, freshAdapter(config, { rank: 16, alpha: 32 }, 4, null));
}

/** Four sequences that begin alike and go on by chance: what follows must be remembered. */
function batchOf(): Batch {
  const rng = new Rng(5);
  const draw = (count: number) => Array.from({ length: count }, () => rng.int(0, config.vocab - 1));
  const sequences = [1, 2, 3, 4].map((first) => {
    const ids = [7, 9, first, ...draw(16)];
    return { ids, mask: ids.map((_, t) => (t < 3 ? 0 : 1)), advantage: 0 };
  });
  return { objective: { kind: 'sft', aggregate: 'token-mean' }, sequences };
}

it.each([
  ['all weights', full, { learningRate: 3e-3 }],
  ['all weights, moments of 8 bits', full, { learningRate: 3e-3, moments: 'int8' }],
  ['an adapter', adapted, { learningRate: 1e-2 }],
] as const)('%s learn four sequences by heart', async (_, target, settings) => {
  const optimiser: OptimiserSettings = experimentSchema.shape.optimiser.parse(settings);
  const trainer = new GpuTrainer(gpu, target(), { optimiser, checkpoints: 'f32' });
  const batch = batchOf();
  const losses: number[] = [];
  while (losses.length < MOST_STEPS && (losses.at(-1) ?? 9) >= LEARNT) {
    losses.push((await trainer.accumulate(batch)).loss);
    await trainer.apply({ learningRate: optimiser.learningRate, clipNorm: 1 });
  }
  // At first nothing is known.
  expect(losses[0]).toBeGreaterThan(3);
  expect(losses.at(-1)).toBeLessThan(LEARNT);
  trainer.free();
});
