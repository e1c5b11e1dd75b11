import { describe, expect, it } from 'vitest';
import {
  adamw,
  adamwInt8,
  axpy,
  decodeMoments,
  encodeMoments,
  type Int8Moments,
  sumSquares,
} from '../../src/kernels/cpu/optim.ts';
import {
  encodeAdamw,
  encodeAdamwInt8,
  encodeAxpy,
  encodeSumSquares,
  int8MomentShapes,
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

/** Steps at the edge of what there is; every one leaves finite weights. */
const EXTREMES = {
  'no learning rate': { numbers: { lr: 0 }, gradients: 0.1 },
  'much weight decay': { numbers: { weightDecay: 50 }, gradients: 0.1 },
  'gradients clipped to a tiny norm': { numbers: { clipScale: 1e-20 }, gradients: 0.1 },
  'gradients clipped to almost nothing': { numbers: { clipScale: 1e-38 }, gradients: 0.1 },
  'gradients whose squares leave f32': { numbers: { clipScale: 1 }, gradients: 1e30 },
  'gradients near the largest f32': { numbers: { clipScale: 1 }, gradients: 5e37 },
  'no gradients': { numbers: {}, gradients: 0 },
};

/** Moments from steps before, which gradients of ordinary size gave. */
function startOf(n: number) {
  return {
    w: normals(n, n),
    m: normals(n + 2, n, 0.01),
    v: normals(n + 3, n, 0.1).map((value) => value * value),
  };
}

describe.each(Object.entries(EXTREMES))('adamw with %s', (name, { numbers, gradients }) => {
  const n = 4096;
  const { w, m, v } = startOf(n);
  const g = normals(n + 1, n, gradients);

  it('leaves finite weights, those of its twin', async () => {
    const on = { w: guarded(gpu, [n], w), g: guarded(gpu, [n], g) };
    const moments = { m: gpu.upload('m', [n], m), v: gpu.upload('v', [n], v) };
    const pass = gpu.pass();
    encodeAdamw(pass, { w: on.w.view, g: on.g.view, ...moments, ...NUMBERS, ...numbers });
    gpu.submit(pass);
    const want = { w: Float64Array.from(w), g: Float64Array.from(g) };
    const moved = { m: Float64Array.from(m), v: Float64Array.from(v) };
    adamw({ ...want, ...moved }, { ...NUMBERS, ...numbers });
    const got = await valuesOf(gpu, on.w);
    expect(got.every(Number.isFinite)).toBe(true);
    expect(worstError(got, want.w)).toBeLessThan(TOLERANCES.elementwise);
    if (name === 'no learning rate') expect(got).toEqual(w);
    for (const kind of ['m', 'v'] as const) {
      const kept = await gpu.readF32(moments[kind]);
      expect(worstError(kept, moved[kind]), kind).toBeLessThan(TOLERANCES.elementwise);
    }
  });

  it('leaves finite weights, those of its twin, with moments of 8 bits', async () => {
    const { got, want, moments } = await int8Step({ w, g }, encodeMoments({ m, v }, 1), {
      ...{ ...NUMBERS, ...numbers },
      ...{ decayed: n, seed: 2 },
    });
    expect(got.w.every(Number.isFinite)).toBe(true);
    expect(worstError(got.w, want.w)).toBeLessThan(TOLERANCES.elementwise);
    expectSameMoments(moments.got, moments.want);
  });
});

/** A step of the kernel and one of its twin, from the same start. */
async function int8Step(
  start: { w: Float32Array; g: Float32Array },
  before: Int8Moments,
  numbers: Parameters<typeof adamwInt8>[2],
) {
  const n = start.w.length;
  const words = (codes: Int8Array | Uint8Array) => new Float32Array(Uint8Array.from(codes).buffer);
  const scales = Uint32Array.from(before.base, (base, block) => {
    const [bits = 0] = new Uint32Array(Float32Array.of(before.unit[block] ?? 0).buffer);
    return bits | base;
  });
  const shapes = int8MomentShapes(n);
  const on = {
    w: guarded(gpu, [n], start.w),
    g: guarded(gpu, [n], start.g),
    m: guarded(gpu, shapes.m, words(before.m)),
    v: guarded(gpu, shapes.v, words(before.v)),
    scale: guarded(gpu, shapes.scale, new Float32Array(scales.buffer)),
  };
  const { w, g, m, v, scale } = on;
  const views = { w: w.view, g: g.view, m: m.view, v: v.view, scale: scale.view };
  const pass = gpu.pass();
  encodeAdamwInt8(pass, { ...views, ...numbers });
  gpu.submit(pass);
  const want = { w: Float64Array.from(start.w), g: Float64Array.from(start.g) };
  const after = adamwInt8(want, before, numbers);
  const bytes = async (of: typeof m) => (await valuesOf(gpu, of)).buffer;
  const kept = new Uint32Array(await bytes(scale));
  const moments: Int8Moments = {
    m: new Int8Array(await bytes(m)),
    v: new Uint8Array(await bytes(v)),
    base: kept.map((word) => word & 0xffff),
    unit: Float64Array.from(new Float32Array(kept.map((word) => word & 0xffff0000).buffer)),
  };
  const got = { w: await valuesOf(gpu, w), g: await valuesOf(gpu, g) };
  return { got, want, moments: { got: moments, want: after } };
}

/** Moments are equal but for a few codes: a value next to where rounding turns may come out on its other side. */
function expectSameMoments(got: Int8Moments, want: Int8Moments): void {
  const few = Math.ceil(got.m.length / 500);
  for (const name of ['m', 'v', 'base', 'unit'] as const) {
    const differ = [...got[name]].filter((value, i) => value !== want[name][i]).length;
    expect(differ, name).toBeLessThanOrEqual(few);
  }
  const [a, b] = [decodeMoments(got), decodeMoments(want)];
  const far = [...b.v.keys()].filter((i) => {
    const [m, v, unit] = [b.m[i] ?? Number.NaN, b.v[i] ?? Number.NaN, want.unit[i >> 5] ?? 0];
    // One code of v is at most 1/8 of its value, and moves what a code of m stands for by half as much.
    const nearV = Math.abs((a.v[i] ?? Number.NaN) - v) <= v / 7.9;
    const most = Math.abs(m) / 7 + 1.1 * unit * Math.sqrt(v);
    return !(nearV && Math.abs((a.m[i] ?? Number.NaN) - m) <= most);
  });
  expect(far).toEqual([]);
}

describe('adamw with moments of 8 bits', () => {
  for (const [n, decayed] of [
    [32, 0],
    [64, 32],
    [1056, 1056],
    [4128, 1024],
    [300_000, 64],
  ] as const) {
    it(`of ${n} weights is its twin's`, async () => {
      const { w, m, v } = startOf(n);
      const numbers = { ...NUMBERS, decayed, seed: n };
      const g = normals(n + 1, n, 0.1);
      const before = encodeMoments({ m, v }, 7);
      const { got, want, moments } = await int8Step({ w, g }, before, numbers);
      expect(worstError(got.w, want.w)).toBeLessThan(TOLERANCES.elementwise);
      expect(got.g.every((value) => value === 0)).toBe(true);
      expectSameMoments(moments.got, moments.want);
    });
  }

  it('takes whole blocks only', () => {
    expect(() => int8MomentShapes(33)).toThrow('got 33 elements, need whole blocks of 32');
  });

  it('moves from zeros as one with moments of f32', async () => {
    // g = 4 in every place: w = 1 - 0.01, as below; v = 0.8 in a block of its own is kept as
    // 0.8 rounded to 4 bits of significand, 0.75 or 0.8125.
    const n = 32;
    const numbers = { ...NUMBERS, weightDecay: 0, clipScale: 1 };
    const start = { w: new Float32Array(n).fill(1), g: new Float32Array(n).fill(4) };
    const zeros = {
      ...{ m: new Int8Array(n), v: new Uint8Array(n) },
      ...{ unit: new Float64Array(1), base: new Uint32Array(1) },
    };
    const { got, moments } = await int8Step(start, zeros, {
      ...{ ...numbers, biasCorrection1: 0.1, biasCorrection2: 0.05 },
      ...{ decayed: 0, seed: 1 },
    });
    for (const w of got.w) expect(w).toBeCloseTo(0.99, 6);
    const { v, m } = decodeMoments(moments.got);
    expect(new Set(v)).toEqual(new Set([0.75, 0.8125]));
    // 0.4 within a step of its unit, 1 / 119.
    for (const value of m) expect(Math.abs(value - 0.4)).toBeLessThan(0.4 / 100);
  });
});

describe('moments of 8 bits', () => {
  const meanOf = (m: Float64Array, v: Float64Array) => {
    const sum = { m: m.map(() => 0), v: v.map(() => 0) };
    const seeds = 4000;
    for (let seed = 0; seed < seeds; seed++) {
      const decoded = decodeMoments(encodeMoments({ m, v }, seed));
      decoded.m.forEach((value, i) => {
        sum.m[i] = (sum.m[i] ?? 0) + value / seeds;
        sum.v[i] = (sum.v[i] ?? 0) + (decoded.v[i] ?? 0) / seeds;
      });
    }
    return sum;
  };

  it('are right in the mean, over thirty octaves', () => {
    const octaves = Float64Array.from({ length: 32 }, (_, i) => 1.3 * 2 ** (-i * 0.95));
    const m = octaves.map((value, i) => Math.sqrt(value) * Math.sin(i));
    const mean = meanOf(m, octaves);
    octaves.forEach((value, i) => {
      // 4,000 roundings of at most 1/8 to one side or the other: 5 deviations of 1/16 / sqrt(4000) are 0.5 %.
      expect(Math.abs((mean.v[i] ?? Number.NaN) / value - 1)).toBeLessThan(0.005);
      // Of a unit of 1 / 119 of sqrt(v): 5 deviations of 1/2 / 119 / sqrt(4000), and half of what v's give.
      const off = Math.abs((mean.m[i] ?? Number.NaN) - (m[i] ?? 0)) / Math.sqrt(value);
      expect(off).toBeLessThan(0.003);
    });
  });

  it('raise what is too small for its block, and keep zeros', () => {
    const v = Float64Array.from({ length: 32 }, (_, i) => [1, 1e-12, 0][Math.min(i, 2)] ?? 0);
    const m = v.map(Math.sqrt);
    const { v: kept, m: first } = decodeMoments(encodeMoments({ m, v }, 3));
    // 1 is code 255 of base 1016 - 255. Code 1 has the bits 762 << 20: 1.25 * 2^-32 = 2.9e-10.
    expect([kept[0], kept[1]]).toEqual([1, 1.25 * 2 ** -32]);
    expect([kept[31], first[31]]).toEqual([0, 0]);
    // A step of 1e-6 / sqrt(2.9e-10) = 0.0586 in place of 1, within a unit.
    expect(Math.abs((first[1] ?? 0) / Math.sqrt(kept[1] ?? 0) - 0.0586)).toBeLessThan(0.01);
  });

  it('lose no small change that comes at every step', () => {
    // v falls by 0.1 % a step, far less than a code: after 2,000 steps it is 1.35e-1 of what it was.
    const n = 64;
    let moments = encodeMoments({ m: new Float64Array(n), v: new Float64Array(n).fill(1) }, 0);
    const g = Float64Array.from({ length: n }, (_, i) => (i % 32 === 0 ? 1 : 0));
    for (let seed = 1; seed <= 2000; seed++) {
      const state = { w: new Float64Array(n), g: Float64Array.from(g) };
      const numbers = { ...NUMBERS, beta2: 0.999, clipScale: 1 };
      moments = adamwInt8(state, moments, { ...numbers, decayed: 0, seed });
    }
    const { v } = decodeMoments(moments);
    const fallen = [...v].filter((_, i) => i % 32 !== 0);
    const mean = fallen.reduce((sum, value) => sum + value, 0) / fallen.length;
    expect(mean).toBeGreaterThan(0.135 * 0.8);
    expect(mean).toBeLessThan(0.135 * 1.2);
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
