// The optimiser's kernels over flat buffers: AdamW with moments of f32 and of 8 bits, the sum of squares, y += a · x. Knows
// no parameter names.
import { assert } from '../base/assert.ts';
import { ShapeError } from '../base/errors.ts';
import { type KernelPass, MEMORY_WORK } from '../gpu/pass.ts';
import { kernel } from '../gpu/pipeline.ts';
import { assertShape, type GpuTensor, sizeOf } from '../gpu/tensor.ts';
import { elementsOf, groupsFor } from './launch.ts';

const RULE = {
  lr: 'f32',
  beta1: 'f32',
  beta2: 'f32',
  eps: 'f32',
  weightDecay: 'f32',
  biasCorrection1: 'f32',
  biasCorrection2: 'f32',
  clipScale: 'f32',
} as const;

const ADAMW = kernel({
  file: 'optim/adamw',
  params: { ...RULE, E: 'u32' },
  reads: [],
  writes: ['w', 'g', 'm', 'v'],
});

const ADAMW_INT8 = kernel({
  file: 'optim/adamw_int8',
  params: { ...RULE, blocks: 'u32', decayed: 'u32', seed: 'u32', vectors: 'u32' },
  reads: [],
  writes: ['w', 'g', 'm', 'v', 'scale'],
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

/** Numbers of a step of AdamW. */
export interface AdamwNumbers {
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

export interface AdamwArgs extends AdamwNumbers {
  /** Weights; any shape, the same for all four */
  readonly w: GpuTensor;
  /** Gradients: zero on return */
  readonly g: GpuTensor;
  /** First moments */
  readonly m: GpuTensor;
  /** Second moments */
  readonly v: GpuTensor;
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
    params: { ...numbers, E },
    bind: { w, g, m, v },
    grid: groupsFor(E),
    variant: { on },
  });
}

/** Elements that share a scale in moments of 8 bits. */
const INT8_BLOCK = 32;

/** Both moments of E elements in 8 bits; zeros are moments of zero. */
export interface Int8Moments {
  /** (E / 4) u32: four first moments, the lowest first */
  readonly m: GpuTensor;
  /** (E / 4) u32: four second moments */
  readonly v: GpuTensor;
  /** (E / 32) u32: what the codes of a block count in */
  readonly scale: GpuTensor;
}

/** Shapes of the moments of E elements. @throws {ShapeError} when they are not whole blocks. */
export function int8MomentShapes(E: number): Record<keyof Int8Moments, number[]> {
  if (E % INT8_BLOCK !== 0) {
    throw new ShapeError('shape', `adamw-int8.w: got ${E} elements, need whole blocks of 32`);
  }
  return { m: [E / 4], v: [E / 4], scale: [E / INT8_BLOCK] };
}

export interface AdamwInt8Args extends Int8Moments, AdamwNumbers {
  /** Weights (E), whole blocks of 32 */
  readonly w: GpuTensor;
  /** Gradients (E): zero on return */
  readonly g: GpuTensor;
  /** Weight decay applies to so many first elements, whole blocks; to the others none does. */
  readonly decayed: number;
  /** Of the rounding: another one for each step */
  readonly seed: number;
}

/**
 * One step of AdamW, then g = 0, with moments that are kept in 8 bits (after Dettmers et al. 2021, arXiv:2110.02861).
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeAdamwInt8(pass: KernelPass, args: AdamwInt8Args): void {
  const { w, g, m, v, scale, decayed, ...numbers } = args;
  const shapes = int8MomentShapes(sizeOf(w));
  assertShape(g, w.shape, 'adamw-int8.g');
  assertShape(m, shapes.m, 'adamw-int8.m');
  assertShape(v, shapes.v, 'adamw-int8.v');
  assertShape(scale, shapes.scale, 'adamw-int8.scale');
  assert(decayed % INT8_BLOCK === 0, `adamw-int8: decay of ${decayed} elements`);
  const blocks = sizeOf(scale);
  pass.dispatch(ADAMW_INT8, {
    params: { ...numbers, blocks, decayed: decayed / INT8_BLOCK, vectors: INT8_BLOCK / 4 },
    bind: { w, g, m, v, scale },
    grid: groupsFor(blocks),
    variant: { on: ['vec4'], constants: { UNROLL: pass.caps.software ? 0 : 1 } },
    work: 2 * MEMORY_WORK * sizeOf(w),
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
