import { describe, expect, it } from 'vitest';
import { linear } from '../../src/kernels/cpu/linear.ts';
import { rmsNorm } from '../../src/kernels/cpu/rms-norm.ts';
import { swiglu } from '../../src/kernels/cpu/swiglu.ts';
import { encodeLinear } from '../../src/kernels/linear.ts';
import { encodeMatvec, MATVEC_ROWS } from '../../src/kernels/matvec.ts';
import { encodeRmsScale } from '../../src/kernels/rms-norm.ts';
import { amongRows, f32Matrix, rowsOf, uploadMatrix } from '../../src/kernels/weight-matrix.ts';
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

  for (let M = 1; M <= MATVEC_ROWS; M++) {
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
    expect(await gpu.readF32(y)).toEqual(await gpu.readF32(apart));
  });

  it.each(formats)('has the bits of a tile of many rows, %s', async (format) => {
    const [M, N, K] = [9, 70, 256];
    const { w } = weightsOf(gpu, format, [N + 6, K]);
    const part = rowsOf(w, 6, N);
    const x = normals(8, M * K);
    const g = gpu.upload('g', [K], normals(2, K));
    const many = gpu.tensor('many', [M, N]);
    const [xg, rstd] = [gpu.tensor('xg', [M, K]), gpu.tensor('rstd', [M])];
    const pass = gpu.pass();
    encodeRmsScale(pass, { x: gpu.upload('x', [M, K], x), w: g, y: xg, rstd, eps: EPS });
    encodeLinear(pass, { x: xg, w: part, y: many, rowScale: rstd });
    gpu.submit(pass);
    const all = await gpu.readF32(many);
    for (const [from, count] of [
      [0, 1],
      [3, 2],
      [5, 4],
    ] as const) {
      const few = gpu.tensor('few', [count, N]);
      const some = gpu.upload('x', [count, K], x.slice(from * K, (from + count) * K));
      const again = gpu.pass();
      encodeMatvec(again, { x: some, w: part, y: few, norm: { w: g, eps: EPS } });
      gpu.submit(again);
      expect(await gpu.readF32(few)).toEqual(all.slice(from * N, (from + count) * N));
    }
  });
});

it('refuses more rows than it takes', () => {
  const [x, y] = [opened.tensor('x', [5, 32]), opened.tensor('y', [5, 1])];
  const { bytes } = encoded('F32', 1, 32);
  const w = uploadMatrix(opened, 'w', 'F32', [1, 32], bytes);
  expect(() => encodeMatvec(opened.pass(), { x, w, y })).toThrow('need at most 4 rows');
});
