import { describe, expect, it } from 'vitest';
import { swiglu, swigluGrad } from '../../src/kernels/cpu/swiglu.ts';
import { normals, worstError } from '../support/guarded.ts';
import { dot, slopes } from '../support/slopes.ts';
import { TOLERANCES } from '../support/tolerances.ts';

describe('twin of the gradients of swiglu', () => {
  it('are the slopes', () => {
    const n = 40;
    const gate = Float64Array.from(normals(1, n, 3));
    const up = Float64Array.from(normals(2, n));
    const dh = Float64Array.from(normals(3, n));
    const loss = (g: Float64Array, u: Float64Array) => {
      const h = new Float64Array(n);
      swiglu(g, u, h);
      return dot(dh, h);
    };
    const dGate = gate.slice();
    const dUp = up.slice();
    swigluGrad(dh, dGate, dUp);
    const wantGate = slopes((at) => loss(at, up), gate);
    const wantUp = slopes((at) => loss(gate, at), up);
    expect(worstError(dGate, wantGate)).toBeLessThan(TOLERANCES.differences);
    expect(worstError(dUp, wantUp)).toBeLessThan(TOLERANCES.differences);
  });
});
