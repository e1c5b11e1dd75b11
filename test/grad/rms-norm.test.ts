import { describe, expect, it } from 'vitest';
import { rmsNorm, rmsNormGrad, rmsNormWeightGrad } from '../../src/kernels/cpu/rms-norm.ts';
import { normals, worstError } from '../support/guarded.ts';
import { dot, slopes } from '../support/slopes.ts';
import { TOLERANCES } from '../support/tolerances.ts';

const EPS = 1e-3;

describe('twin of the gradients of rms-norm', () => {
  for (const [N, C] of [
    [1, 1],
    [3, 7],
    [5, 16],
  ] as const) {
    const x = Float64Array.from(normals(N, N * C));
    const w = Float64Array.from(normals(C + 1, C));
    const dy = Float64Array.from(normals(N + C, N * C));
    const rstd = new Float64Array(N);
    const loss = (input: Float64Array, weight: Float64Array, scales: Float64Array) => {
      const y = new Float64Array(N * C);
      rmsNorm(input, weight, { y, rstd: scales }, [N, C], EPS);
      return dot(dy, y);
    };
    loss(x, w, rstd);

    it(`by the input are the slopes, ${N} rows of ${C}`, () => {
      const want = slopes((at) => loss(at, w, new Float64Array(N)), x);
      const got = new Float64Array(N * C);
      rmsNormGrad({ dy, x, w, rstd }, got, [N, C]);
      expect(worstError(got, want)).toBeLessThan(TOLERANCES.differences);
    });

    it(`by the weight are the slopes, ${N} rows of ${C}`, () => {
      const want = slopes((at) => loss(x, at, new Float64Array(N)), w);
      const got = new Float64Array(C);
      rmsNormWeightGrad({ dy, x, rstd }, got, [N, C]);
      expect(worstError(got, want)).toBeLessThan(TOLERANCES.differences);
    });
  }
});
