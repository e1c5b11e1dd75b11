import { describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { linear, linearInputGrad, linearWeightGrad } from '../../src/kernels/cpu/linear.ts';
import { encodeLinear, encodeLinearInputGrad, encodeLinearWeightGrad } from '../../src/kernels/linear.ts';
import { uploadF32Matrix, uploadQ8Matrix, type WeightMatrix } from '../../src/kernels/weight-matrix.ts';
import { dequantizeQ8, quantizeQ8 } from '../../src/weights/quant.ts';
import { testGpu } from '../support/gpu.ts';

const SENTINEL = 12345.5;
const gpu = await testGpu();

function normals(rng: Rng, n: number): Float32Array {
  return Float32Array.from({ length: n }, () => rng.normal());
}

/** An output with sentinel words behind it, seen as its first elements. */
function guarded(values: Float32Array, shape: number[]) {
  const padded = new Float32Array(values.length + 64).fill(SENTINEL);
  padded.set(values);
  const whole = gpu.upload('guarded', [padded.length], padded);
  return { whole, view: { ...whole, shape } };
}

async function compare(out: { whole: { shape: readonly number[] } & object }, want: Float64Array, K: number) {
  const got = await gpu.readF32(out.whole as Parameters<typeof gpu.readF32>[0]);
  const bound = 2e-6 * Math.sqrt(K) + 1e-6;
  let worst = 0;
  want.forEach((value, i) => {
    worst = Math.max(worst, Math.abs((got[i] ?? Number.NaN) - value) / (1 + Math.abs(value)));
  });
  expect(worst).toBeLessThan(bound);
  for (const word of got.subarray(want.length)) expect(word).toBe(SENTINEL);
}

const SIZES: [number, number, number][] = [
  [1, 1, 4],
  [1, 7, 32],
  [3, 70, 64],
  [5, 130, 12],
  [16, 384, 128],
  [37, 65, 36],
  [64, 128, 384],
  [150, 8, 128],
];

function weightsOf(format: 'F32' | 'Q8_0', N: number, K: number, rng: Rng) {
  const values = normals(rng, N * K);
  if (format === 'F32') return { matrix: uploadF32Matrix(gpu, 'w', N, K, values), values };
  const blocks = quantizeQ8(values);
  return { matrix: uploadQ8Matrix(gpu, 'w', N, K, blocks), values: dequantizeQ8(blocks) };
}

describe.each(['F32', 'Q8_0'] as const)('linear with %s weights', (format) => {
  for (const [M, N, K] of SIZES) {
    if (format === 'Q8_0' && K % 32 !== 0) continue;
    for (const accumulate of [false, true]) {
      it(`${M}x${N}x${K}${accumulate ? ' accumulated' : ''}`, async () => {
        const rng = new Rng(M * 7919 + N * 31 + K);
        const { matrix, values } = weightsOf(format, N, K, rng);
        const size = [M, N, K] as const;
        const x = normals(rng, M * K);
        const dy = normals(rng, M * N);
        const y = guarded(normals(rng, M * N), [M, N]);
        const dx = guarded(normals(rng, M * K), [M, K]);
        const wantY = Float64Array.from((await gpu.readF32(y.whole)).subarray(0, M * N));
        const wantDx = Float64Array.from((await gpu.readF32(dx.whole)).subarray(0, M * K));
        linear(x, values, wantY, size, 0.5, accumulate);
        linearInputGrad(dy, values, wantDx, size, 0.5, accumulate);
        const pass = gpu.pass();
        const common = { w: matrix as WeightMatrix, scale: 0.5, accumulate };
        encodeLinear(pass, { ...common, x: gpu.upload('x', [M, K], x), y: y.view });
        encodeLinearInputGrad(pass, { ...common, dy: gpu.upload('dy', [M, N], dy), dx: dx.view });
        gpu.submit(pass);
        await compare(y, wantY, K);
        await compare(dx, wantDx, N);
      });
    }
  }
});

describe('linear weight gradient', () => {
  for (const [M, N, K] of SIZES) {
    it(`${M}x${N}x${K}`, async () => {
      const rng = new Rng(M + N * 101 + K * 7);
      const x = normals(rng, M * K);
      const dy = normals(rng, M * N);
      const start = normals(rng, N * K);
      const dw = guarded(start, [N, K]);
      const want = Float64Array.from(start);
      linearWeightGrad(dy, x, want, [M, N, K], 0.25);
      const pass = gpu.pass();
      encodeLinearWeightGrad(pass, {
        dy: gpu.upload('dy', [M, N], dy),
        x: gpu.upload('x', [M, K], x),
        dw: dw.view,
        scale: 0.25,
      });
      gpu.submit(pass);
      await compare(dw, want, M);
    });
  }
});

describe('rows', () => {
  it('have the same bits alone and in a batch', async () => {
    const rng = new Rng(5);
    const [M, N, K] = [33, 70, 128];
    const { matrix } = weightsOf('Q8_0', N, K, rng);
    const x = normals(rng, M * K);
    const all = gpu.tensor('y', [M, N]);
    const pass = gpu.pass();
    encodeLinear(pass, { x: gpu.upload('x', [M, K], x), w: matrix, y: all });
    gpu.submit(pass);
    const want = await gpu.readF32(all);
    for (const [from, count] of [[0, 1], [7, 3], [20, 13]] as const) {
      const part = gpu.tensor('y', [count, N]);
      const single = gpu.pass();
      const some = gpu.upload('x', [count, K], x.slice(from * K, (from + count) * K));
      encodeLinear(single, { x: some, w: matrix, y: part });
      gpu.submit(single);
      expect(await gpu.readF32(part)).toEqual(want.slice(from * N, (from + count) * N));
    }
  });
});
