// The two things that can be trained: an adapter over fixed weights, and all weights.
import { type Adapter, adapterScale, writeAdapter } from '../adapter/adapter.ts';
import { withRows } from '../adapter/head-rows.ts';
import { assert } from '../base/assert.ts';
import { InputError } from '../base/errors.ts';
import { Rng } from '../base/rng.ts';
import { type AdapterWeights, padA, padB, paddedRank, unpad } from '../engine/adapter-weights.ts';
import { assembleModel, type Model } from '../engine/model.ts';
import type { Gpu } from '../gpu/device.ts';
import { f32Matrix } from '../kernels/weight-matrix.ts';
import { type GgufFile, joinBytes, writeGguf } from '../weights/gguf.ts';
import {
  type ModelConfig,
  PROJECTIONS,
  type Projection,
  projectionShape,
  requiredTensors,
} from '../weights/model-config.ts';
import { f32Bytes } from '../weights/quant.ts';
import { quantizeQ8 } from '../weights/quantize.ts';
import { type ParameterInit, Parameters } from './parameters.ts';
import type { TrainTarget } from './trainer.ts';

/** A fresh adapter's sizes; without `targets` it has all seven projections of every layer. */
export interface FreshAdapter {
  readonly rank: number;
  readonly alpha: number;
  readonly targets?: readonly Projection[] | undefined;
  /** Scaled by alpha / sqrt(rank) in place of alpha / rank. */
  readonly rslora?: boolean | undefined;
}

/** Matrices of a fresh adapter: A uniform in ±1/sqrt(K) as PEFT (kaiming, a = sqrt 5), B zero. */
export function freshAdapter(
  config: ModelConfig,
  { rank, alpha, targets = PROJECTIONS, rslora = false }: FreshAdapter,
  seed: number,
  baseModelHash: string | null,
): Adapter {
  const rng = new Rng(seed);
  const matrices = new Map<
    string,
    { a: Float32Array<ArrayBuffer>; b: Float32Array<ArrayBuffer> }
  >();
  for (let l = 0; l < config.layers; l++) {
    for (const name of PROJECTIONS.filter((one) => targets.includes(one))) {
      const [N, K] = projectionShape(config, name);
      if (rank > Math.min(N, K)) {
        throw new InputError(
          'rank',
          `adapter: got rank ${rank}, but blk.${l}.${name} is ${N} x ${K}; choose a rank of at most ${Math.min(N, K)}`,
        );
      }
      const bound = 1 / Math.sqrt(K);
      const a = Float32Array.from({ length: rank * K }, () => (2 * rng.next() - 1) * bound);
      matrices.set(`blk.${l}.${name}`, { a, b: new Float32Array(N * rank) });
    }
  }
  const { architecture } = config;
  return { rank, alpha, rslora, baseModelHash, architecture, rows: 'gguf', matrices };
}

/** Trains an adapter over a model whose own weights stay. */
export function adapterTarget(
  gpu: Gpu,
  model: Model,
  adapter: Adapter,
): TrainTarget & { adapter: AdapterWeights } {
  const { rank, rows } = adapter;
  assert(rows === 'gguf', `an adapter with rows as ${rows} has`);
  const padded = paddedRank(rank);
  const inits: ParameterInit[] = [];
  for (const [stem, { a, b }] of adapter.matrices) {
    const shapeA = [padded, a.length / rank];
    const shapeB = [b.length / rank, padded];
    inits.push({ name: `${stem}.lora_a`, shape: shapeA, values: padA(a, rank), decay: true });
    inits.push({ name: `${stem}.lora_b`, shape: shapeB, values: padB(b, rank), decay: true });
  }
  const parameters = new Parameters(gpu, inits);
  const pairs = new Map(
    [...adapter.matrices.keys()].map((stem) => [
      stem,
      {
        a: f32Matrix(parameters.weight(`${stem}.lora_a`)),
        b: f32Matrix(parameters.weight(`${stem}.lora_b`)),
      },
    ]),
  );
  return {
    model,
    adapter: { rank, paddedRank: padded, scale: adapterScale(adapter), pairs },
    parameters,
    exportWeights: async () => {
      const matrices: [string, ReturnType<typeof unpad>][] = [];
      for (const stem of adapter.matrices.keys()) {
        const a = await parameters.read('w', `${stem}.lora_a`);
        const b = await parameters.read('w', `${stem}.lora_b`);
        matrices.push([stem, unpad(a, b, rank)]);
      }
      const trained = { ...adapter, baseModelHash: model.hash, matrices: new Map(matrices) };
      // As PEFT has them, where that is another order.
      const order = model.config.interleavedRope ? 'hugging-face' : 'gguf';
      const ordered = withRows(trained, order, model.config);
      return writeAdapter(ordered, { baseModel: model.hash ?? 'unnamed' });
    },
  };
}

/** Trains all weights, in F32. `metadata` goes into the GGUF that is written. */
export function fullTarget(
  gpu: Gpu,
  config: ModelConfig,
  values: ReadonlyMap<string, Float32Array>,
  metadata: GgufFile['metadata'],
  output: 'F32' | 'Q8_0',
): TrainTarget {
  if (config.architecture !== 'qwen3') {
    throw new InputError(
      'architecture',
      `train: all weights of ${config.architecture} models cannot be trained, only of qwen3; train an adapter`,
    );
  }
  const tensors = requiredTensors(config);
  const parameters = new Parameters(
    gpu,
    tensors.map(({ name, shape }) => ({
      name,
      shape,
      values: values.get(name) ?? missing(name),
      decay: shape.length === 2,
    })),
  );
  const source = {
    vector: (name: string) => parameters.weight(name),
    matrix: (name: string) => f32Matrix(parameters.weight(name)),
  };
  return {
    model: assembleModel(gpu, config, source, null),
    adapter: null,
    parameters,
    exportWeights: async () => {
      const written = [];
      for (const { name, shape } of tensors) {
        const weights = Float32Array.from(await parameters.read('w', name));
        const type = shape.length === 2 ? output : 'F32';
        const bytes = type === 'F32' ? f32Bytes(weights) : quantizeQ8(weights);
        written.push({ name, shape, type, bytes } as const);
      }
      return { 'model.gguf': joinBytes(writeGguf({ metadata, tensors: written })) };
    },
  };
}

function missing(name: string): never {
  throw new InputError('weights', `train: no values for ${name}; give a file or initialise it`);
}

/** A gradient as it is exchanged: without the padding of the rank. */
export interface GradientTensor {
  readonly name: string;
  /** GGUF stem of an adapter matrix, or the GGUF name of a weight. */
  readonly stem: string;
  readonly matrix: 'A' | 'B' | null;
  readonly shape: readonly number[];
  readonly values: Float32Array<ArrayBuffer>;
}

/** The gradients at hand of everything that a target trains. */
export async function gradientTensors(target: TrainTarget): Promise<GradientTensor[]> {
  const { parameters, adapter } = target;
  const read = async (name: string) => Float32Array.from(await parameters.read('g', name));
  if (adapter === null) {
    const list = parameters.names.map(async (name): Promise<GradientTensor> => {
      const { shape } = parameters.weight(name);
      return { name, stem: name, matrix: null, shape, values: await read(name) };
    });
    return await Promise.all(list);
  }
  const list = [...adapter.pairs.keys()].map(async (stem): Promise<GradientTensor[]> => {
    const padded = { a: await read(`${stem}.lora_a`), b: await read(`${stem}.lora_b`) };
    const { a, b } = unpad(padded.a, padded.b, adapter.rank);
    const { rank } = adapter;
    const shapes = { A: [rank, a.length / rank], B: [b.length / rank, rank] };
    return [
      { name: `${stem}.A`, stem, matrix: 'A', shape: shapes.A, values: a },
      { name: `${stem}.B`, stem, matrix: 'B', shape: shapes.B, values: b },
    ];
  });
  return (await Promise.all(list)).flat();
}
