import { describe, expect, it } from 'vitest';
import {
  qkNormRope,
  qkNormRopeGrad,
  qkNormWeightGrad,
} from '../../src/kernels/cpu/qk-norm-rope.ts';
import { ropeTable } from '../../src/kernels/qk-norm-rope.ts';
import { normals, worstError } from '../support/guarded.ts';
import { dot, slopes } from '../support/slopes.ts';
import { TOLERANCES } from '../support/tolerances.ts';

const EPS = 1e-3;
const shape = [3, 2, 8] as const;
const [M, H, D] = shape;
const x = Float64Array.from(normals(1, M * H * D));
const w = Float64Array.from(normals(2, D));
const dy = Float64Array.from(normals(3, M * H * D));
const angles = { cosSin: ropeTable({ headDim: D, ropeTheta: 50 }, 9), positions: [4, 0, 8] };

function loss(input: Float64Array, weight: Float64Array | null, rstd: Float64Array): number {
  const y = new Float64Array(input.length);
  const norm = weight === null ? null : { w: weight, rstd, eps: EPS };
  qkNormRope(input, norm, angles, y, shape);
  return dot(dy, y);
}

describe('twin of the gradients of qk-norm-rope', () => {
  it.each([true, false])('by the input are the slopes, with norm %s', (withNorm) => {
    const weight = withNorm ? w : null;
    const want = slopes((at) => loss(at, weight, new Float64Array(M * H)), x);
    const rstd = new Float64Array(M * H);
    loss(x, weight, rstd);
    const got = new Float64Array(x.length);
    qkNormRopeGrad(dy, x, withNorm ? { w, rstd } : null, angles, got, shape);
    expect(worstError(got, want)).toBeLessThan(TOLERANCES.differences);
  });

  it('by the weight are the slopes', () => {
    const want = slopes((at) => loss(x, at, new Float64Array(M * H)), w);
    const rstd = new Float64Array(M * H);
    loss(x, w, rstd);
    const got = new Float64Array(D);
    qkNormWeightGrad({ dy, x, rstd }, angles, got, shape);
    expect(worstError(got, want)).toBeLessThan(TOLERANCES.differences);
  });
});
