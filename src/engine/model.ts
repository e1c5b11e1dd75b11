// A model's weights on the GPU: uploaded from a GGUF as they are stored, or as views of a trainer's flat F32 buffer.

import { defined } from '../base/assert.ts';
import { ModelFileError } from '../base/errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { type GpuTensor, sizeOf } from '../gpu/tensor.ts';
import { ropeTable } from '../kernels/qk-norm-rope.ts';
import { uploadF32Matrix, uploadQ8Matrix, type WeightMatrix } from '../kernels/weight-matrix.ts';
import type { GgufFile } from '../weights/gguf.ts';
import { type ModelConfig, modelConfig, requiredTensors } from '../weights/model-config.ts';
import { dequantize } from '../weights/quant.ts';

export interface LayerWeights {
  readonly attnNorm: GpuTensor;
  readonly q: WeightMatrix;
  readonly k: WeightMatrix;
  readonly v: WeightMatrix;
  readonly o: WeightMatrix;
  /** (D) of the query and key norms; null in models without them. */
  readonly qNorm: GpuTensor | null;
  readonly kNorm: GpuTensor | null;
  readonly ffnNorm: GpuTensor;
  readonly gate: WeightMatrix;
  readonly up: WeightMatrix;
  readonly down: WeightMatrix;
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
  vector(name: string): GpuTensor;
  matrix(name: string): WeightMatrix;
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
    return {
      attnNorm: vector('attn_norm'),
      q: matrix('attn_q'),
      k: matrix('attn_k'),
      v: matrix('attn_v'),
      o: matrix('attn_output'),
      qNorm: config.qkNorm ? vector('attn_q_norm') : null,
      kNorm: config.qkNorm ? vector('attn_k_norm') : null,
      ffnNorm: vector('ffn_norm'),
      gate: matrix('ffn_gate'),
      up: matrix('ffn_up'),
      down: matrix('ffn_down'),
    };
  });
  const positions = Math.min(config.contextLength, MAX_POSITIONS);
  const table = ropeTable(config, positions);
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

/**
 * Uploads a model file; matrices keep their format, vectors are F32.
 * @throws {ModelFileError} for a file that is not whole or not usable, DeviceError when it does not fit.
 */
export async function loadModel(gpu: Gpu, file: GgufFile, hash: string | null): Promise<Model> {
  const config = modelConfig(file);
  const vectors = new Map<string, GpuTensor>();
  const matrices = new Map<string, WeightMatrix>();
  for (const { name, shape } of requiredTensors(config)) {
    const { type } = file.tensor(name);
    const bytes = await file.readTensor(name);
    const [N = 0, K] = shape;
    if (K === undefined) vectors.set(name, gpu.upload(name, [N], dequantize(type, bytes)));
    else if (type === 'Q8_0') matrices.set(name, uploadQ8Matrix(gpu, name, N, K, bytes));
    else matrices.set(name, uploadF32Matrix(gpu, name, N, K, dequantize(type, bytes)));
  }
  const source = {
    vector: (name: string) => defined(vectors.get(name), name),
    matrix: (name: string) => defined(matrices.get(name), name),
  };
  return assembleModel(gpu, config, source, hash);
}

/** All weights of a file as F32 values, by name: what `full` training starts from. */
export async function readAllF32(file: GgufFile): Promise<Map<string, Float32Array<ArrayBuffer>>> {
  const values = new Map<string, Float32Array<ArrayBuffer>>();
  for (const { name } of requiredTensors(modelConfig(file))) {
    values.set(name, dequantize(file.tensor(name).type, await file.readTensor(name)));
  }
  return values;
}

/** Frees everything a model holds. */
export function freeModel(gpu: Gpu, model: Model): void {
  const tensors = new Set<GpuTensor>([model.outputNorm, model.cosSin]);
  const addMatrix = (matrix: WeightMatrix) => {
    tensors.add(matrix.w);
    if (matrix.format === 'Q8_0') tensors.add(matrix.scale);
  };
  addMatrix(model.embed);
  addMatrix(model.head);
  for (const layer of model.layers) {
    for (const weight of Object.values(layer)) {
      if (weight === null) continue;
      if ('format' in weight) addMatrix(weight);
      else tensors.add(weight);
    }
  }
  const buffers = new Map([...tensors].map((tensor) => [tensor.buffer, tensor]));
  gpu.free(...buffers.values());
}

/** Bytes of a model's weights on the GPU. */
export function modelBytes(model: Model): number {
  let bytes = sizeOf(model.outputNorm) * 4;
  const add = (weight: WeightMatrix | GpuTensor | null) => {
    if (weight === null) return;
    if (!('format' in weight)) bytes += sizeOf(weight) * 4;
    else bytes += sizeOf(weight.w) * 4 + (weight.format === 'Q8_0' ? sizeOf(weight.scale) * 4 : 0);
  };
  add(model.embed);
  if (model.head !== model.embed) add(model.head);
  for (const layer of model.layers) for (const weight of Object.values(layer)) add(weight);
  return bytes;
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
