// Host functions of the matrix products: forward, gradient of the input, gradient of the weights.
import { assert } from '../base/assert.ts';
import { ShapeError } from '../base/errors.ts';
import type { Caps } from '../gpu/caps.ts';
import type { KernelPass } from '../gpu/pass.ts';
import type { Condition } from '../gpu/shaders.ts';
import { assertShape, type GpuTensor, rows, shape2 } from '../gpu/tensor.ts';
import { inFamilies, tileVariant } from './launch.ts';
import { encodeMatvec, fitsMatvec, isFew } from './matvec.ts';
import {
  formatConditions,
  piecesOf,
  productWork,
  SHARD_PARAMS,
  shardBindings,
  shardParams,
  type WeightMatrix,
} from './weight-matrix.ts';

const params = { ...SHARD_PARAMS, scale: 'f32' } as const;
const LINEAR = inFamilies('matmul/gemm', {
  file: 'matmul/linear',
  params,
  reads: ['x', 'w', 'w_scale?scaled', 'row_scale?row_scale', 'bias?bias'],
  writes: ['y'],
});
const INPUT_GRAD = inFamilies('matmul/gemm_input_grad', {
  file: 'matmul/linear_input_grad',
  params,
  reads: ['dy', 'w', 'w_scale?scaled'],
  writes: ['dx'],
});
const WEIGHT_GRAD = inFamilies('matmul/gemm_weight_grad', {
  file: 'matmul/linear_weight_grad',
  params: { M: 'u32', N: 'u32', K: 'u32', scale: 'f32' },
  reads: ['dy', 'x'],
  writes: ['dw'],
});

/** Outputs of a workgroup of the GPU family along each axis. */
const GEMM_TILE = 64;
/** Rows from which on a product is not cut by rows. */
const MOST_ROWS = 2 ** 20;

/** Rows of a register tile: the smallest of 1, 4 and 16 that holds all rows. Bits do not depend on it. */
function tileRows(count: number): number {
  if (count <= 1) return 1;
  return count <= 4 ? 4 : 16;
}

/** How the product of a family is built, and the grid over its outputs. */
function tiles(caps: Caps, [rows, columns]: readonly [number, number], on: readonly Condition[]) {
  const grid = (tileColumns: number, tile: number) =>
    [Math.ceil(columns / tileColumns), Math.ceil(rows / tile)] as const;
  if (caps.family === 'gpu') return { variant: { on }, grid: grid(GEMM_TILE, GEMM_TILE) };
  const tile = tileRows(rows);
  const { lanes, ...how } = tileVariant(caps, tile, on);
  return { ...how, grid: grid(4 * lanes, tile) };
}

function assertColumns(K: number, name: string): void {
  if (K % 4 !== 0) {
    throw new ShapeError('shape', `${name}: got rows of ${K}, need a multiple of 4`);
  }
}

export interface LinearArgs {
  x: GpuTensor;
  w: WeightMatrix;
  y: GpuTensor;
  /** (N), added once; not with `accumulate`. */
  bias?: GpuTensor | null;
  /** (M), a factor of each row in place of `scale`. */
  rowScale?: GpuTensor | null;
  /** Factor of the product; 1 by default. */
  scale?: number;
  /** Add to y in place of overwriting it. */
  accumulate?: boolean;
}

/**
 * y = scale · x wᵀ (+ bias) (+ y).
 * @param args x (M, K), w (N, K), y (M, N); y must not alias x; K a multiple of 4.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeLinear(pass: KernelPass, args: LinearArgs): void {
  const { x, w, y, bias = null, rowScale = null, accumulate = false } = args;
  const [M] = shape2(x, 'linear.x');
  assertShape(x, [M, w.K], 'linear.x');
  assertShape(y, [M, w.N], 'linear.y');
  if (bias !== null) assertShape(bias, [w.N], 'linear.bias');
  if (rowScale !== null) assertShape(rowScale, [M], 'linear.rowScale');
  assertColumns(w.K, 'linear.w');
  assert(bias === null || !accumulate, 'linear: a bias with accumulate');
  // The products of the CPU family give a row the same bits, so the one for few rows can take its place.
  if (pass.caps.family === 'cpu' && rowScale === null && isFew(M) && fitsMatvec(M, w.K)) {
    encodeMatvec(pass, args);
    return;
  }
  const on: Condition[] = [...formatConditions(w)];
  if (accumulate) on.push('accumulate');
  if (bias !== null) on.push('bias');
  if (rowScale !== null) on.push('row_scale');
  for (const shard of piecesOf(w, M, pass.mostWork)) {
    pass.dispatch(LINEAR[pass.caps.family], {
      work: productWork(M, shard.N * w.K),
      ...tiles(pass.caps, [M, shard.N], on),
      params: { ...shardParams(M, w, shard), scale: args.scale ?? 1 },
      bind: {
        ...{ x, y, ...shardBindings(shard) },
        ...(bias === null ? {} : { bias }),
        ...(rowScale === null ? {} : { row_scale: rowScale }),
      },
    });
  }
}

export interface LinearInputGradArgs {
  dy: GpuTensor;
  w: WeightMatrix;
  dx: GpuTensor;
  scale?: number;
  accumulate?: boolean;
}

/**
 * dx = scale · dy w (+ dx).
 * @param args dy (M, N), w (N, K), dx (M, K); dx must not alias dy; K a multiple of 4.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeLinearInputGrad(pass: KernelPass, args: LinearInputGradArgs): void {
  const { dy, w, dx } = args;
  const [M] = shape2(dy, 'linear-input-grad.dy');
  assertShape(dy, [M, w.N], 'linear-input-grad.dy');
  assertShape(dx, [M, w.K], 'linear-input-grad.dx');
  assertColumns(w.K, 'linear-input-grad.w');
  w.shards.forEach((shard, i) => {
    const on: Condition[] = [...formatConditions(w)];
    // The parts of the sum that other shards give are added to what the first wrote.
    if (args.accumulate || i > 0) on.push('accumulate');
    // Cut by rows of dy: a piece of the weights would be a part of a sum.
    const most = rowsWithin(pass.mostWork, shard.N * w.K);
    for (let from = 0; from < M; from += most) {
      const count = Math.min(most, M - from);
      const part = { dy: rows(dy, from, count), dx: rows(dx, from, count) };
      pass.dispatch(INPUT_GRAD[pass.caps.family], {
        work: productWork(count, shard.N * w.K),
        ...tiles(pass.caps, [count, w.K], on),
        params: { ...shardParams(count, w, shard), scale: args.scale ?? 1 },
        bind: { ...part, ...shardBindings(shard) },
      });
    }
  });
}

/** Rows of a product with so many weights that are at most `work`, in whole tiles, which begin where bindings can. */
function rowsWithin(work: number, weights: number): number {
  let count = GEMM_TILE;
  while (count < MOST_ROWS && productWork(2 * count, weights) <= work) count *= 2;
  return count < MOST_ROWS ? count : Number.POSITIVE_INFINITY;
}

export interface LinearWeightGradArgs {
  dy: GpuTensor;
  x: GpuTensor;
  dw: GpuTensor;
  scale?: number;
}

/**
 * dw += scale · dyᵀ x, summed over tokens in ascending order.
 * @param args dy (M, N), x (M, K), dw (N, K); K a multiple of 4.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeLinearWeightGrad(pass: KernelPass, args: LinearWeightGradArgs): void {
  const { dy, x, dw } = args;
  const [M, N] = shape2(dy, 'linear-weight-grad.dy');
  const [, K] = shape2(x, 'linear-weight-grad.x');
  assertShape(x, [M, K], 'linear-weight-grad.x');
  assertShape(dw, [N, K], 'linear-weight-grad.dw');
  assertColumns(K, 'linear-weight-grad.x');
  pass.dispatch(WEIGHT_GRAD[pass.caps.family], {
    work: productWork(M, N * K),
    ...tiles(pass.caps, [N, K], []),
    params: { M, N, K, scale: args.scale ?? 1 },
    bind: { dy, x, dw },
  });
}
