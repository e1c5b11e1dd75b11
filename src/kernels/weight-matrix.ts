// A weight matrix on the GPU in one of the formats that the matrix kernels read, in shards of whole rows.
import { assert } from '../base/assert.ts';
import { ShapeError } from '../base/errors.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Condition } from '../gpu/shaders.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { typeOfName, type UsableType } from '../weights/ggml-types.ts';
import { planeSpan, planeWords, repack } from '../weights/planes.ts';

/** Rows `first` to `first + N - 1` of a matrix: rows `base` and following of a buffer. */
export interface WeightShard {
  readonly first: number;
  readonly N: number;
  readonly base: number;
  /** Rows in the buffer. */
  readonly W: number;
  /** F32: (W, K). Else 4-byte words, laid out as src/weights/planes.ts says. */
  readonly w: GpuTensor;
  readonly scale: GpuTensor | null;
}

/** (N rows, K reduced axis). No shard is larger than a binding can be. */
export interface WeightMatrix {
  readonly format: UsableType;
  readonly N: number;
  readonly K: number;
  readonly shards: readonly WeightShard[];
}

const CONDITIONS: Readonly<Record<UsableType, readonly Condition[]>> = {
  F32: [],
  F16: ['w_f16'],
  BF16: ['w_bf16'],
  Q8_0: ['scaled', 'q8_0'],
  Q4_0: ['scaled', 'q4_0'],
  Q4_K: ['scaled', 'q4_k'],
  Q5_K: ['scaled', 'q5_k'],
  Q6_K: ['scaled', 'q6_k'],
};

/** An F32 matrix over a tensor (N, K). */
export function f32Matrix(w: GpuTensor): WeightMatrix {
  const [N = 0, K = 0] = w.shape;
  return { format: 'F32', N, K, shards: [{ first: 0, N, base: 0, W: N, w, scale: null }] };
}

/** Rows `first` to `first + N - 1` of a matrix, as a matrix over the same buffers. */
export function rowsOf(matrix: WeightMatrix, first: number, N: number): WeightMatrix {
  assert(first >= 0 && first + N <= matrix.N, `rows ${first} to ${first + N} of ${matrix.N}`);
  const shards = matrix.shards.flatMap((shard): WeightShard[] => {
    const low = Math.max(first, shard.first);
    const high = Math.min(first + N, shard.first + shard.N);
    if (low >= high) return [];
    const base = shard.base + low - shard.first;
    return [{ ...shard, first: low - first, N: high - low, base }];
  });
  return { ...matrix, N, shards };
}

/** A matrix as rows `first` and following of one with `N` rows whose other rows are not there: products leave them out. */
export function amongRows(matrix: WeightMatrix, first: number, N: number): WeightMatrix {
  const shards = matrix.shards.map((shard) => ({ ...shard, first: shard.first + first }));
  return { ...matrix, N, shards };
}

/** A larger binding than this is never made, whatever the device allows: drivers fail near 2 GiB. */
const MAX_SHARD_BYTES = 2 ** 30;

/** Bytes of the largest shard on a device. */
export function shardBytesOf(gpu: Gpu): number {
  return Math.min(gpu.caps.limits.maxStorageBufferBindingSize, MAX_SHARD_BYTES);
}

/** An empty matrix to be filled by {@link WeightUpload.rows}; its rows are cut into shards of at most `shardBytes`. */
export class WeightUpload {
  readonly matrix: WeightMatrix;
  readonly #gpu: Gpu;

  /** @throws {ShapeError} for rows that are longer than a shard. */
  constructor(
    gpu: Gpu,
    label: string,
    format: UsableType,
    [N, K]: readonly [number, number],
    shardBytes = shardBytesOf(gpu),
  ) {
    this.#gpu = gpu;
    const step = rowStep(format, K);
    const rowBytes = wordsOf(format, step * K).w * 4;
    const rows = Math.floor(shardBytes / rowBytes) * step;
    if (rows === 0) {
      throw new ShapeError(
        'shard',
        `${label}: ${step} rows of ${K} need ${rowBytes} bytes, a shard has ${shardBytes}`,
      );
    }
    const shards: WeightShard[] = [];
    for (let first = 0; first < N; first += rows) {
      const count = Math.min(rows, N - first);
      const words = wordsOf(format, count * K);
      const shape = format === 'F32' ? [count, K] : [words.w];
      const w = gpu.tensor(label, shape, format === 'F32' ? 'f32' : 'u32');
      const scale = words.scale > 0 ? gpu.tensor(`${label}.scale`, [words.scale], 'u32') : null;
      shards.push({ first, N: count, base: 0, W: count, w, scale });
    }
    this.matrix = { format, N, K, shards };
  }

  /** Pieces of rows begin at multiples of this many rows. */
  get rowStep(): number {
    return rowStep(this.matrix.format, this.matrix.K);
  }

  /** Uploads whole rows in the stored encoding; `from` is a multiple of {@link rowStep}. */
  rows(from: number, bytes: Uint8Array<ArrayBuffer>): void {
    const { format, N, K, shards } = this.matrix;
    const rowBytes = bytesOfRow(format, K);
    const until = from + bytes.length / rowBytes;
    assert(Number.isInteger(until) && until <= N, `rows ${from} to ${until} of ${N}`);
    for (const shard of shards) {
      const low = Math.max(from, shard.first);
      const high = Math.min(until, shard.first + shard.N);
      if (low >= high) continue;
      const part = bytes.subarray((low - from) * rowBytes, (high - from) * rowBytes);
      this.#shard(shard, (low - shard.first) * K, part);
    }
  }

  #shard(shard: WeightShard, first: number, bytes: Uint8Array<ArrayBuffer>): void {
    const { format, K } = this.matrix;
    if (format === 'F32') {
      // A copy where the bytes do not begin at a word.
      const own = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
      const values = new Float32Array(own.buffer, own.byteOffset, own.length / 4);
      this.#gpu.write(shard.w, values, first);
      return;
    }
    for (const { plane, at, words } of repack(format, bytes, first, shard.N * K)) {
      const to = plane === 'w' ? shard.w : shard.scale;
      assert(to !== null, `${format} without a scale plane`);
      this.#gpu.write(to, words, at);
    }
  }
}

/** Rows that fill whole words of every plane. */
function rowStep(format: UsableType, K: number): number {
  if (format === 'F32') return 1;
  let step = 1;
  while ((step * K) % planeSpan(format) !== 0) step += 1;
  return step;
}

function wordsOf(format: UsableType, count: number): { w: number; scale: number } {
  return format === 'F32' ? { w: count, scale: 0 } : planeWords(format, count);
}

/** Bytes of a row of K values in the stored encoding. */
export function bytesOfRow(format: UsableType, K: number): number {
  const type = typeOfName(format);
  assert(type !== null, format);
  return (K / type.block) * type.bytes;
}

/** Uploads a whole matrix in its stored encoding. */
export function uploadMatrix(
  gpu: Gpu,
  label: string,
  format: UsableType,
  shape: readonly [number, number],
  bytes: Uint8Array<ArrayBuffer>,
  shardBytes?: number,
): WeightMatrix {
  const upload = new WeightUpload(gpu, label, format, shape, shardBytes);
  upload.rows(0, bytes);
  return upload.matrix;
}

/** Parameters of a product of M rows by a shard: y or dy has rows of Y, of which the shard has N from `first` on. */
export const SHARD_PARAMS = {
  M: 'u32',
  N: 'u32',
  K: 'u32',
  Y: 'u32',
  first: 'u32',
  base: 'u32',
  W: 'u32',
} as const;

/** Values of {@link SHARD_PARAMS}. */
export function shardParams(M: number, matrix: WeightMatrix, { N, first, base, W }: WeightShard) {
  return { M, N, K: matrix.K, Y: matrix.N, first, base, W };
}

/** Operations in which a weight is read, beside its part of a product: memory is slower than arithmetic. */
const READ_WORK = 16;

/** Operations of a product of M rows with `count` weights. */
export function productWork(M: number, count: number): number {
  return count * (2 * M + READ_WORK);
}

/** Pieces of a shard begin at multiples of this many rows: what a workgroup of any product takes. */
const PIECE_ROWS = 256;

/**
 * The shards of a matrix in pieces of rows with which a product of M rows is at most `most` operations, as far as rows can be
 * cut. Rows do not depend on each other, so the product has the same bits.
 */
export function piecesOf({ shards, K }: WeightMatrix, M: number, most: number): WeightShard[] {
  const fitting = Math.floor(most / productWork(M, K) / PIECE_ROWS) * PIECE_ROWS;
  const rows = Math.max(PIECE_ROWS, fitting);
  return shards.flatMap((shard) => {
    const pieces: WeightShard[] = [];
    for (let at = 0; at < shard.N; at += rows) {
      const N = Math.min(rows, shard.N - at);
      pieces.push({ ...shard, first: shard.first + at, base: shard.base + at, N });
    }
    return pieces;
  });
}

/** The tensors of a shard by their binding names. */
export function shardBindings({ w, scale }: WeightShard): Record<string, GpuTensor> {
  return scale === null ? { w } : { w, w_scale: scale };
}

/** The conditions of a matrix' format. */
export function formatConditions({ format }: WeightMatrix): readonly Condition[] {
  return CONDITIONS[format];
}

/** Whether weights are stored in blocks with scales. */
export function isScaled(matrix: WeightMatrix): boolean {
  return formatConditions(matrix).includes('scaled');
}

/** Every tensor behind a matrix. */
export function tensorsOf(matrix: WeightMatrix): GpuTensor[] {
  return matrix.shards.flatMap(({ w, scale }) => (scale === null ? [w] : [w, scale]));
}
