import { describe, expect, it } from 'vitest';
import { linear, linearInputGrad, linearWeightGrad } from '../../src/kernels/cpu/linear.ts';
import {
  encodeLinear,
  encodeLinearInputGrad,
  encodeLinearWeightGrad,
} from '../../src/kernels/linear.ts';
import { testGpu } from '../support/gpu.ts';
import { guarded, normals, valuesOf, worstError } from '../support/guarded.ts';
import { MATRIX_DEVICES, matrixDevices, productBound, weightsOf } from '../support/matrix-case.ts';

const devices = matrixDevices(await testGpu());

/** The tiled products of the GPU family do not know subgroups, and cost software drivers dearly. */
const DEVICES = MATRIX_DEVICES.filter((name) => name !== 'of the GPU family without subgroups');
const SIZES: [number, number, number][] = [
  [1, 1, 4],
  [1, 7, 32],
  [3, 70, 64],
  [5, 130, 12],
  [16, 384, 128],
  [37, 65, 36],
  [64, 128, 384],
  [150, 8, 128],
  [1, 5, 512],
  [3, 9, 256],
  [20, 33, 768],
];

describe.each(DEVICES)('linear %s', (name) => {
  const { gpu, formats } = devices[name];

  // Every format at one size of each tile (the GPU family has one: below); F32 at all sizes, overwriting and adding.
  const cases = SIZES.flatMap(([M, N, K], i) =>
    formats.flatMap((format) => {
      const all = format === 'F32';
      if (!all && gpu.caps.family === 'gpu') return [];
      if (!all && K % 256 !== 0) return [];
      const accumulates = all ? [false, true] : [i % 2 === 0];
      return accumulates.map((accumulate) => ({ M, N, K, format, accumulate }));
    }),
  );

  it.each(cases)('$M x $N x $K, $format, accumulate $accumulate', async (one) => {
    const { M, N, K, format, accumulate } = one;
    const { w, values } = weightsOf(gpu, format, [N, K]);
    const size = [M, N, K] as const;
    const [x, dy] = [normals(1, M * K), normals(2, M * N)];
    const [oldY, oldDx] = [normals(3, M * N), normals(4, M * K)];
    const y = guarded(gpu, [M, N], oldY);
    const dx = guarded(gpu, [M, K], oldDx);
    const pass = gpu.pass();
    const common = { w, scale: 0.5, accumulate };
    encodeLinear(pass, { ...common, x: gpu.upload('x', [M, K], x), y: y.view });
    encodeLinearInputGrad(pass, { ...common, dy: gpu.upload('dy', [M, N], dy), dx: dx.view });
    gpu.submit(pass);
    const wantY = Float64Array.from(oldY);
    const wantDx = Float64Array.from(oldDx);
    linear(x, values, wantY, size, 0.5, accumulate);
    linearInputGrad(dy, values, wantDx, size, 0.5, accumulate);
    expect(worstError(await valuesOf(gpu, y), wantY)).toBeLessThan(productBound(K));
    expect(worstError(await valuesOf(gpu, dx), wantDx)).toBeLessThan(productBound(N));
  });

  it.each(formats)('in shards of whole rows, with a bias, %s', async (format) => {
    const [M, N, K] = [5, 37, 256];
    const { w, values } = weightsOf(gpu, format, [N, K], 4096);
    expect(w.shards.length).toBeGreaterThan(1);
    const [x, dy, b] = [normals(1, M * K), normals(2, M * N), normals(9, N)];
    const y = guarded(gpu, [M, N], normals(3, M * N));
    const dx = guarded(gpu, [M, K], normals(4, M * K));
    const bias = gpu.upload('bias', [N], b);
    const pass = gpu.pass();
    encodeLinear(pass, { x: gpu.upload('x', [M, K], x), w, y: y.view, bias });
    encodeLinearInputGrad(pass, { dy: gpu.upload('dy', [M, N], dy), w, dx: dx.view });
    gpu.submit(pass);
    const wantY = new Float64Array(M * N);
    const wantDx = new Float64Array(M * K);
    linear(x, values, wantY, [M, N, K]);
    linearInputGrad(dy, values, wantDx, [M, N, K]);
    const wantBiased = wantY.map((value, i) => value + (b[i % N] ?? 0));
    expect(worstError(await valuesOf(gpu, y), wantBiased)).toBeLessThan(productBound(K));
    expect(worstError(await valuesOf(gpu, dx), wantDx)).toBeLessThan(productBound(N));
  });

  it.each(SIZES)('weight gradient %i x %i x %i', async (M, N, K) => {
    const [x, dy, start] = [normals(5, M * K), normals(6, M * N), normals(7, N * K)];
    const dw = guarded(gpu, [N, K], start);
    const pass = gpu.pass();
    encodeLinearWeightGrad(pass, {
      dy: gpu.upload('dy', [M, N], dy),
      x: gpu.upload('x', [M, K], x),
      dw: dw.view,
      scale: 0.25,
    });
    gpu.submit(pass);
    const want = Float64Array.from(start);
    linearWeightGrad(dy, x, want, [M, N, K], 0.25);
    expect(worstError(await valuesOf(gpu, dw), want)).toBeLessThan(productBound(M));
  });

  it('gives a row the same bits alone and in a batch', async () => {
    const [M, N, K] = [33, 70, 128];
    const { w } = weightsOf(gpu, 'Q8_0', [N, K]);
    const x = normals(8, M * K);
    const run = async (from: number, count: number) => {
      const y = gpu.tensor('y', [count, N]);
      const pass = gpu.pass();
      const some = x.slice(from * K, (from + count) * K);
      encodeLinear(pass, { x: gpu.upload('x', [count, K], some), w, y });
      gpu.submit(pass);
      return await gpu.readF32(y);
    };
    const all = await run(0, M);
    for (const [from, count] of [
      [0, 1],
      [7, 3],
      [20, 13],
    ] as const) {
      expect(await run(from, count)).toEqual(all.slice(from * N, (from + count) * N));
    }
  });
});
