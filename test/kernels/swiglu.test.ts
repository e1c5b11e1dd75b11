import { describe, expect, it } from 'vitest';
import { swiglu, swigluGrad } from '../../src/kernels/cpu/swiglu.ts';
import { encodeSwiglu, encodeSwigluGrad, encodeSwigluRows } from '../../src/kernels/swiglu.ts';
import { testGpu } from '../support/gpu.ts';
import { guarded, normals, valuesOf, worstError } from '../support/guarded.ts';
import { TOLERANCES } from '../support/tolerances.ts';

const gpu = await testGpu();

const SIZES: [number, number][] = [
  [1, 1],
  [1, 7],
  [65, 36],
  [37, 384],
];

async function forward(gate: Float32Array, up: Float32Array, shape: [number, number]) {
  const h = guarded(gpu, shape);
  const pass = gpu.pass();
  encodeSwiglu(pass, {
    gate: gpu.upload('gate', shape, gate),
    up: gpu.upload('up', shape, up),
    h: h.view,
  });
  gpu.submit(pass);
  return valuesOf(gpu, h);
}

describe('swiglu', () => {
  for (const [N, F] of SIZES) {
    it(`of ${N} rows of ${F} is its twin's`, async () => {
      const gate = normals(N + F, N * F, 4);
      const up = normals(N * 3 + F, N * F);
      const want = new Float64Array(N * F);
      swiglu(gate, up, want);
      const got = await forward(gate, up, [N, F]);
      expect(worstError(got, want)).toBeLessThan(TOLERANCES.elementwise);
    });

    it(`of ${N} rows that hold both factors of ${F} has the same bits`, async () => {
      const gate = normals(N + F, N * F, 4);
      const up = normals(N * 3 + F, N * F);
      const both = Float32Array.from({ length: 2 * N * F }, (_, i) => {
        const [n, f] = [Math.floor(i / (2 * F)), i % (2 * F)];
        return (f < F ? gate[n * F + f] : up[n * F + f - F]) ?? 0;
      });
      const h = guarded(gpu, [N, F]);
      const pass = gpu.pass();
      encodeSwigluRows(pass, { both: gpu.upload('both', [N, 2 * F], both), h: h.view });
      gpu.submit(pass);
      expect(await valuesOf(gpu, h)).toEqual(await forward(gate, up, [N, F]));
    });

    it(`gradient of ${N} rows of ${F} is its twin's`, async () => {
      const values = { gate: normals(N + F, N * F, 4), up: normals(N * 3 + F, N * F) };
      const dh = normals(N * 5 + F, N * F);
      const gate = guarded(gpu, [N, F], values.gate);
      const up = guarded(gpu, [N, F], values.up);
      const pass = gpu.pass();
      encodeSwigluGrad(pass, {
        dh: gpu.upload('dh', [N, F], dh),
        gate: gate.view,
        up: up.view,
      });
      gpu.submit(pass);
      const dGate = Float64Array.from(values.gate);
      const dUp = Float64Array.from(values.up);
      swigluGrad(dh, dGate, dUp);
      expect(worstError(await valuesOf(gpu, gate), dGate)).toBeLessThan(TOLERANCES.elementwise);
      expect(worstError(await valuesOf(gpu, up), dUp)).toBeLessThan(TOLERANCES.elementwise);
    });
  }

  it('is 0 and the gate itself at its ends', async () => {
    // sigmoid(-200) = 0 and sigmoid(200) = 1 in f32; silu(0) = 0.
    const got = await forward(
      new Float32Array([-200, 200, 0]),
      new Float32Array([1, 2, 5]),
      [1, 3],
    );
    expect([...got].map(Math.abs)).toEqual([0, 400, 0].map((value) => expect.closeTo(value, 4)));
  });
});
