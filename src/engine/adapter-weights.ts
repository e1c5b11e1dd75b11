// A LoRA adapter on the GPU, unmerged: y += s · (x Aᵀ) Bᵀ beside the base weights.
import { type Adapter, adapterScale } from '../adapter/adapter.ts';
import type { LoraMatrices } from '../adapter/pairs.ts';
import { assert, defined } from '../base/assert.ts';
import type { Gpu } from '../gpu/device.ts';
import type { KernelPass } from '../gpu/pass.ts';
import type { GpuTensor } from '../gpu/tensor.ts';
import { encodeLinear } from '../kernels/linear.ts';
import { f32Matrix, tensorsOf, type WeightMatrix } from '../kernels/weight-matrix.ts';

export interface LoraPair {
  /** (Rp, K): rows past the rank are zero. */
  readonly a: WeightMatrix;
  /** (N, Rp): columns past the rank are zero. */
  readonly b: WeightMatrix;
}

export interface AdapterWeights {
  readonly rank: number;
  /** The rank rounded up to a multiple of 4, as the kernels need it. Padding stays zero under training. */
  readonly paddedRank: number;
  /** alpha / rank, or alpha / sqrt(rank) with rsLoRA. */
  readonly scale: number;
  readonly pairs: ReadonlyMap<string, LoraPair>;
}

export function paddedRank(rank: number): number {
  return Math.ceil(rank / 4) * 4;
}

/** A (R, K) with zero rows up to the padded rank. */
export function padA(a: Float32Array, rank: number): Float32Array<ArrayBuffer> {
  const K = a.length / rank;
  const out = new Float32Array(paddedRank(rank) * K);
  out.set(a);
  return out;
}

/** B (N, R) with zero columns up to the padded rank. */
export function padB(b: Float32Array, rank: number): Float32Array<ArrayBuffer> {
  const N = b.length / rank;
  const padded = paddedRank(rank);
  const out = new Float32Array(N * padded);
  for (let n = 0; n < N; n++) out.set(b.subarray(n * rank, (n + 1) * rank), n * padded);
  return out;
}

/** Takes the padding off again. */
export function unpad(a: Float32Array, b: Float32Array, rank: number): LoraMatrices {
  const padded = paddedRank(rank);
  const K = a.length / padded;
  const N = b.length / padded;
  const outB = new Float32Array(N * rank);
  for (let n = 0; n < N; n++) outB.set(b.subarray(n * padded, n * padded + rank), n * rank);
  return { a: a.slice(0, rank * K), b: outB };
}

/** Uploads an adapter that fits its model, for inference. */
export function uploadAdapter(gpu: Gpu, adapter: Adapter): AdapterWeights {
  assert(adapter.rows === 'gguf', `an adapter with rows as ${adapter.rows} has`);
  const padded = paddedRank(adapter.rank);
  const pairs = new Map<string, LoraPair>();
  for (const [stem, { a, b }] of adapter.matrices) {
    const aShape = [padded, a.length / adapter.rank];
    const bShape = [b.length / adapter.rank, padded];
    pairs.set(stem, {
      a: f32Matrix(gpu.upload(`${stem}.lora_a`, aShape, padA(a, adapter.rank))),
      b: f32Matrix(gpu.upload(`${stem}.lora_b`, bShape, padB(b, adapter.rank))),
    });
  }
  return { rank: adapter.rank, paddedRank: padded, scale: adapterScale(adapter), pairs };
}

/** Frees an adapter that {@link uploadAdapter} made. */
export function freeAdapter(gpu: Gpu, adapter: AdapterWeights): void {
  for (const { a, b } of adapter.pairs.values()) gpu.free(...tensorsOf(a), ...tensorsOf(b));
}

export interface ProjectionArgs {
  /** (M, K) */
  readonly x: GpuTensor;
  readonly w: WeightMatrix;
  /** (M, N) */
  readonly y: GpuTensor;
  /** GGUF stem of the projection, such as `blk.0.attn_q`. */
  readonly stem: string;
  readonly adapter: AdapterWeights | null;
  /** (M, Rp), written with x Aᵀ; needed with an adapter. */
  readonly t: GpuTensor | null;
  /** Add to y. */
  readonly accumulate?: boolean;
  /** (N) */
  readonly bias?: GpuTensor | null;
  /** (M), a factor of the rows of x that is taken behind the products. */
  readonly rowScale?: GpuTensor | null;
}

/** y = x wᵀ (+ bias) (+ y), with the adapter's part when it has this projection. */
export function encodeProjection(pass: KernelPass, args: ProjectionArgs): void {
  const { x, w, y, stem, adapter, t, accumulate = false, bias = null, rowScale = null } = args;
  encodeLinear(pass, { x, w, y, accumulate, bias, rowScale });
  const pair = adapter?.pairs.get(stem);
  if (adapter === null || pair === undefined) return;
  const low = defined(t, `${stem} scratch`);
  encodeLinear(pass, { x, w: pair.a, y: low, rowScale });
  encodeLinear(pass, { x: low, w: pair.b, y, scale: adapter.scale, accumulate: true });
}
