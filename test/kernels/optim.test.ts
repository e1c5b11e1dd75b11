import { describe, expect, it } from 'vitest';
import { adamw, axpy, sumSquares } from '../../src/kernels/cpu/optim.ts';
import {
  encodeAdamw,
  encodeAxpy,
  encodeSumSquares,
  SUM_SQUARES_LANES,
} from '../../src/kernels/optim.ts';
import { testGpu } from '../support/gpu.ts';
import { guarded, normals, valuesOf, worstError } from '../support/guarded.ts';
import { TOLERANCES } from '../support/tolerances.ts';

const gpu = await testGpu();
const SIZES = [1, 7, 64, 1023, 4100, 300_000];

const NUMBERS = {
  lr: 0.01,
  beta1: 0.9,
  beta2: 0.95,
  eps: 1e-8,
  weightDecay: 0.1,
  biasCorrection1: 1 - 0.9 ** 3,
  biasCorrection2: 1 - 0.95 ** 3,
  clipScale: 0.5,
};

describe('adamw', () => {
  for (const n of SIZES) {
    it(`of ${n} weights is its twin's`, async () => {
      const start = {
        w: normals(n, n),
        g: normals(n + 1, n, 0.1),
        m: normals(n + 2, n, 0.01),
        v: normals(n + 3, n, 0.1).map((value) => value * value),
      };
      const on = {
        w: guarded(gpu, [n], start.w),
        g: guarded(gpu, [n], start.g),
        m: guarded(gpu, [n], start.m),
        v: guarded(gpu, [n], start.v),
      };
      const pass = gpu.pass();
      encodeAdamw(pass, {
        ...NUMBERS,
        ...{ w: on.w.view, g: on.g.view, m: on.m.view, v: on.v.view },
      });
      gpu.submit(pass);
      const want = {
        w: Float64Array.from(start.w),
        g: Float64Array.from(start.g),
        m: Float64Array.from(start.m),
        v: Float64Array.from(start.v),
      };
      adamw(want, NUMBERS);
      for (const name of ['w', 'g', 'm', 'v'] as const) {
        const got = await valuesOf(gpu, on[name]);
        expect(worstError(got, want[name]), name).toBeLessThan(TOLERANCES.elementwise);
      }
      expect((await valuesOf(gpu, on.g)).every((value) => value === 0)).toBe(true);
    });
  }

  it('moves a weight by the learning rate at its first step', async () => {
    // g = 4 gives m = 0.4 and v = 0.8; m / 0.1 = 4, v / 0.05 = 16: step 4 / 4 = 1.
    // No decay: w = 1 - 0.01.
    const one = (value: number) => guarded(gpu, [1], new Float32Array([value]));
    const [w, g, m, v] = [one(1), one(4), one(0), one(0)];
    const pass = gpu.pass();
    encodeAdamw(pass, {
      ...{ w: w.view, g: g.view, m: m.view, v: v.view },
      ...{ lr: 0.01, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0 },
      ...{ biasCorrection1: 0.1, biasCorrection2: 0.05, clipScale: 1 },
    });
    gpu.submit(pass);
    expect((await valuesOf(gpu, w))[0]).toBeCloseTo(0.99, 6);
    expect((await valuesOf(gpu, v))[0]).toBeCloseTo(0.8, 6);
  });
});

describe('axpy', () => {
  for (const n of SIZES) {
    it(`of ${n} values is its twin's`, async () => {
      const x = normals(n, n);
      const start = normals(n + 1, n);
      const y = guarded(gpu, [n], start);
      const pass = gpu.pass();
      encodeAxpy(pass, { a: -0.75, x: gpu.upload('x', [n], x), y: y.view });
      gpu.submit(pass);
      const want = Float64Array.from(start);
      axpy(-0.75, x, want);
      expect(worstError(await valuesOf(gpu, y), want)).toBeLessThan(TOLERANCES.elementwise);
    });
  }
});

describe('sum of squares', () => {
  for (const n of SIZES) {
    for (const accumulate of [false, true]) {
      it(`of ${n} values${accumulate ? ', added' : ''}`, async () => {
        const x = normals(n, n);
        const total = guarded(gpu, [1], new Float32Array([2]));
        const partial = guarded(gpu, [SUM_SQUARES_LANES]);
        const pass = gpu.pass();
        const args = { x: gpu.upload('x', [n], x), partial: partial.view, total: total.view };
        encodeSumSquares(pass, { ...args, accumulate });
        gpu.submit(pass);
        const want = sumSquares(x) + (accumulate ? 2 : 0);
        const got = await valuesOf(gpu, total);
        expect(worstError(got, [want])).toBeLessThan(TOLERANCES.reduction);
        await valuesOf(gpu, partial);
      });
    }
  }
});
