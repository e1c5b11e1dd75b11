// A model's weights on the GPU: uploaded from a GGUF as they are stored, or as views of a trainer's flat F32 buffer.

import { ModelFileError } from '../base/errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { type GpuTensor, sizeOf } from '../gpu/tensor.ts';
import { ropeTable } from '../kernels/qk-norm-rope.ts';
import { tensorsOf, type WeightMatrix } from '../kernels/weight-matrix.ts';
import type { ModelConfig } from '../weights/model-config.ts';

export interface LayerWeights {
  readonly attnNorm: GpuTensor;
  readonly q: WeightMatrix;
  readonly k: WeightMatrix;
  readonly v: WeightMatrix;
  readonly o: WeightMatrix;
  /** (H·D), (G·D), (G·D); null in models without them. */
  readonly qBias: GpuTensor | null;
  readonly kBias: GpuTensor | null;
  readonly vBias: GpuTensor | null;
  /** (D) of the query and key norms; null in models without them. */
  readonly qNorm: GpuTensor | null;
  readonly kNorm: GpuTensor | null;
  readonly ffnNorm: GpuTensor;
  readonly gate: WeightMatrix;
  readonly up: WeightMatrix;
  readonly down: WeightMatrix;
  /** The same weights side by side, for decoding; null where they lie apart. */
  readonly joined: JoinedWeights | null;
}

export interface JoinedWeights {
  /** Rows of q, then k, then v of one matrix, in as few parts as their formats allow. */
  readonly qkv: readonly WeightMatrix[];
  /** ((H + 2 G)·D); null in models without biases. */
  readonly qkvBias: GpuTensor | null;
  /** (2, D): gains of the query norm, then of the key norm; null in models without them. */
  readonly qkNorms: GpuTensor | null;
  /** Rows of the gate, then of up. */
  readonly gateUp: WeightMatrix;
}

export interface Model {
  readonly config: ModelConfig;
  readonly embed: WeightMatrix;
  readonly layers: readonly LayerWeights[];
  readonly outputNorm: GpuTensor;
  /** The embedding itself in a tied model. */
  readonly head: WeightMatrix;
  /** (P, D/2, 2) cosines and sines for every position of the context. */
  readonly cosSin: GpuTensor;
  /** SHA-256 of the file, or null for weights that came from none. */
  readonly hash: string | null;
}

/** Where a model's tensors come from when it is assembled. */
export interface WeightSource {
  /** (D/2) of Llama 3's frequencies; asked for only when the model has them. */
  readonly ropeFactors?: Float32Array | undefined;
  vector(name: string): GpuTensor;
  matrix(name: string): WeightMatrix;
  /** Of layer l, where the parts lie together. */
  joined?(l: number): JoinedWeights | null;
}

/** Longest context that a rope table and KV cache are made for, tokens. */
const MAX_POSITIONS = 32768;

/** Puts named weights into the shape of a model. */
export function assembleModel(
  gpu: Gpu,
  config: ModelConfig,
  source: WeightSource,
  hash: string | null,
): Model {
  const embed = source.matrix('token_embd.weight');
  const layers = Array.from({ length: config.layers }, (_, l): LayerWeights => {
    const vector = (stem: string) => source.vector(`blk.${l}.${stem}.weight`);
    const matrix = (stem: string) => source.matrix(`blk.${l}.${stem}.weight`);
    const bias = (stem: string) => (config.qkvBias ? source.vector(`blk.${l}.${stem}.bias`) : null);
    return {
      attnNorm: vector('attn_norm'),
      q: matrix('attn_q'),
      k: matrix('attn_k'),
      v: matrix('attn_v'),
      o: matrix('attn_output'),
      qBias: bias('attn_q'),
      kBias: bias('attn_k'),
      vBias: bias('attn_v'),
      qNorm: config.qkNorm ? vector('attn_q_norm') : null,
      kNorm: config.qkNorm ? vector('attn_k_norm') : null,
      ffnNorm: vector('ffn_norm'),
      gate: matrix('ffn_gate'),
      up: matrix('ffn_up'),
      down: matrix('ffn_down'),
      joined: source.joined?.(l) ?? null,
    };
  });
  const positions = ropePositions(config);
  const table = ropeTable(config, positions, source.ropeFactors);
  return {
    config,
    embed,
    layers,
    outputNorm: source.vector('output_norm.weight'),
    head: config.tied ? embed : source.matrix('output.weight'),
    cosSin: gpu.upload('rope', [positions, config.headDim / 2, 2], table),
    hash,
  };
}

/** Positions of a model's table of rotations. */
export function ropePositions(config: ModelConfig): number {
  return Math.min(config.contextLength, MAX_POSITIONS);
}

/** Every tensor that a model holds, each once. */
function tensorsOfModel(model: Model): Set<GpuTensor> {
  const layers = model.layers.flatMap(({ joined, ...own }) => [
    ...Object.values(own),
    ...Object.values(joined ?? {}).flat(),
  ]);
  const weights = [model.outputNorm, model.embed, model.head, ...layers];
  return new Set(
    weights.flatMap((weight) => {
      if (weight === null) return [];
      return 'format' in weight ? tensorsOf(weight) : [weight];
    }),
  );
}

/** The matrices of all layers, in order; the head is not among them. */
export function layerMatrices({ layers }: Model): WeightMatrix[] {
  return layers.flatMap(({ q, k, v, o, gate, up, down }) => [q, k, v, o, gate, up, down]);
}

/** Frees everything a model holds. */
export function freeModel(gpu: Gpu, model: Model): void {
  const tensors = [...tensorsOfModel(model), model.cosSin];
  const buffers = new Map(tensors.map((tensor) => [tensor.buffer, tensor]));
  gpu.free(...buffers.values());
}

/** Bytes of a model's weights on the GPU. */
export function modelBytes(model: Model): number {
  return [...tensorsOfModel(model)].reduce((sum, tensor) => sum + sizeOf(tensor) * 4, 0);
}

/**
 * Checks that token ids exist in a model.
 * @throws {ModelFileError} naming the first that does not.
 */
export function assertIds(ids: readonly number[], config: ModelConfig, where: string): void {
  for (const id of ids) {
    if (!Number.isInteger(id) || id < 0 || id >= config.vocab) {
      throw new ModelFileError(
        'token-range',
        `${where}: token id ${id} is out of range, this model has ids 0 to ${config.vocab - 1}`,
      );
    }
  }
}
