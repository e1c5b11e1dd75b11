import { describe, expect, it } from 'vitest';
import { embed, embedGrad } from '../../src/kernels/cpu/embed.ts';
import { normals, worstError } from '../support/guarded.ts';
import { dot, slopes } from '../support/slopes.ts';
import { TOLERANCES } from '../support/tolerances.ts';

describe('twin of the gradient of the table', () => {
  it('is the slope', () => {
    const [V, C] = [5, 3];
    const ids = [4, 1, 4, 0];
    const table = Float64Array.from(normals(1, V * C));
    const dy = Float64Array.from(normals(2, ids.length * C));
    const want = slopes((at) => {
      const y = new Float64Array(ids.length * C);
      embed(ids, at, y, [V, C]);
      return dot(dy, y);
    }, table);
    const got = new Float64Array(V * C);
    embedGrad(ids, dy, got, C);
    expect(worstError(got, want)).toBeLessThan(TOLERANCES.differences);
  });
});
