import { describe, expect, it } from 'vitest';
import { logitsGrad, logSoftmax } from '../../src/kernels/cpu/log-softmax.ts';
import { normals, worstError } from '../support/guarded.ts';
import { dot, slopes } from '../support/slopes.ts';
import { TOLERANCES } from '../support/tolerances.ts';

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
      const loss = (at: Float64Array) => -dot(coef, logSoftmax(at, targets, [C, V]).logprob);
      const got = logits.slice();
      logitsGrad(got, targets, coef, [C, V]);
      expect(worstError(got, slopes(loss, logits))).toBeLessThan(TOLERANCES.differences);
    });

    it(`of ${C} rows of ${V} with an entropy bonus too`, () => {
      const logits = Float64Array.from(normals(V + 1, C * V, 2));
      const targets = Uint32Array.from({ length: C }, (_, c) => (c * 3 + 1) % V);
      const coef = Float64Array.from(normals(C + 2, C));
      const spread = Float64Array.from(normals(C + 3, C));
      const loss = (at: Float64Array) => {
        const { logprob, entropy } = logSoftmax(at, targets, [C, V]);
        return -dot(coef, logprob) - dot(spread, entropy);
      };
      const got = logits.slice();
      logitsGrad(got, targets, coef, [C, V], spread);
      expect(worstError(got, slopes(loss, logits))).toBeLessThan(TOLERANCES.differences);
    });
  }
});
