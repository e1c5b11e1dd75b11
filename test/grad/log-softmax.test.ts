import { describe, expect, it } from 'vitest';
import { logitsGrad, logSoftmax } from '../../src/kernels/cpu/log-softmax.ts';
import { normals, worstError } from '../support/guarded.ts';
import { TOLERANCES } from '../support/tolerances.ts';

const H = 1e-5;

describe('twin of the gradient of the logits', () => {
  for (const [C, V] of [
    [1, 1],
    [3, 7],
    [2, 300],
  ] as const) {
    it(`of ${C} rows of ${V} is the slope of the loss`, () => {
      const logits = Float64Array.from(normals(V, C * V, 2));
      const targets = Uint32Array.from({ length: C }, (_, c) => (c * 5 + 2) % V);
      const coef = Float64Array.from(normals(C + 1, C));
      const loss = (at: Float64Array) =>
        logSoftmax(at, targets, [C, V]).logprob.reduce((s, lp, c) => s - (coef[c] ?? 0) * lp, 0);
      const slopes = logits.map((value, i) => {
        const up = loss(logits.with(i, value + H));
        return (up - loss(logits.with(i, value - H))) / (2 * H);
      });
      const got = logits.slice();
      logitsGrad(got, targets, coef, [C, V]);
      expect(worstError(got, slopes)).toBeLessThan(TOLERANCES.differences);
    });
  }
});
