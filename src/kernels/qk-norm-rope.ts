// RMS norm of every head's query or key, then rotary position embedding;
// forward and backward. Knows no model.
import { InputError } from '../base/errors.ts';
import type { KernelPass } from '../gpu/pass.ts';
import { kernel } from '../gpu/pipeline.ts';
import type { Condition } from '../gpu/shaders.ts';
import { assertShape, type GpuTensor, shape3 } from '../gpu/tensor.ts';
import type { RopeScaling } from '../weights/model-config.ts';
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

/** How the angles of RoPE are made. */
export interface RopeConfig {
  /** D */
  readonly headDim: number;
  readonly ropeTheta: number;
  readonly ropeScaling?: RopeScaling;
}

/**
 * Cosines and sines of RoPE, computed in f64 and rounded once.
 * @param factors (D/2), by which frequencies are divided (Llama 3's `rope_freqs`); 1 when not given.
 * @returns (positions, D/2, 2): at (p, i) the cosine and sine of p · theta^(−2i/D), scaled as `ropeScaling` says.
 * @throws {InputError} for an odd head size.
 */
export function ropeTable(
  config: RopeConfig,
  positions: number,
  factors?: ArrayLike<number>,
): Float32Array<ArrayBuffer> {
  const { headDim, ropeTheta, ropeScaling = { kind: 'none' } } = config;
  if (headDim % 2 !== 0) {
    throw new InputError(
      'rope',
      `rope: got head size ${headDim}, need an even one; choose another model`,
    );
  }
  const half = headDim / 2;
  const table = new Float32Array(positions * headDim);
  const frequencies = Array.from({ length: half }, (_, i) => {
    const plain = ropeTheta ** ((-2 * i) / headDim) / (factors?.[i] ?? 1);
    return scaledFrequency(plain, i, { headDim, ropeTheta }, ropeScaling);
  });
  const size = ropeScaling.kind === 'yarn' ? ropeScaling.magnitude : 1;
  for (let p = 0; p < positions; p++) {
    for (let i = 0; i < half; i++) {
      const angle = p * (frequencies[i] ?? 0);
      table[(p * half + i) * 2] = Math.cos(angle) * size;
      table[(p * half + i) * 2 + 1] = Math.sin(angle) * size;
    }
  }
  return table;
}

/**
 * The frequency of pair i under a scaling. YaRN: Peng et al. 2023, arXiv:2309.00071: pairs that turn more than `betaFast`
 * times in the original context keep their frequency, those that turn less than `betaSlow` times have it divided by
 * `factor`, and between the two lies a ramp.
 */
function scaledFrequency(
  plain: number,
  i: number,
  { headDim, ropeTheta }: Pick<RopeConfig, 'headDim' | 'ropeTheta'>,
  scaling: RopeScaling,
): number {
  if (scaling.kind === 'none') return plain;
  if (scaling.kind === 'linear') return plain / scaling.factor;
  const { factor, originalContext, betaFast, betaSlow } = scaling;
  const pairOf = (turns: number): number =>
    (headDim * Math.log(originalContext / (turns * 2 * Math.PI))) / (2 * Math.log(ropeTheta));
  const low = Math.max(0, Math.floor(pairOf(betaFast)));
  const high = Math.min(headDim - 1, Math.ceil(pairOf(betaSlow)));
  const ramp = Math.min(1, Math.max(0, (i - low) / Math.max(0.001, high - low)));
  return (plain / factor) * ramp + plain * (1 - ramp);
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
  /** Pairs are (2i, 2i + 1), as in Llama's GGUF files; else (i, i + D/2). */
  readonly interleaved: boolean;
}

/**
 * y = rope(x · w · rstd): pairs are rotated by position · theta^(−2i/D) (Su et al. 2021, arXiv:2104.09864).
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeQkNormRope(pass: KernelPass, args: QkNormRopeArgs): void {
  const { x, norm, cosSin, positions, y, eps, interleaved } = args;
  const [M, H, D] = checkRope('qk-norm-rope', { x, cosSin, positions, norm });
  assertShape(y, [M, H, D], 'qk-norm-rope.y');
  pass.dispatch(QK_NORM_ROPE, {
    params: { N: M * H, H, D, eps },
    bind: { x, ...norm, cosSin, positions, y },
    grid: groupsFor(M * H),
    variant: { on: ropeConditions(norm, interleaved) },
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
  readonly interleaved: boolean;
}

/**
 * dx of {@link encodeQkNormRope}: rotates dy back, then the backward pass of the norm.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeQkNormRopeGrad(pass: KernelPass, args: QkNormRopeGradArgs): void {
  const { dy, x, norm, cosSin, positions, dx, interleaved } = args;
  const [M, H, D] = checkRope('qk-norm-rope-grad', { x, cosSin, positions, norm });
  assertShape(dy, [M, H, D], 'qk-norm-rope-grad.dy');
  assertShape(dx, [M, H, D], 'qk-norm-rope-grad.dx');
  pass.dispatch(QK_NORM_ROPE_GRAD, {
    params: { N: M * H, H, D },
    bind: { dy, x, ...norm, cosSin, positions, dx },
    grid: groupsFor(M * H),
    variant: { on: ropeConditions(norm, interleaved) },
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

function ropeConditions(norm: QkNorm | null, interleaved: boolean): Condition[] {
  return [
    ...(norm === null ? [] : ['norm' as const]),
    ...(interleaved ? ['interleaved' as const] : []),
  ];
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
