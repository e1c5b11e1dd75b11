// RMS norm of every head's query or key, then rotary position embedding;
// forward and backward. Knows no model.
import { InputError } from '../base/errors.ts';
import type { KernelPass } from '../gpu/pass.ts';
import { kernel } from '../gpu/pipeline.ts';
import { assertShape, type GpuTensor, shape3 } from '../gpu/tensor.ts';
import { groupsFor, ROW_CHUNKS } from './launch.ts';
import { encodeSumChunks } from './rms-norm.ts';

const QK_NORM_ROPE = kernel({
  file: 'attention/qk_norm_rope',
  params: { N: 'u32', H: 'u32', D: 'u32', eps: 'f32' },
  reads: ['x', 'w?norm', 'cosSin', 'positions'],
  writes: ['y', 'rstd?norm'],
});

const QK_NORM_ROPE_GRAD = kernel({
  file: 'attention/qk_norm_rope_grad',
  params: { N: 'u32', H: 'u32', D: 'u32' },
  reads: ['dy', 'x?norm', 'w?norm', 'rstd?norm', 'cosSin', 'positions'],
  writes: ['dx'],
});

const QK_NORM_WEIGHT_GRAD = kernel({
  file: 'attention/qk_norm_weight_grad',
  params: { N: 'u32', H: 'u32', D: 'u32', chunkRows: 'u32' },
  reads: ['dy', 'x', 'rstd', 'cosSin', 'positions'],
  writes: ['partial'],
});

/**
 * Cosines and sines of RoPE, computed in f64 and rounded once.
 * @returns (positions, D/2, 2): at (p, i) the cosine and sine of p · theta^(−2i/D).
 * @throws {InputError} for an odd head size.
 */
export function ropeTable(
  config: { readonly headDim: number; readonly ropeTheta: number },
  positions: number,
): Float32Array<ArrayBuffer> {
  const { headDim, ropeTheta } = config;
  if (headDim % 2 !== 0) {
    throw new InputError(
      'rope',
      `rope: got head size ${headDim}, need an even one; choose another model`,
    );
  }
  const half = headDim / 2;
  const table = new Float32Array(positions * headDim);
  for (let p = 0; p < positions; p++) {
    for (let i = 0; i < half; i++) {
      const angle = p * ropeTheta ** ((-2 * i) / headDim);
      table[(p * half + i) * 2] = Math.cos(angle);
      table[(p * half + i) * 2 + 1] = Math.sin(angle);
    }
  }
  return table;
}

/** The norm that comes before RoPE; null when the model has none. */
export interface QkNorm {
  /** (D) */
  readonly w: GpuTensor;
  /** (M, H), 1 / sqrt(mean(x²) + eps): written by the forward pass, read by the backward pass */
  readonly rstd: GpuTensor;
}

export interface QkNormRopeArgs {
  /** (M, H, D), raw projections */
  readonly x: GpuTensor;
  readonly norm: QkNorm | null;
  /** (P, D/2, 2), from {@link ropeTable} */
  readonly cosSin: GpuTensor;
  /** (M) u32, below P */
  readonly positions: GpuTensor;
  /** (M, H, D), another buffer than x */
  readonly y: GpuTensor;
  /** Of the norm; not used without one. */
  readonly eps: number;
}

/**
 * y = rope(x · w · rstd): pairs (i, i + D/2) are rotated by position · theta^(−2i/D)
 * (Su et al. 2021, arXiv:2104.09864, in the half-split form of Qwen3).
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeQkNormRope(pass: KernelPass, args: QkNormRopeArgs): void {
  const { x, norm, cosSin, positions, y, eps } = args;
  const [M, H, D] = checkRope('qk-norm-rope', { x, cosSin, positions, norm });
  assertShape(y, [M, H, D], 'qk-norm-rope.y');
  pass.dispatch(QK_NORM_ROPE, {
    params: { N: M * H, H, D, eps },
    bind: { x, ...norm, cosSin, positions, y },
    grid: groupsFor(M * H),
    variant: { on: norm === null ? [] : ['norm'] },
  });
}

export interface QkNormRopeGradArgs {
  /** (M, H, D) */
  readonly dy: GpuTensor;
  /** (M, H, D), the raw projections */
  readonly x: GpuTensor;
  readonly norm: QkNorm | null;
  readonly cosSin: GpuTensor;
  readonly positions: GpuTensor;
  /** (M, H, D), overwritten; another buffer than dy and x */
  readonly dx: GpuTensor;
}

/**
 * dx of {@link encodeQkNormRope}: rotates dy back, then the backward pass of the norm.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeQkNormRopeGrad(pass: KernelPass, args: QkNormRopeGradArgs): void {
  const { dy, x, norm, cosSin, positions, dx } = args;
  const [M, H, D] = checkRope('qk-norm-rope-grad', { x, cosSin, positions, norm });
  assertShape(dy, [M, H, D], 'qk-norm-rope-grad.dy');
  assertShape(dx, [M, H, D], 'qk-norm-rope-grad.dx');
  pass.dispatch(QK_NORM_ROPE_GRAD, {
    params: { N: M * H, H, D },
    bind: { dy, x, ...norm, cosSin, positions, dx },
    grid: groupsFor(M * H),
    variant: { on: norm === null ? [] : ['norm'] },
  });
}

export interface QkNormWeightGradArgs {
  /** (M, H, D) */
  readonly dy: GpuTensor;
  /** (M, H, D), the raw projections */
  readonly x: GpuTensor;
  /** (M, H), from the forward pass */
  readonly rstd: GpuTensor;
  readonly cosSin: GpuTensor;
  readonly positions: GpuTensor;
  /** (16, D), scratch */
  readonly partial: GpuTensor;
  /** (D), added to */
  readonly dw: GpuTensor;
}

/**
 * dw += Σ over all rows and heads of (dy rotated back) · x · rstd, by 16 fixed chunks of rows.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeQkNormWeightGrad(pass: KernelPass, args: QkNormWeightGradArgs): void {
  const { dy, x, rstd, cosSin, positions, partial, dw } = args;
  const [M, H, D] = checkRope('qk-norm-weight-grad', { x, cosSin, positions, norm: null });
  assertShape(dy, [M, H, D], 'qk-norm-weight-grad.dy');
  assertShape(rstd, [M, H], 'qk-norm-weight-grad.rstd');
  assertShape(partial, [ROW_CHUNKS, D], 'qk-norm-weight-grad.partial');
  assertShape(dw, [D], 'qk-norm-weight-grad.dw');
  pass.dispatch(QK_NORM_WEIGHT_GRAD, {
    params: { N: M * H, H, D, chunkRows: Math.ceil((M * H) / ROW_CHUNKS) },
    bind: { dy, x, rstd, cosSin, positions, partial },
    grid: groupsFor((D / 2) * ROW_CHUNKS),
  });
  encodeSumChunks(pass, partial, dw);
}

function checkRope(
  name: string,
  args: Pick<QkNormRopeArgs, 'x' | 'cosSin' | 'positions' | 'norm'>,
): [number, number, number] {
  const { x, cosSin, positions, norm } = args;
  const [M, H, D] = shape3(x, `${name}.x`);
  const [P] = shape3(cosSin, `${name}.cosSin`);
  assertShape(cosSin, [P, D / 2, 2], `${name}.cosSin`);
  assertShape(positions, [M], `${name}.positions`);
  if (norm !== null) {
    assertShape(norm.w, [D], `${name}.w`);
    assertShape(norm.rstd, [M, H], `${name}.rstd`);
  }
  return [M, H, D];
}
