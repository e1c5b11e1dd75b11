import { describe, expect, it } from 'vitest';
import { halved } from '../../src/kernels/cpu/half-rows.ts';
import { encodeHalveRows, encodeRestoreRows } from '../../src/kernels/half-rows.ts';
import { testGpu } from '../support/gpu.ts';
import { guarded, normals, valuesOf } from '../support/guarded.ts';

const gpu = await testGpu();

async function keep(x: Float32Array, rstd: Float32Array, C: number): Promise<Float32Array> {
  const N = rstd.length;
  const half = guarded(gpu, [N, C / 2]);
  const kept = guarded(gpu, [N]);
  const y = guarded(gpu, [N, C]);
  const rows = { half: { ...half.view, type: 'u32' as const }, rstd: kept.view };
  const pass = gpu.pass();
  const values = { x: gpu.upload('x', [N, C], x), rstd: gpu.upload('rstd', [N], rstd) };
  encodeHalveRows(pass, { ...values, to: rows });
  encodeRestoreRows(pass, rows, y.view);
  gpu.submit(pass);
  await valuesOf(gpu, half);
  expect(await valuesOf(gpu, kept)).toEqual(rstd);
  return valuesOf(gpu, y);
}

function rstdOf(x: Float32Array, C: number): Float32Array {
  return Float32Array.from({ length: x.length / C }, (_, n) => {
    const squares = x.subarray(n * C, (n + 1) * C).reduce((sum, value) => sum + value * value, 0);
    return 1 / Math.sqrt(squares / C + 1e-6);
  });
}

describe('rows in halves', () => {
  it.each([
    [1, 2],
    [3, 34],
    [65, 96],
  ])('%i rows of %i come back as the twin says, or rounded the other way', async (N, C) => {
    const x = normals(N + C, N * C, 30);
    const rstd = rstdOf(x, C);
    const got = await keep(x, rstd, C);
    halved(x, rstd).forEach((want, i) => {
      // WGSL leaves the direction of the rounding open: one unit in the last place of f16, or of its smallest.
      const unit = Math.max(2 ** -10 * Math.abs(want), 2 ** -24 / (rstd[Math.floor(i / C)] ?? 1));
      expect(Math.abs((got[i] ?? Number.NaN) - want)).toBeLessThanOrEqual(unit * 1.001);
    });
  });

  it('hold values that f16 cannot', async () => {
    const C = 64;
    const x = normals(4, 2 * C, 1);
    x[5] = 3e6;
    const got = await keep(x, rstdOf(x, C), C);
    expect(Math.abs((got[5] ?? 0) / 3e6 - 1)).toBeLessThan(2 ** -10);
    expect(got.every(Number.isFinite)).toBe(true);
  });
});
