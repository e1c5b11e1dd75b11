// Matrix products of few rows, as decoding has them, with what stands before and behind them in the same dispatch. Knows no
// model.
import { assert } from '../base/assert.ts';
import { ShapeError } from '../base/errors.ts';
import type { Caps, KernelFamily } from '../gpu/caps.ts';
import type { KernelPass } from '../gpu/pass.ts';
import type { Condition } from '../gpu/shaders.ts';
import { assertShape, type GpuTensor, shape2 } from '../gpu/tensor.ts';
import { inFamilies, isBlocks, tileVariant } from './launch.ts';
import type { QuantizedRows } from './quantize-rows.ts';
import {
  formatConditions,
  isScaled,
  piecesOf,
  productWork,
  SHARD_PARAMS,
  shardBindings,
  shardParams,
  type WeightMatrix,
} from './weight-matrix.ts';

const MATVEC = inFamilies('matmul/matvec_split', {
  file: 'matmul/matvec',
  params: {
    ...SHARD_PARAMS,
    scale: 'f32',
    eps: 'f32',
    R: 'u32',
    parts: 'u32',
    cut1: 'u32',
    cut2: 'u32',
    loraScale: 'f32',
  },
  reads: [
    'x',
    'w',
    'w_scale?scaled',
    'x_scale?int8',
    'g?norm&!int8',
    'bias?bias',
    'low?lora',
    'b?lora',
  ],
  writes: ['y'],
});

/** Rows that a product takes at most. */
const MOST_ROWS = 64;
/** Rows of a workgroup of each family at most. Bits do not depend on it. */
const TILE_ROWS: Readonly<Record<KernelFamily, number>> = { cpu: 4, gpu: 8 };
/** Lanes of the GPU family where subgroups are not used, and its workgroups along x at most. */
const SPLIT_LANES = 32;
const SPLIT_GROUPS = 32768;

/** Whether a product of `M` rows by rows of `K` values can go this way. */
export function fitsMatvec(M: number, K: number): boolean {
  return M <= MOST_ROWS && isBlocks(K);
}

/** Whether such a product is one workgroup of rows in the CPU family, which more rows are better tiled for. */
export function isFew(M: number): boolean {
  return M <= TILE_ROWS.cpu;
}

/** The adapter's part of a product whose weight rows are of one or more projections, one below the other. */
export interface MatvecLora {
  /** (M, parts · R): what the A of each projection made of x */
  readonly low: GpuTensor;
  /** (weight rows, R): the B of each projection; R a multiple of 4 */
  readonly b: GpuTensor;
  /** Weight rows at which the second and the third projection begin. */
  readonly cuts: readonly number[];
  readonly scale: number;
}

export interface MatvecArgs {
  /** (M, K) */
  readonly x: GpuTensor;
  /** x as encodeQuantizeRows gives it, read in place of x where weights are in blocks of at most 8 bits. */
  readonly x8?: QuantizedRows | null;
  /** (N, K); with `swiglu` (2 N, K): the gate's rows, then those of the other factor */
  readonly w: WeightMatrix;
  /** (M, N), another buffer than x */
  readonly y: GpuTensor;
  /** The RMS norm that x goes through first: its gains (K). */
  readonly norm?: { readonly w: GpuTensor; readonly eps: number } | null;
  /** (N) */
  readonly bias?: GpuTensor | null;
  /** y = silu(gate) · up. Needs a matrix in one shard. */
  readonly swiglu?: boolean;
  readonly lora?: MatvecLora | null;
  /** Factor of the product; 1 by default. Not with a norm. */
  readonly scale?: number;
  /** Add to y in place of overwriting it; not with a norm, a bias or `swiglu`. */
  readonly accumulate?: boolean;
}

/**
 * y = scale · norm(x) wᵀ (+ bias) (+ y) (+ lora) for few rows ({@link fitsMatvec}); a row has the same bits whatever is beside
 * it, in the CPU family those of encodeRmsScale and encodeLinear.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeMatvec(pass: KernelPass, args: MatvecArgs): void {
  const { x, w, y, norm = null, bias = null, swiglu = false, accumulate = false } = args;
  const lora = args.lora ?? null;
  const [M] = shape2(x, 'matvec.x');
  const N = swiglu ? w.N / 2 : w.N;
  if (!fitsMatvec(M, w.K)) {
    throw new ShapeError(
      'shape',
      `matvec.x: got [${x.shape}], need at most ${MOST_ROWS} rows of whole blocks of 32`,
    );
  }
  assertShape(x, [M, w.K], 'matvec.x');
  assertShape(y, [M, N], 'matvec.y');
  if (norm !== null) assertShape(norm.w, [w.K], 'matvec.norm');
  if (bias !== null) assertShape(bias, [N], 'matvec.bias');
  if (lora !== null) {
    const [, R] = shape2(lora.b, 'matvec.b');
    assertShape(lora.b, [w.N, R], 'matvec.b');
    assertShape(lora.low, [M, (lora.cuts.length + 1) * R], 'matvec.low');
  }
  assert(!swiglu || w.shards.length === 1, 'matvec: swiglu over several shards');
  assert(!accumulate || (norm === null && bias === null && !swiglu), 'matvec: accumulate');
  const on: Condition[] = [...formatConditions(w)];
  if (norm !== null) on.push('norm');
  if (bias !== null) on.push('bias');
  if (swiglu) on.push('swiglu');
  if (lora !== null) on.push('lora');
  if (accumulate) on.push('accumulate');
  const x8 = isScaled(w) ? (args.x8 ?? null) : null;
  if (x8 !== null) {
    assertShape(x8.q, [M, w.K / 4], 'matvec.x8');
    on.push('int8');
  }
  const { caps } = pass;
  for (const shard of swiglu ? w.shards : piecesOf(w, M, pass.mostWork)) {
    const columns = swiglu ? N : shard.N;
    const outputs = [M, swiglu ? 2 * N : shard.N] as const;
    pass.dispatch(MATVEC[caps.family], {
      work: productWork(M, shard.N * w.K),
      ...(caps.family === 'gpu' ? splitTiles(caps, outputs, on) : laneTiles(caps, outputs, on)),
      params: {
        ...{ ...shardParams(M, w, shard), N: columns, Y: N },
        scale: args.scale ?? 1,
        eps: norm?.eps ?? 0,
        ...loraParams(lora),
      },
      bind: {
        ...{ x, y, ...shardBindings(shard) },
        ...(x8 === null ? {} : { x: x8.q, x_scale: x8.scale }),
        ...(norm === null ? {} : { g: norm.w }),
        ...(bias === null ? {} : { bias }),
        ...(lora === null ? {} : { low: lora.low, b: lora.b }),
      },
    });
  }
}

/** The CPU family: a lane owns 4 weight rows. */
function laneTiles(caps: Caps, [M, rows]: readonly [number, number], on: readonly Condition[]) {
  const tile = M <= 2 ? M : TILE_ROWS.cpu;
  const { lanes, ...how } = tileVariant(caps, tile, on);
  return { ...how, grid: [Math.ceil(rows / (4 * lanes)), Math.ceil(M / tile)] as const };
}

/** The GPU family: the lanes of a workgroup share 4 weight rows. */
function splitTiles(caps: Caps, [M, rows]: readonly [number, number], on: readonly Condition[]) {
  const size = caps.subgroupSize;
  const ROWS = Math.min(2 ** Math.ceil(Math.log2(M)), TILE_ROWS.gpu);
  const groups = Math.ceil(rows / 4);
  return {
    variant: {
      on: size > 0 ? (['subgroups', ...on] as const) : on,
      constants: { ROWS, LANES: size > 0 ? size : SPLIT_LANES },
    },
    grid: [
      Math.min(groups, SPLIT_GROUPS),
      Math.ceil(M / ROWS),
      Math.ceil(groups / SPLIT_GROUPS),
    ] as const,
  };
}

/** No weight row is behind this cut. */
const NO_CUT = 0xffffffff;

function loraParams(lora: MatvecLora | null) {
  if (lora === null) return { R: 0, parts: 0, cut1: 0, cut2: 0, loraScale: 0 };
  const [cut1 = NO_CUT, cut2 = NO_CUT] = lora.cuts;
  const R = lora.b.shape[1] ?? 0;
  return { R, parts: lora.cuts.length + 1, cut1, cut2, loraScale: lora.scale };
}
