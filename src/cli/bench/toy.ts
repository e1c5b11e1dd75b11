// A training step of a small model that others can repeat: F32 weights, an adapter and a text drawn from a seed, and a
// file of them with the loss and gradients that we make of them. Must run in a page as well as in Node.
import type { Adapter } from '../../adapter/adapter.ts';
import { type NamedTensor, writeSafetensors } from '../../adapter/safetensors.ts';
import { defined } from '../../base/assert.ts';
import { Rng } from '../../base/rng.ts';
import { assembleModel, freeModel } from '../../engine/model.ts';
import type { Gpu } from '../../gpu/device.ts';
import { ropeTable } from '../../kernels/qk-norm-rope.ts';
import { f32Matrix } from '../../kernels/weight-matrix.ts';
import { adapterTarget, freshAdapter, gradientTensors } from '../../train/targets.ts';
import { GpuTrainer } from '../../train/trainer.ts';
import type { Batch } from '../../trajectory/batch.ts';
import { experimentSchema } from '../../trajectory/experiment.ts';
import { type ModelConfig, requiredTensors } from '../../weights/model-config.ts';
import { groupBatch } from './group-batch.ts';

const LENGTH = 128;
const ADAPTER = { rank: 8, alpha: 16 };
/** Deviation of B's values: a fresh B is zero, and then A has no gradient. */
const DEVIATION_B = 0.02;
const CONFIG: ModelConfig = {
  architecture: 'qwen3',
  ...{ layers: 4, hidden: 256, heads: 4, kvHeads: 2, headDim: 64, ffn: 768, vocab: 4096 },
  ...{ ropeTheta: 10000, eps: 1e-6, contextLength: LENGTH, tied: true },
  ...{ qkNorm: true, qkvBias: false, interleavedRope: false },
  ...{ ropeScaling: { kind: 'none' }, ropeFactors: false },
};

interface ToyModel {
  /** By GGUF name: matrices of deviation 1 / sqrt(K), gains of norms uniform in 0.8 to 1.2. */
  readonly weights: readonly NamedTensor[];
  readonly adapter: Adapter;
  readonly ids: readonly number[];
}

function drawToy(): ToyModel {
  const rng = new Rng(5);
  const weights = requiredTensors(CONFIG).map(({ name, shape }): NamedTensor => {
    const [N = 0, K] = shape;
    const draw = () => (K === undefined ? 0.8 + 0.4 * rng.next() : rng.normal() / Math.sqrt(K));
    return { name, shape, values: Float32Array.from({ length: N * (K ?? 1) }, draw) };
  });
  const fresh = freshAdapter(CONFIG, ADAPTER, 6, null);
  const matrices = [...fresh.matrices].map(([stem, { a, b }]) => {
    return [stem, { a, b: b.map(() => DEVIATION_B * rng.normal()) }] as const;
  });
  const ids = Array.from({ length: LENGTH }, () => rng.int(0, CONFIG.vocab - 1));
  return { weights, adapter: { ...fresh, matrices: new Map(matrices) }, ids };
}

/** Every token but the first is trained. */
function batchOf({ ids }: ToyModel): Batch {
  const sequence = { ids: [...ids], mask: ids.map((_id, t) => (t === 0 ? 0 : 1)), advantage: 0 };
  return { objective: { kind: 'sft', aggregate: 'token-mean' }, sequences: [sequence] };
}

function uploadModel(gpu: Gpu, { weights }: ToyModel) {
  const uploaded = new Map(
    weights.map(({ name, shape, values }) => [name, gpu.upload(name, shape, values)]),
  );
  const vector = (name: string) => defined(uploaded.get(name), name);
  const matrix = (name: string) => f32Matrix(vector(name));
  return assembleModel(gpu, CONFIG, { vector, matrix }, null);
}

/** Tensors that went in. */
function inputTensors({ weights, adapter, ids }: ToyModel): NamedTensor[] {
  const { rank } = adapter;
  const pairs = [...adapter.matrices].flatMap(([stem, { a, b }]): NamedTensor[] => [
    { name: `${stem}.A`, shape: [rank, a.length / rank], values: a },
    { name: `${stem}.B`, shape: [b.length / rank, rank], values: b },
  ]);
  return [
    ...weights,
    ...pairs,
    { name: 'rope', shape: [LENGTH, CONFIG.headDim / 2, 2], values: ropeTable(CONFIG, LENGTH) },
    { name: 'ids', shape: [LENGTH], values: Float32Array.from(ids) },
  ];
}

export interface ToyTraining {
  /**
   * A safetensors file. Weights have their GGUF names, adapter matrices and their gradients `STEM.A`, `STEM.A.gradient`;
   * `rope` (T, D/2, 2), `ids` (T) and `loss` (1). `config` and `adapter` are JSON in its metadata.
   */
  readonly numbers: Uint8Array<ArrayBuffer>;
  /** Loss and gradients, without an optimiser. */
  step(): Promise<unknown>;
  /** The forward pass alone: log-probabilities of the one sequence. */
  forward(): Promise<number[][]>;
  /** Loss and gradients of a group of 8 completions of 64 tokens: its prompt of 64 computed once, or with each completion. */
  group: { shared(): Promise<unknown>; apart(): Promise<unknown> };
  free(): void;
}

/** Makes the toy ready on a device and takes its first step. */
export async function openToy(gpu: Gpu): Promise<ToyTraining> {
  const toy = drawToy();
  const batch = batchOf(toy);
  const model = uploadModel(gpu, toy);
  const target = adapterTarget(gpu, model, toy.adapter);
  const optimiser = experimentSchema.shape.optimiser.parse({ learningRate: 1e-4 });
  const trainer = new GpuTrainer(gpu, target, { optimiser });
  const { loss } = await trainer.accumulate(batch);
  const keeping = { optimiser, checkpoints: 'all' } as const;
  const groups = [true, false].map((share) => new GpuTrainer(gpu, target, { ...keeping, share }));
  const [shared, apart] = groups.map((each) => () => each.accumulate(groupBatch()));
  const gradients = await gradientTensors(target);
  const results = [
    ...gradients.map(({ name, ...rest }) => ({ name: `${name}.gradient`, ...rest })),
    { name: 'loss', shape: [1], values: Float32Array.of(loss) },
  ];
  const sizes = { config: JSON.stringify(CONFIG), adapter: JSON.stringify(ADAPTER) };
  return {
    numbers: writeSafetensors([...inputTensors(toy), ...results], sizes),
    step: () => trainer.accumulate(batch),
    forward: () => trainer.policyLogprobs(batch.sequences),
    group: { shared: defined(shared, 'shared'), apart: defined(apart, 'apart') },
    free: () => {
      for (const each of groups) each.freeWorkspace();
      trainer.free();
      freeModel(gpu, model);
    },
  };
}
