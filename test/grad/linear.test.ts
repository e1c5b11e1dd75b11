import { describe, expect, it } from 'vitest';
import { linear, linearInputGrad, linearWeightGrad } from '../../src/kernels/cpu/linear.ts';
import { normals, worstError } from '../support/guarded.ts';
import { dot, slopes } from '../support/slopes.ts';
import { TOLERANCES } from '../support/tolerances.ts';

describe('twins of the gradients of linear', () => {
  it('are the slopes', () => {
    const size = [3, 5, 4] as const;
    const [M, N, K] = size;
    const x = Float64Array.from(normals(1, M * K));
    const w = Float64Array.from(normals(2, N * K));
    const dy = Float64Array.from(normals(3, M * N));
    const loss = (atX: Float64Array, atW: Float64Array) => {
      const y = new Float64Array(M * N);
      linear(atX, atW, y, size, 0.5);
      return dot(dy, y);
    };
    const dx = new Float64Array(M * K);
    const dw = new Float64Array(N * K);
    linearInputGrad(dy, w, dx, size, 0.5);
    linearWeightGrad(dy, x, dw, size, 0.5);
    expect(
      worstError(
        dx,
        slopes((at) => loss(at, w), x),
      ),
    ).toBeLessThan(TOLERANCES.differences);
    expect(
      worstError(
        dw,
        slopes((at) => loss(x, at), w),
      ),
    ).toBeLessThan(TOLERANCES.differences);
  });
});
