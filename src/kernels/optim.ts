// The optimiser's kernels over flat buffers: AdamW, the sum of squares, y += a · x. Knows no
// parameter names.
import type { KernelPass } from '../gpu/pass.ts';
import { kernel } from '../gpu/pipeline.ts';
import { assertShape, type GpuTensor, sizeOf } from '../gpu/tensor.ts';
import { elementsOf, groupsFor } from './launch.ts';

const ADAMW = kernel({
  file: 'optim/adamw',
  params: {
    E: 'u32',
    lr: 'f32',
    beta1: 'f32',
    beta2: 'f32',
    eps: 'f32',
    weightDecay: 'f32',
    biasCorrection1: 'f32',
    biasCorrection2: 'f32',
    clipScale: 'f32',
  },
  reads: [],
  writes: ['w', 'g', 'm', 'v'],
});

const AXPY = kernel({
  file: 'optim/axpy',
  params: { E: 'u32', a: 'f32' },
  reads: ['x'],
  writes: ['y'],
});

const SUM_SQUARES = kernel({
  file: 'optim/sum_squares',
  params: { E: 'u32' },
  reads: ['x'],
  writes: ['partial'],
});

const SUM_SQUARES_TOTAL = kernel({
  file: 'optim/sum_squares_total',
  params: { lanes: 'u32' },
  reads: ['partial'],
  writes: ['total'],
});

/** Partial sums of {@link encodeSumSquares}. */
export const SUM_SQUARES_LANES = 256;

export interface AdamwArgs {
  /** Weights; any shape, the same for all four */
  readonly w: GpuTensor;
  /** Gradients: zero on return */
  readonly g: GpuTensor;
  /** First moments */
  readonly m: GpuTensor;
  /** Second moments */
  readonly v: GpuTensor;
  readonly lr: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** 1 − beta1^t at step t = 1, 2, … */
  readonly biasCorrection1: number;
  /** 1 − beta2^t */
  readonly biasCorrection2: number;
  /** Multiplies g first; 1 is no clipping. */
  readonly clipScale: number;
}

/**
 * One step of AdamW with decoupled decay (Loshchilov & Hutter 2017, arXiv:1711.05101), then g = 0.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeAdamw(pass: KernelPass, { w, g, m, v, ...numbers }: AdamwArgs): void {
  assertShape(g, w.shape, 'adamw.g');
  assertShape(m, w.shape, 'adamw.m');
  assertShape(v, w.shape, 'adamw.v');
  const { on, count: E } = elementsOf(sizeOf(w));
  pass.dispatch(ADAMW, {
    params: { E, ...numbers },
    bind: { w, g, m, v },
    grid: groupsFor(E),
    variant: { on },
  });
}

export interface AxpyArgs {
  readonly a: number;
  /** Any shape */
  readonly x: GpuTensor;
  /** The shape of x, added to */
  readonly y: GpuTensor;
}

/**
 * y += a · x.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeAxpy(pass: KernelPass, { a, x, y }: AxpyArgs): void {
  assertShape(y, x.shape, 'axpy.y');
  const { on, count: E } = elementsOf(sizeOf(x));
  pass.dispatch(AXPY, { params: { E, a }, bind: { x, y }, grid: groupsFor(E), variant: { on } });
}

export interface SumSquaresArgs {
  /** Any shape */
  readonly x: GpuTensor;
  /** (256), scratch */
  readonly partial: GpuTensor;
  /** (1); a tensor of its own or one element of a larger one on a 256-byte boundary */
  readonly total: GpuTensor;
  /** Adds to `total` instead of overwriting it. */
  readonly accumulate?: boolean;
}

/**
 * total = Σ x², by 256 fixed strides and then over the strides.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeSumSquares(pass: KernelPass, args: SumSquaresArgs): void {
  const { x, partial, total, accumulate = false } = args;
  assertShape(partial, [SUM_SQUARES_LANES], 'sum-squares.partial');
  assertShape(total, [1], 'sum-squares.total');
  const { on, count: E } = elementsOf(sizeOf(x));
  pass.dispatch(SUM_SQUARES, {
    params: { E },
    bind: { x, partial },
    grid: groupsFor(SUM_SQUARES_LANES),
    variant: { on },
  });
  pass.dispatch(SUM_SQUARES_TOTAL, {
    params: { lanes: SUM_SQUARES_LANES },
    bind: { partial, total },
    grid: [1],
    variant: { on: accumulate ? ['accumulate'] : [] },
  });
}
