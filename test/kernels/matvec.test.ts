import { describe, expect, it } from 'vitest';
import { linear } from '../../src/kernels/cpu/linear.ts';
import { quantizeRows } from '../../src/kernels/cpu/quantize-rows.ts';
import { rmsNorm } from '../../src/kernels/cpu/rms-norm.ts';
import { swiglu } from '../../src/kernels/cpu/swiglu.ts';
import { encodeLinear } from '../../src/kernels/linear.ts';
import { encodeMatvec } from '../../src/kernels/matvec.ts';
import { encodeQuantizeRows } from '../../src/kernels/quantize-rows.ts';
import { encodeRmsScale } from '../../src/kernels/rms-norm.ts';
import { amongRows, f32Matrix, rowsOf, uploadMatrix } from '../../src/kernels/weight-matrix.ts';
import { typeOfName, type UsableType } from '../../src/weights/ggml-types.ts';
import { encoded } from '../support/encoded.ts';
import { testGpu } from '../support/gpu.ts';
import { guarded, normals, valuesOf, worstError } from '../support/guarded.ts';
import { MATRIX_DEVICES, matrixDevices, productBound, weightsOf } from '../support/matrix-case.ts';

const opened = await testGpu();
const devices = matrixDevices(opened);
const EPS = 1e-6;

/** [N, K] */
const SIZES: [number, number][] = [
  [1, 32],
  [70, 96],
  [130, 256],
];

describe.each(MATRIX_DEVICES)('matvec %s', (name) => {
  const { gpu, formats } = devices[name];

  /** x through an RMS norm, in float64. */
  function normed(x: Float32Array, gains: Float32Array, shape: [number, number]): Float64Array {
    const y = new Float64Array(x.length);
    rmsNorm(x, gains, { y, rstd: new Float64Array(shape[0]) }, shape, EPS);
    return y;
  }

  for (const M of [1, 2, 3, 4, 9, 64]) {
    it.each(SIZES)(`${M} x %i x %i, with scale, adding`, async (N, K) => {
      const { w, values } = weightsOf(gpu, 'F32', [N, K]);
      const [x, old] = [normals(1, M * K), normals(3, M * N)];
      const y = guarded(gpu, [M, N], old);
      const pass = gpu.pass();
      const args = { x: gpu.upload('x', [M, K], x), w, y: y.view };
      encodeMatvec(pass, { ...args, scale: 0.5, accumulate: true });
      gpu.submit(pass);
      const want = Float64Array.from(old);
      linear(x, values, want, [M, N, K], 0.5, true);
      expect(worstError(await valuesOf(gpu, y), want)).toBeLessThan(productBound(K));
    });
  }

  it.each(formats)('after a norm, with a bias, in shards, %s', async (format) => {
    const [M, N, K] = [2, 37, 256];
    const { w, values } = weightsOf(gpu, format, [N, K], 4096);
    const [x, g, b] = [normals(1, M * K, 3), normals(2, K), normals(9, N)];
    const y = guarded(gpu, [M, N]);
    const pass = gpu.pass();
    encodeMatvec(pass, {
      ...{ x: gpu.upload('x', [M, K], x), w, y: y.view },
      norm: { w: gpu.upload('g', [K], g), eps: EPS },
      bias: gpu.upload('bias', [N], b),
    });
    gpu.submit(pass);
    const want = new Float64Array(M * N);
    linear(normed(x, g, [M, K]), values, want, [M, N, K]);
    const biased = want.map((value, i) => value + (b[i % N] ?? 0));
    expect(worstError(await valuesOf(gpu, y), biased)).toBeLessThan(productBound(K));
  });

  it.each(['F32', 'Q4_K'] as const)('swiglu of two halves after a norm, %s', async (format) => {
    const [M, F, K] = [3, 70, 256];
    const { w, values } = weightsOf(gpu, format, [2 * F, K]);
    const [x, g] = [normals(1, M * K, 0.2), normals(2, K, 0.2)];
    const y = guarded(gpu, [M, F]);
    const pass = gpu.pass();
    encodeMatvec(pass, {
      ...{ x: gpu.upload('x', [M, K], x), w, y: y.view },
      norm: { w: gpu.upload('g', [K], g), eps: EPS },
      swiglu: true,
    });
    gpu.submit(pass);
    const input = normed(x, g, [M, K]);
    const [gate, up] = [new Float64Array(M * F), new Float64Array(M * F)];
    linear(input, values.subarray(0, F * K), gate, [M, F, K]);
    linear(input, values.subarray(F * K), up, [M, F, K]);
    const want = new Float64Array(M * F);
    swiglu(gate, up, want);
    expect(worstError(await valuesOf(gpu, y), want)).toBeLessThan(productBound(K) * 4);
  });

  it('adds the low-rank part of three projections, with the bits of products apart', async () => {
    const [M, K, R, scale] = [3, 96, 8, 0.5];
    const [cuts, N] = [[20, 33], 70];
    const { w } = weightsOf(gpu, 'F32', [N, K]);
    const x = gpu.upload('x', [M, K], normals(1, M * K));
    const g = gpu.upload('g', [K], normals(2, K));
    const lows = normals(3, M * 3 * R);
    const bValues = normals(4, N * R);
    const y = gpu.tensor('y', [M, N]);
    const apart = gpu.tensor('apart', [M, N]);
    const lora = {
      low: gpu.upload('low', [M, 3 * R], lows),
      b: gpu.upload('b', [N, R], bValues),
      ...{ cuts, scale },
    };
    const pass = gpu.pass();
    const norm = { w: g, eps: EPS };
    encodeMatvec(pass, { x, w, y, norm, lora });
    encodeMatvec(pass, { x, w, y: apart, norm });
    [0, ...cuts].forEach((from, i, firsts) => {
      const to = firsts[i + 1] ?? N;
      const part = Float32Array.from({ length: M * R }, (_, at) => {
        const m = Math.floor(at / R);
        return lows[m * 3 * R + i * R + (at % R)] ?? 0;
      });
      const b = f32Matrix(lora.b);
      encodeLinear(pass, {
        ...{ x: gpu.upload('part', [M, R], part), y: apart, scale, accumulate: true },
        w: amongRows(rowsOf(b, from, to - from), from, N),
      });
    });
    gpu.submit(pass);
    const [got, want] = [await gpu.readF32(y), await gpu.readF32(apart)];
    if (gpu.caps.family === 'cpu') expect(got).toEqual(want);
    expect(worstError(got, want)).toBeLessThan(productBound(K));
  });

  /** Products after a norm by a part of a matrix: of `count` rows of x from `from` on, or of all by tiles. */
  function productsOf(format: UsableType, M: number) {
    const [N, K] = [70, 256];
    const { w } = weightsOf(gpu, format, [N + 6, K]);
    const part = rowsOf(w, 6, N);
    const x = normals(8, M * K);
    const g = gpu.upload('g', [K], normals(2, K));
    const few = async (from: number, count: number) => {
      const y = gpu.tensor('few', [count, N]);
      const some = gpu.upload('x', [count, K], x.slice(from * K, (from + count) * K));
      const pass = gpu.pass();
      encodeMatvec(pass, { x: some, w: part, y, norm: { w: g, eps: EPS } });
      gpu.submit(pass);
      return await gpu.readF32(y);
    };
    const tiled = async () => {
      const y = gpu.tensor('many', [M, N]);
      const [xg, rstd] = [gpu.tensor('xg', [M, K]), gpu.tensor('rstd', [M])];
      const pass = gpu.pass();
      encodeRmsScale(pass, { x: gpu.upload('x', [M, K], x), w: g, y: xg, rstd, eps: EPS });
      encodeLinear(pass, { x: xg, w: part, y, rowScale: rstd });
      gpu.submit(pass);
      return await gpu.readF32(y);
    };
    return { N, K, few, tiled };
  }

  // What is tried here does not depend on the format, and every number of rows is compiled anew.
  const some = formats.slice(0, gpu.caps.subgroupSize > 0 ? 2 : 1);
  it.each(some)('has the bits of the same row alone and beside others, %s', async (format) => {
    const M = gpu.caps.subgroupSize > 0 ? 23 : 4;
    const { N, few } = productsOf(format, M);
    const all = await few(0, M);
    for (const [from, count] of [
      [0, 1],
      [1, 2],
      [M - 3, 3],
    ] as const) {
      expect(await few(from, count)).toEqual(all.slice(from * N, (from + count) * N));
    }
  });

  it.each(formats)('agrees with a tile of many rows, %s', async (format) => {
    const { N, K, few, tiled } = productsOf(format, 9);
    const all = await tiled();
    for (const [from, count] of [
      [0, 1],
      [3, 2],
      [5, 4],
    ] as const) {
      const [got, want] = [await few(from, count), all.slice(from * N, (from + count) * N)];
      if (gpu.caps.family === 'cpu') expect(got).toEqual(want);
      expect(worstError(got, want)).toBeLessThan(productBound(K));
    }
  });

  const blocks = formats.filter((format) => typeOfName(format)?.block !== 1);
  /** Weights and rows for products of 8 bits after a norm, and the rows that 8 bits give back, normed. */
  function in8Bits(format: UsableType, [M, N, K]: [number, number, number]) {
    const { w, values } = weightsOf(gpu, format, [N, K]);
    const [x, g] = [normals(1, M * K, 0.2), normals(2, K)];
    const [input, gains] = [gpu.upload('x', [M, K], x), gpu.upload('g', [K], g)];
    const x8 = {
      q: gpu.tensor('x8', [M, K / 4], 'u32'),
      scale: gpu.tensor('x8.scale', [M, K / 32, 4]),
    };
    const pass = gpu.pass();
    encodeQuantizeRows(pass, { x: input, gains, to: x8 });
    gpu.submit(pass);
    // Over the root mean square of x itself.
    const rounded = quantizeRows(x, g, [M, K]).values.map((value, i) => {
      const row = x.slice(Math.floor(i / K) * K, Math.floor(i / K) * K + K);
      const meanSquare = row.reduce((sum, v) => sum + v * v, 0) / K;
      return value / Math.sqrt(meanSquare + EPS);
    });
    return { args: { x: input, x8, w, norm: { w: gains, eps: EPS } }, values, rounded };
  }

  it.each(blocks)('takes rows of 8 bits after a norm, %s', async (format) => {
    const [M, N, K] = [3, 70, 256];
    const { args, values, rounded } = in8Bits(format, [M, N, K]);
    const y = guarded(gpu, [M, N]);
    const pass = gpu.pass();
    encodeMatvec(pass, { ...args, y: y.view });
    gpu.submit(pass);
    const want = new Float64Array(M * N);
    linear(rounded, values, want, [M, N, K]);
    expect(worstError(await valuesOf(gpu, y), want)).toBeLessThan(productBound(K) * 4);
  });

  it('takes rows of 8 bits into swiglu, the same beside any rows', async () => {
    const [M, F, K] = [9, 35, 256];
    const { args, values, rounded } = in8Bits('Q4_K', [M, 2 * F, K]);
    const [y, one] = [guarded(gpu, [M, F]), guarded(gpu, [1, F])];
    const pass = gpu.pass();
    encodeMatvec(pass, { ...args, y: y.view, swiglu: true });
    const { x, x8 } = args;
    const first = {
      x: { ...x, shape: [1, K] },
      x8: {
        q: { ...x8.q, shape: [1, K / 4] },
        scale: { ...x8.scale, shape: [1, K / 32, 4] },
      },
    };
    encodeMatvec(pass, { ...args, ...first, y: one.view, swiglu: true });
    gpu.submit(pass);
    const [gate, up] = [new Float64Array(M * F), new Float64Array(M * F)];
    linear(rounded, values.subarray(0, F * K), gate, [M, F, K]);
    linear(rounded, values.subarray(F * K), up, [M, F, K]);
    const want = new Float64Array(M * F);
    swiglu(gate, up, want);
    const got = await valuesOf(gpu, y);
    expect(worstError(got, want)).toBeLessThan(productBound(K) * 16);
    expect(await valuesOf(gpu, one)).toEqual(got.slice(0, F));
  });
});

it('rounds rows to 8 bits by blocks, also a block of zeros', async () => {
  const gpu = opened;
  const [M, K] = [3, 96];
  const x = normals(4, M * K);
  x.fill(0, 64, 96);
  const q = guarded(gpu, [M, K / 4]);
  const scale = guarded(gpu, [M, K / 32, 4]);
  const pass = gpu.pass();
  const to = { q: { ...q.view, type: 'u32' as const }, scale: scale.view };
  encodeQuantizeRows(pass, { x: gpu.upload('x', [M, K], x), gains: null, to });
  gpu.submit(pass);
  const want = quantizeRows(x, null, [M, K]);
  const factors = await valuesOf(gpu, scale);
  const words = new Int8Array((await valuesOf(gpu, q)).buffer);
  const got = Array.from(words, (v, i) => v * (factors[(i >> 5) * 4] ?? Number.NaN));
  expect(worstError(got, want.values)).toBeLessThan(1e-6);
  for (let block = 0; block < want.scales.length; block++) {
    const part = Array.from(x.slice(block * 32, block * 32 + 32));
    const back = want.values.slice(block * 32, block * 32 + 32);
    const total = (list: ArrayLike<number>) => Array.from(list).reduce((sum, v) => sum + v, 0);
    const sums = [
      want.scales[block] ?? 0,
      total(back.slice(0, 16)),
      total(back.slice(16)),
      total(part.map((v) => v * v)),
    ];
    expect(worstError(factors.slice(block * 4, block * 4 + 4), sums)).toBeLessThan(1e-5);
  }
});

it('refuses more rows than it takes', () => {
  const [x, y] = [opened.tensor('x', [65, 32]), opened.tensor('y', [65, 1])];
  const { bytes } = encoded('F32', 1, 32);
  const w = uploadMatrix(opened, 'w', 'F32', [1, 32], bytes);
  expect(() => encodeMatvec(opened.pass(), { x, w, y })).toThrow('need at most 64 rows');
});
