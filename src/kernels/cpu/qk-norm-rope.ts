// Plain twin of the query and key norm with rotary position embedding: the reference of its tests.
import type { Vec } from './linear.ts';
import { rmsNorm, rmsNormGrad, rmsNormWeightGrad } from './rms-norm.ts';

export interface RopeAngles {
  /** (P, D/2, 2) */
  readonly cosSin: Vec;
  /** (M) */
  readonly positions: ArrayLike<number>;
  /** Pairs are (2i, 2i + 1); else (i, i + D/2). */
  readonly interleaved?: boolean;
}

/** [M, H, D] */
type HeadShape = readonly [number, number, number];

/**
 * y = rope(x · w · rstd): x, y (M, H, D), w (D), rstd (M, H) is written.
 * @param norm null leaves the norm out.
 */
export function qkNormRope(
  x: Vec,
  norm: { readonly w: Vec; readonly rstd: Vec; readonly eps: number } | null,
  angles: RopeAngles,
  y: Vec,
  shape: HeadShape,
): void {
  const [M, H, D] = shape;
  if (norm === null) y.set(x);
  else rmsNorm(x, norm.w, { y, rstd: norm.rstd }, [M * H, D], norm.eps);
  rotate(y, angles, shape, 1);
}

/** dx of {@link qkNormRope}: dy, x, dx (M, H, D), rstd (M, H) from the forward pass. */
export function qkNormRopeGrad(
  dy: Vec,
  x: Vec,
  norm: { readonly w: Vec; readonly rstd: Vec } | null,
  angles: RopeAngles,
  dx: Vec,
  shape: HeadShape,
): void {
  const [M, H, D] = shape;
  const back = Float64Array.from(dy);
  rotate(back, angles, shape, -1);
  if (norm === null) dx.set(back);
  else rmsNormGrad({ dy: back, x, w: norm.w, rstd: norm.rstd }, dx, [M * H, D]);
}

/** dw += Σ over rows and heads of (dy rotated back) · x · rstd: dw (D). */
export function qkNormWeightGrad(
  args: { readonly dy: Vec; readonly x: Vec; readonly rstd: Vec },
  angles: RopeAngles,
  dw: Vec,
  shape: HeadShape,
): void {
  const [M, H, D] = shape;
  const back = Float64Array.from(args.dy);
  rotate(back, angles, shape, -1);
  rmsNormWeightGrad({ ...args, dy: back }, dw, [M * H, D]);
}

/** Turns the pairs of every head by its row's angle, in place. */
function rotate(
  v: Vec,
  { cosSin, positions, interleaved = false }: RopeAngles,
  [M, H, D]: HeadShape,
  sign: 1 | -1,
): void {
  const half = D / 2;
  for (let n = 0; n < M * H; n++) {
    const row = (positions[Math.floor(n / H)] ?? 0) * half;
    for (let i = 0; i < half; i++) {
      const cos = cosSin[(row + i) * 2] ?? 0;
      const sin = sign * (cosSin[(row + i) * 2 + 1] ?? 0);
      const first = n * D + (interleaved ? 2 * i : i);
      const second = first + (interleaved ? 1 : half);
      const a = v[first] ?? 0;
      const b = v[second] ?? 0;
      v[first] = a * cos - b * sin;
      v[second] = b * cos + a * sin;
    }
  }
}
