// A model file on its way to the device: tensors are read and uploaded piece by piece, and stay as they are stored.

import { assert, defined } from '../base/assert.ts';
import type { Gpu } from '../gpu/device.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import {
  amongRows,
  bytesOfRow,
  rowsOf,
  shardBytesOf,
  type WeightMatrix,
  WeightUpload,
} from '../kernels/weight-matrix.ts';
import { isUsable } from '../weights/ggml-types.ts';
import type { GgufFile } from '../weights/gguf.ts';
import { type ModelConfig, modelConfig, requiredTensors } from '../weights/model-config.ts';
import { dequantize } from '../weights/quant.ts';
import { assembleModel, type JoinedWeights, type Model, type WeightSource } from './model.ts';

/** Bytes of all tensors together that may wait in host memory for the device. */
const UNSENT_BYTES = 64 * 1024 * 1024;
/** Bytes of a tensor that are read and uploaded at once. */
const PIECE_BYTES = 8 * 1024 * 1024;

export interface LoadOptions {
  /** Largest binding that weights are cut to; by default what the device takes. */
  readonly shardBytes?: number;
  readonly onProgress?: (loadedBytes: number, totalBytes: number) => void;
}

/**
 * Uploads a model file piece by piece; matrices keep their format, vectors are F32.
 * @throws {ModelFileError} for a file that is not whole or not usable, DeviceError when it does not fit.
 */
export async function loadModel(
  gpu: Gpu,
  file: GgufFile,
  hash: string | null,
  options: LoadOptions = {},
): Promise<Model> {
  const config = modelConfig(file);
  const loader = new ModelLoader(gpu, file, config, options);
  for (const { name, shape } of requiredTensors(config)) await loader.load(name, shape);
  return assembleModel(gpu, config, loader, hash);
}

/** Projections of a layer that read the same input. */
const LINES = [
  ['attn_q', 'attn_k', 'attn_v'],
  ['ffn_gate', 'ffn_up'],
] as const;

/** Tensors on their way to the device. */
class ModelLoader implements WeightSource {
  ropeFactors: Float32Array | undefined;
  readonly #gpu: Gpu;
  readonly #file: GgufFile;
  readonly #config: ModelConfig;
  readonly #options: LoadOptions;
  readonly #vectors = new Map<string, GpuTensor>();
  readonly #values = new Map<string, Float32Array>();
  readonly #matrices = new Map<string, WeightMatrix>();
  /** What was loaded as one matrix, by the name of its first tensor. */
  readonly #wholes = new Map<string, WeightMatrix>();
  readonly #totalBytes: number;
  #loadedBytes = 0;
  #unsentBytes = 0;

  constructor(gpu: Gpu, file: GgufFile, config: ModelConfig, options: LoadOptions) {
    this.#gpu = gpu;
    this.#file = file;
    this.#config = config;
    this.#options = options;
    const sizes = requiredTensors(config).map(({ name }) => file.tensor(name).sizeBytes);
    this.#totalBytes = sizes.reduce((sum, size) => sum + size, 0);
  }

  vector(name: string): GpuTensor {
    return defined(this.#vectors.get(name), name);
  }

  matrix(name: string): WeightMatrix {
    return defined(this.#matrices.get(name), name);
  }

  joined(l: number): JoinedWeights | null {
    const { ffn, heads, kvHeads, headDim, qkvBias, qkNorm } = this.#config;
    const gateUp = this.#wholes.get(`blk.${l}.ffn_gate.weight`);
    if (gateUp?.N !== 2 * ffn) return null;
    const rows = (heads + 2 * kvHeads) * headDim;
    const biases = ['attn_q.bias', 'attn_k.bias', 'attn_v.bias'];
    const norms = ['attn_q_norm.weight', 'attn_k_norm.weight'];
    return {
      qkv: this.#qkv(l, rows),
      gateUp,
      qkvBias: qkvBias ? this.#side(l, biases, [rows]) : null,
      qkNorms: qkNorm ? this.#side(l, norms, [2, headDim]) : null,
    };
  }

  /** The matrices in which q, k and v were loaded, each among the rows of all three. */
  #qkv(l: number, rows: number): WeightMatrix[] {
    let first = 0;
    return LINES[0].flatMap((stem) => {
      const name = `blk.${l}.${stem}.weight`;
      const whole = this.#wholes.get(name);
      const from = first;
      first += this.matrix(name).N;
      return whole === undefined ? [] : [amongRows(whole, from, rows)];
    });
  }

  /** Vectors of a layer one after the other. */
  #side(l: number, stems: readonly string[], shape: readonly number[]): GpuTensor {
    const parts = stems.map((stem) => defined(this.#values.get(`blk.${l}.${stem}`), stem));
    const all = Float32Array.from(parts.flatMap((part) => [...part]));
    return this.#gpu.upload(`blk.${l}.${stems[0]}+`, shape, all);
  }

  async load(name: string, shape: readonly number[]): Promise<void> {
    if (shape.length === 1) await this.#loadVector(name);
    else if (!this.#matrices.has(name)) await this.#loadMatrices(this.#groupOf(name));
    this.#loadedBytes += this.#file.tensor(name).sizeBytes;
    this.#options.onProgress?.(this.#loadedBytes, this.#totalBytes);
  }

  async #loadVector(name: string): Promise<void> {
    const values = dequantize(this.#file.tensor(name).type, await this.#file.readTensor(name));
    this.#values.set(name, values);
    if (name === 'rope_freqs.weight') this.ropeFactors = values;
    else this.#vectors.set(name, this.#gpu.upload(name, [values.length], values));
  }

  /** The tensors that are loaded as one matrix with this one: the next in line of the same format, if small enough. */
  #groupOf(name: string): readonly string[] {
    const [, layer = '', stem = ''] = /^(blk\.\d+\.)(\w+)\.weight$/.exec(name) ?? [];
    const line = LINES.find((stems) => stems[0] === stem);
    if (line === undefined) return [name];
    const tensors = line.map((one) => this.#file.tensor(`${layer}${one}.weight`));
    const different = tensors.findIndex((tensor) => tensor.type !== tensors[0]?.type);
    const same = different < 0 ? tensors : tensors.slice(0, different);
    const bytes = same.reduce((sum, tensor) => sum + tensor.sizeBytes, 0);
    const most = this.#options.shardBytes ?? shardBytesOf(this.#gpu);
    // Parts begin at even rows, so that they begin at whole words whatever the format.
    const even = same.every(({ shape }) => (shape[0] ?? 0) % 2 === 0);
    return even && bytes <= most / 2 ? same.map((tensor) => tensor.name) : [name];
  }

  /** Uploads tensors one below the other as one matrix. */
  async #loadMatrices(names: readonly string[]): Promise<void> {
    const tensors = names.map((name) => this.#file.tensor(name));
    const { type, shape } = defined(tensors[0], 'a tensor');
    assert(isUsable(type), `${names[0]} has type ${type}`);
    const K = shape[1] ?? 0;
    const N = tensors.reduce((sum, tensor) => sum + (tensor.shape[0] ?? 0), 0);
    const { shardBytes } = this.#options;
    const upload = new WeightUpload(this.#gpu, names.join('+'), type, [N, K], shardBytes);
    let from = 0;
    for (const tensor of tensors) {
      const rows = tensor.shape[0] ?? 0;
      await this.#upload(upload, tensor.name, from, rows);
      this.#matrices.set(tensor.name, rowsOf(upload.matrix, from, rows));
      from += rows;
    }
    this.#wholes.set(defined(names[0], 'a name'), upload.matrix);
  }

  async #upload(upload: WeightUpload, name: string, first: number, N: number): Promise<void> {
    const { format, K } = upload.matrix;
    const rowBytes = bytesOfRow(format, K);
    const step = upload.rowStep;
    const rows = Math.max(step, Math.floor(PIECE_BYTES / rowBytes / step) * step);
    for (let from = 0; from < N; from += rows) {
      const bytes = Math.min(rows, N - from) * rowBytes;
      upload.rows(first + from, await this.#file.readPart(name, from * rowBytes, bytes));
      // What was written waits in host memory until the device has taken it.
      this.#unsentBytes += bytes;
      if (this.#unsentBytes < UNSENT_BYTES) continue;
      this.#unsentBytes = 0;
      await this.#gpu.idle();
    }
  }
}

/** All weights of a file as F32 values, by name: what `full` training starts from. */
export async function readAllF32(file: GgufFile): Promise<Map<string, Float32Array<ArrayBuffer>>> {
  const values = new Map<string, Float32Array<ArrayBuffer>>();
  for (const { name } of requiredTensors(modelConfig(file))) {
    values.set(name, dequantize(file.tensor(name).type, await file.readTensor(name)));
  }
  return values;
}
