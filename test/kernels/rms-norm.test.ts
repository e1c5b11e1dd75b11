import { describe, expect, it } from 'vitest';
import {
  rmsNorm,
  rmsNormGrad,
  rmsNormWeightGrad,
  rmsScale,
} from '../../src/kernels/cpu/rms-norm.ts';
import {
  encodeRmsNorm,
  encodeRmsNormGrad,
  encodeRmsNormWeightGrad,
  encodeRmsScale,
} from '../../src/kernels/rms-norm.ts';
import { testGpu } from '../support/gpu.ts';
import { guarded, normals, valuesOf, worstError } from '../support/guarded.ts';
import { TOLERANCES } from '../support/tolerances.ts';

const gpu = await testGpu();
const EPS = 1e-6;

const SIZES: [number, number][] = [
  [1, 1],
  [1, 7],
  [7, 4],
  [65, 36],
  [130, 128],
  [3, 1022],
];

function inputs(N: number, C: number) {
  const x = normals(N * 31 + C, N * C, 3);
  const w = normals(C, C);
  const dy = normals(N + C, N * C);
  const y = new Float64Array(N * C);
  const rstd = new Float64Array(N);
  rmsNorm(x, w, { y, rstd }, [N, C], EPS);
  return { x, w, dy, y, rstd };
}

async function forward(x: Float32Array, w: Float32Array, [N, C]: [number, number]) {
  const y = guarded(gpu, [N, C]);
  const rstd = guarded(gpu, [N]);
  const pass = gpu.pass();
  encodeRmsNorm(pass, {
    x: gpu.upload('x', [N, C], x),
    w: gpu.upload('w', [C], w),
    y: y.view,
    rstd: rstd.view,
    eps: EPS,
  });
  gpu.submit(pass);
  return { y: await valuesOf(gpu, y), rstd: await valuesOf(gpu, rstd) };
}

describe('rms-norm', () => {
  for (const [N, C] of SIZES) {
    it(`of ${N} rows of ${C} is its twin's`, async () => {
      const { x, w, y, rstd } = inputs(N, C);
      const got = await forward(x, w, [N, C]);
      expect(worstError(got.y, y)).toBeLessThan(TOLERANCES.elementwise);
      expect(worstError(got.rstd, rstd)).toBeLessThan(TOLERANCES.elementwise);
    });
  }

  it.each([
    [1, 32],
    [7, 96],
    [130, 128],
  ])('with its scale apart, %i rows of %i', async (N, C) => {
    const { x, w } = inputs(N, C);
    const want = { y: new Float64Array(N * C), rstd: new Float64Array(N) };
    rmsScale(x, w, want, [N, C], EPS);
    const y = guarded(gpu, [N, C]);
    const rstd = guarded(gpu, [N]);
    const pass = gpu.pass();
    const [xt, wt] = [gpu.upload('x', [N, C], x), gpu.upload('w', [C], w)];
    encodeRmsScale(pass, { x: xt, w: wt, y: y.view, rstd: rstd.view, eps: EPS });
    gpu.submit(pass);
    expect(worstError(await valuesOf(gpu, y), want.y)).toBeLessThan(TOLERANCES.elementwise);
    expect(worstError(await valuesOf(gpu, rstd), want.rstd)).toBeLessThan(TOLERANCES.elementwise);
  });

  it('gives the numbers of a row of 3 and 4', async () => {
    // mean of squares (9 + 16) / 2 = 12.5, so 3 and 4 over sqrt(12.5), times 1 and 2.
    const got = await forward(new Float32Array([3, 4]), new Float32Array([1, 2]), [1, 2]);
    expect(got.y[0]).toBeCloseTo(3 / Math.sqrt(12.5), 6);
    expect(got.y[1]).toBeCloseTo(8 / Math.sqrt(12.5), 5);
  });

  it('gives a row the same bits alone and among others', async () => {
    const [N, C] = [70, 128];
    const { x, w } = inputs(N, C);
    const all = await forward(x, w, [N, C]);
    const one = await forward(x.slice(66 * C, 67 * C), w, [1, C]);
    expect(one.y).toEqual(all.y.slice(66 * C, 67 * C));
  });
});

describe('gradients of rms-norm', () => {
  for (const [N, C] of SIZES) {
    for (const accumulate of [false, true]) {
      it(`by the input, ${N} rows of ${C}${accumulate ? ', added' : ''}`, async () => {
        const { x, w, dy, rstd } = inputs(N, C);
        const before = normals(77, N * C);
        const dx = guarded(gpu, [N, C], before);
        const pass = gpu.pass();
        encodeRmsNormGrad(pass, {
          dy: gpu.upload('dy', [N, C], dy),
          x: gpu.upload('x', [N, C], x),
          w: gpu.upload('w', [C], w),
          rstd: gpu.upload('rstd', [N], Float32Array.from(rstd)),
          dx: dx.view,
          accumulate,
        });
        gpu.submit(pass);
        const want = Float64Array.from(before);
        rmsNormGrad({ dy, x, w, rstd }, want, [N, C], accumulate);
        const got = await valuesOf(gpu, dx);
        expect(worstError(got, want)).toBeLessThan(TOLERANCES.reduction);
      });
    }

    it(`by the weight, ${N} rows of ${C}`, async () => {
      const { x, dy, rstd } = inputs(N, C);
      const before = normals(78, C);
      const dw = guarded(gpu, [C], before);
      const partial = guarded(gpu, [16, C]);
      const pass = gpu.pass();
      encodeRmsNormWeightGrad(pass, {
        dy: gpu.upload('dy', [N, C], dy),
        x: gpu.upload('x', [N, C], x),
        rstd: gpu.upload('rstd', [N], Float32Array.from(rstd)),
        partial: partial.view,
        dw: dw.view,
      });
      gpu.submit(pass);
      const want = Float64Array.from(before);
      rmsNormWeightGrad({ dy, x, rstd }, want, [N, C]);
      expect(worstError(await valuesOf(gpu, dw), want)).toBeLessThan(TOLERANCES.reduction);
      await valuesOf(gpu, partial);
    });
  }
});

describe('shapes', () => {
  it('that do not fit are named', () => {
    const x = gpu.tensor('x', [2, 8]);
    const w = gpu.tensor('w', [4]);
    const rstd = gpu.tensor('rstd', [2]);
    expect(() =>
      encodeRmsNorm(gpu.pass(), { x, w, y: gpu.tensor('y', [2, 8]), rstd, eps: EPS }),
    ).toThrow('rms-norm.w: got [4], need [8]');
  });
});
