// The same step computed in other ways: what is shared, kept or cut must not change the gradients.
import { expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { newModel } from '../../src/train/new-model.ts';
import {
  adapterTarget,
  freshAdapter,
  fullTarget,
  gradientTensors,
} from '../../src/train/targets.ts';
import { GpuTrainer, type TrainerOptions, type TrainTarget } from '../../src/train/trainer.ts';
import { type Batch, batchSchema } from '../../src/trajectory/batch.ts';
import { experimentSchema } from '../../src/trajectory/experiment.ts';
import { testGpu } from '../support/gpu.ts';

const gpu = await testGpu();
const optimiser = experimentSchema.shape.optimiser.parse({ learningRate: 1e-3 });

const { config, metadata, values } = newModel({
  name: 'three layers',
  architecture: {
    ...{ layers: 3, hidden: 64, heads: 4, kvHeads: 2, headDim: 16, ffn: 96 },
    ...{ ropeTheta: 1e4, contextLength: 512, maxVocab: 300 },
  },
  corpus: ['some text to learn merges from, some text'],
  toolspace: 'core',
  seed: 1,
});
// A new model's output projections are zero, and then no gradient reaches the layers below.
const rng = new Rng(8);
const random = new Map(
  [...values].map(([name, x]) => [name, x.map((v) => v + 0.05 * rng.normal())]),
);

function full(): TrainTarget {
  return fullTarget(gpu, config, random, metadata, 'F32');
}

/** An adapter whose B is not zero. */
function adapted(): TrainTarget {
  const fresh = freshAdapter(config, { rank: 4, alpha: 8 }, 3, null);
  const draw = new Rng(4);
  const matrices = new Map(
    [...fresh.matrices].map(([stem, { a, b }]) => [
      stem,
      { a, b: b.map(() => 0.1 * draw.normal()) },
    ]),
  );
  return adapterTarget(gpu, full().model, { ...fresh, matrices });
}

/** Two groups of four: a prompt of 30 ids in each, and completions of 1 to 40. */
function grpoBatch(): Batch {
  const ids = new Rng(5);
  const draw = (count: number) =>
    Array.from({ length: count }, () => Math.floor(ids.next() * config.vocab));
  const sequences = [0, 1].flatMap(() => {
    const prompt = draw(30);
    return [1, 17, 40, 22].map((length, i) => {
      const all = [...prompt, ...draw(length)];
      return {
        ids: all,
        mask: all.map((_, t) => (t < prompt.length ? 0 : 1)),
        advantage: [1.2, -0.7, 0.3, -0.8][i],
        old_logprobs: all.map(() => -Math.log(config.vocab) + 0.2 * ids.normal()),
        ref_logprobs: all.map(() => -Math.log(config.vocab) + 0.2 * ids.normal()),
      };
    });
  });
  const objective = {
    kind: 'grpo',
    clip_low: 0.2,
    clip_high: 0.28,
    kl: 0.1,
    aggregate: 'token-mean',
  };
  return batchSchema.parse({ objective, sequences });
}

async function step(target: TrainTarget, options: Partial<TrainerOptions>) {
  const trainer = new GpuTrainer(gpu, target, { optimiser, ...options });
  const { loss, tokenLogprobs } = await trainer.accumulate(grpoBatch());
  const gradients = await gradientTensors(target);
  trainer.free();
  return { loss, tokenLogprobs, gradients };
}

type Step = Awaited<ReturnType<typeof step>>;

/** Largest ‖a - b‖ / ‖b‖ over the gradients of two steps, and the distance of their losses. */
function distance(a: Step, b: Step): { loss: number; gradient: number } {
  const of = a.gradients.map(({ values: x }, i) => {
    const y = b.gradients[i]?.values ?? new Float32Array();
    const square = (sum: number, v: number) => sum + v * v;
    const size = Math.sqrt(y.reduce(square, 0));
    expect(size).toBeGreaterThan(0);
    return Math.sqrt(x.map((v, j) => v - (y[j] ?? Number.NaN)).reduce(square, 0)) / size;
  });
  return { loss: Math.abs(a.loss - b.loss), gradient: Math.max(...of) };
}

const TARGETS = [
  ['an adapter', adapted],
  ['all weights', full],
] as const;

it.each(TARGETS)('%s: a prompt that is shared = each sequence by itself', async (_, target) => {
  const shared = await step(target(), {});
  const apart = await step(target(), { share: false });
  const { loss, gradient } = distance(shared, apart);
  expect(loss).toBeLessThan(1e-5);
  expect(gradient).toBeLessThan(1e-5);
});

it.each(TARGETS)('%s: eight rows of one sequence = one row of eight', async (_, target) => {
  const one = await step(target(), { share: false });
  const eight = await step(target(), { share: false, maxTokens: 1 });
  const { loss, gradient } = distance(eight, one);
  expect(loss).toBeLessThan(1e-5);
  expect(gradient).toBeLessThan(1e-5);
  expect(eight.tokenLogprobs).toEqual(one.tokenLogprobs);
});

it.each(TARGETS)('%s: layers that are computed again give the same bits', async (_, target) => {
  const kept = await step(target(), { checkpoints: 'all' });
  expect(await step(target(), { checkpoints: 'f32' })).toEqual(kept);
});

it('an adapter: buffers that others left full of anything give the same bits', async () => {
  const own = await step(adapted(), { checkpoints: 'f32' });
  // Larger and smaller than what a step needs.
  const lent = [1e6, 3e5, 1e5, 1e5, 2e4, 2e4, 2e4, 64].map((values, i) =>
    gpu.upload(`lent.${i}`, [values], new Float32Array(values).fill(Number.NaN)),
  );
  expect(await step(adapted(), { checkpoints: 'f32', lend: () => lent })).toEqual(own);
  // Nobody freed them.
  for (const tensor of lent) await gpu.readF32(tensor, 1);
});

it.each(TARGETS)(
  '%s: keys and values in f16 move gradients by their rounding',
  async (_, target) => {
    const exact = await step(target(), {});
    const rounded = await step(target(), { kv: 'f16', checkpoints: 'all' });
    const { loss, gradient } = distance(rounded, exact);
    expect(loss).toBeGreaterThan(0);
    expect(loss).toBeLessThan(1e-3);
    expect(gradient).toBeGreaterThan(0);
    expect(gradient).toBeLessThan(5e-3);
    // Layers that are computed again round once more, to the same bits.
    expect(await step(target(), { kv: 'f16', checkpoints: 'f32' })).toEqual(rounded);
  },
);

it.each(TARGETS)('%s: inputs kept in f16 move gradients by their rounding', async (_, target) => {
  const kept = await step(target(), { checkpoints: 'all' });
  const halved = await step(target(), { checkpoints: 'f16' });
  // The forward pass is the same.
  expect([halved.loss, halved.tokenLogprobs]).toEqual([kept.loss, kept.tokenLogprobs]);
  const { gradient } = distance(halved, kept);
  expect(gradient).toBeGreaterThan(0);
  expect(gradient).toBeLessThan(2e-3);
});

it('a model without its adapter has the bits of the model', async () => {
  const { sequences } = grpoBatch();
  const plain = new GpuTrainer(gpu, full(), { optimiser });
  const trainer = new GpuTrainer(gpu, adapted(), { optimiser });
  const reference = await trainer.referenceLogprobs(sequences);
  expect(reference).toEqual(await plain.policyLogprobs(sequences));
  expect(await trainer.policyLogprobs(sequences)).not.toEqual(reference);
});
