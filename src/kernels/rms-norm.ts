// RMS norm over the last axis, forward and backward. Knows no model.
import { ShapeError } from '../base/errors.ts';
import type { KernelPass } from '../gpu/pass.ts';
import { kernel } from '../gpu/pipeline.ts';
import { assertShape, type GpuTensor, shape2, sizeOf } from '../gpu/tensor.ts';
import { elementsOf, groupsFor, isBlocks, ROW_CHUNKS } from './launch.ts';

const RMS_NORM = kernel({
  file: 'norm/rms_norm',
  params: { N: 'u32', E: 'u32', C: 'f32', eps: 'f32' },
  reads: ['x', 'w'],
  writes: ['y', 'rstd'],
});

const RMS_SCALE = kernel({
  file: 'norm/rms_scale',
  params: { N: 'u32', C: 'u32', eps: 'f32' },
  reads: ['x', 'w'],
  writes: ['y', 'rstd'],
});

const RMS_NORM_GRAD = kernel({
  file: 'norm/rms_norm_grad',
  params: { N: 'u32', E: 'u32', C: 'f32' },
  reads: ['dy', 'x', 'w', 'rstd'],
  writes: ['dx'],
});

const RMS_NORM_WEIGHT_GRAD = kernel({
  file: 'norm/rms_norm_weight_grad',
  params: { N: 'u32', C: 'u32', chunkRows: 'u32' },
  reads: ['dy', 'x', 'rstd'],
  writes: ['partial'],
});

const SUM_CHUNKS = kernel({
  file: 'norm/sum_chunks',
  params: { C: 'u32', chunks: 'u32' },
  reads: ['partial'],
  writes: ['y'],
});

export interface RmsNormArgs {
  /** (N, C) */
  readonly x: GpuTensor;
  /** (C) */
  readonly w: GpuTensor;
  /** (N, C), another buffer than x */
  readonly y: GpuTensor;
  /** (N), 1 / sqrt(mean(x²) + eps), for the backward pass */
  readonly rstd: GpuTensor;
  readonly eps: number;
}

/**
 * y = x · w / sqrt(mean_c(x²) + eps)   (Zhang & Sennrich 2019, arXiv:1910.07467)
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeRmsNorm(pass: KernelPass, { x, w, y, rstd, eps }: RmsNormArgs): void {
  const [N, C] = shape2(x, 'rms-norm.x');
  assertShape(w, [C], 'rms-norm.w');
  assertShape(y, [N, C], 'rms-norm.y');
  assertShape(rstd, [N], 'rms-norm.rstd');
  const { on, count: E } = elementsOf(C);
  pass.dispatch(RMS_NORM, {
    params: { N, E, C, eps },
    bind: { x, w, y, rstd },
    grid: groupsFor(N),
    variant: { on },
  });
}

/**
 * y = x · w and rstd = 1 / sqrt(mean_c(x²) + eps): the norm of {@link encodeRmsNorm} with its factor apart, summed in the
 * order of encodeMatvec. C is a multiple of 32.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeRmsScale(pass: KernelPass, { x, w, y, rstd, eps }: RmsNormArgs): void {
  const [N, C] = shape2(x, 'rms-scale.x');
  if (!isBlocks(C)) throw new ShapeError('shape', `rms-scale.x: got rows of ${C}, need 32s`);
  assertShape(w, [C], 'rms-scale.w');
  assertShape(y, [N, C], 'rms-scale.y');
  assertShape(rstd, [N], 'rms-scale.rstd');
  pass.dispatch(RMS_SCALE, {
    params: { N, C, eps },
    bind: { x, w, y, rstd },
    grid: groupsFor(N),
  });
}

export interface RmsNormGradArgs {
  /** (N, C) */
  readonly dy: GpuTensor;
  /** (N, C), the input of the forward pass */
  readonly x: GpuTensor;
  /** (C) */
  readonly w: GpuTensor;
  /** (N), from the forward pass */
  readonly rstd: GpuTensor;
  /** (N, C), another buffer than dy and x */
  readonly dx: GpuTensor;
  /** Adds to dx instead of overwriting it. */
  readonly accumulate: boolean;
}

/**
 * dx = rstd · (w · dy − x̂ · mean_c(w · dy · x̂)) with x̂ = x · rstd.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeRmsNormGrad(pass: KernelPass, args: RmsNormGradArgs): void {
  const { dy, x, w, rstd, dx, accumulate } = args;
  const [N, C] = shape2(x, 'rms-norm-grad.x');
  assertShape(dy, [N, C], 'rms-norm-grad.dy');
  assertShape(w, [C], 'rms-norm-grad.w');
  assertShape(rstd, [N], 'rms-norm-grad.rstd');
  assertShape(dx, [N, C], 'rms-norm-grad.dx');
  const { on, count: E } = elementsOf(C);
  pass.dispatch(RMS_NORM_GRAD, {
    params: { N, E, C },
    bind: { dy, x, w, rstd, dx },
    grid: groupsFor(N),
    variant: { on: accumulate ? [...on, 'accumulate'] : on },
  });
}

export interface RmsNormWeightGradArgs {
  /** (N, C) */
  readonly dy: GpuTensor;
  /** (N, C) */
  readonly x: GpuTensor;
  /** (N) */
  readonly rstd: GpuTensor;
  /** (16, C), scratch */
  readonly partial: GpuTensor;
  /** (C), added to */
  readonly dw: GpuTensor;
}

/**
 * dw += Σ_n dy · x · rstd, by 16 fixed chunks of rows and then over the chunks.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeRmsNormWeightGrad(pass: KernelPass, args: RmsNormWeightGradArgs): void {
  const { dy, x, rstd, partial, dw } = args;
  const [N, C] = shape2(x, 'rms-norm-weight-grad.x');
  assertShape(dy, [N, C], 'rms-norm-weight-grad.dy');
  assertShape(rstd, [N], 'rms-norm-weight-grad.rstd');
  assertShape(partial, [ROW_CHUNKS, C], 'rms-norm-weight-grad.partial');
  assertShape(dw, [C], 'rms-norm-weight-grad.dw');
  pass.dispatch(RMS_NORM_WEIGHT_GRAD, {
    params: { N, C, chunkRows: Math.ceil(N / ROW_CHUNKS) },
    bind: { dy, x, rstd, partial },
    grid: groupsFor(C * ROW_CHUNKS),
  });
  encodeSumChunks(pass, partial, dw);
}

/**
 * y += Σ over the first axis of partial.
 * @param partial (chunks, C)
 * @param y (C), added to
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeSumChunks(pass: KernelPass, partial: GpuTensor, y: GpuTensor): void {
  const [chunks, C] = shape2(partial, 'sum-chunks.partial');
  assertShape(y, [C], 'sum-chunks.y');
  pass.dispatch(SUM_CHUNKS, {
    params: { C, chunks },
    bind: { partial, y },
    grid: groupsFor(sizeOf(y)),
  });
}
