import { expect, it } from 'vitest';
import { ShapeError } from '../../src/base/errors.ts';
import { roundedHalf } from '../../src/kernels/cpu/round-half.ts';
import { encodeRoundHalf } from '../../src/kernels/round-half.ts';
import { testGpu } from '../support/gpu.ts';
import { guarded, normals, valuesOf } from '../support/guarded.ts';

const gpu = await testGpu();

async function rounded(x: Float32Array): Promise<Float32Array> {
  const out = guarded(gpu, [x.length], x);
  const pass = gpu.pass();
  encodeRoundHalf(pass, out.view);
  gpu.submit(pass);
  return valuesOf(gpu, out);
}

it.each([
  [4, 30],
  [28, 1],
  [768, 1e-5],
  [4 * 65 * 64 + 4, 30],
])('%i values of size %f become the nearest f16', async (count, size) => {
  const x = normals(count, count, size);
  const got = await rounded(x);
  expect(got).toEqual(Float32Array.from(roundedHalf(x)));
  expect(got).not.toEqual(x);
  // What is rounded stays.
  expect(await rounded(got)).toEqual(got);
});

it('keeps what f16 has, takes ties to even, and holds the rest to its largest', async () => {
  const list: [number, number][] = [
    [0, 0],
    [-2.5, -2.5],
    [1 + 2 ** -10, 1 + 2 ** -10],
    // Half way between two, of which the one whose last bit is 0 is taken; a little more goes up.
    [1 + 2 ** -11, 1],
    [1 + 3 * 2 ** -11, 1 + 2 ** -9],
    [1 + 2 ** -11 + 2 ** -20, 1 + 2 ** -10],
    [65504, 65504],
    [-65519, -65504],
    [65536, 65504],
    [-3e38, -65504],
    // Subnormal: in units of 2⁻²⁴.
    [2 ** -14, 2 ** -14],
    [-(2 ** -24), -(2 ** -24)],
    [5.5 * 2 ** -24, 6 * 2 ** -24],
    [2 ** -14 - 2 ** -26, 2 ** -14],
    [2 ** -26, 0],
    [-(2 ** -26), -0],
  ];
  const x = Float32Array.from(list, ([value]) => value);
  const want = Float32Array.from(list, ([, value]) => value);
  expect(await rounded(x)).toEqual(want);
  expect(Float32Array.from(roundedHalf(x))).toEqual(want);
});

it('refuses what is no multiple of four', () => {
  const x = gpu.tensor('x', [3, 3]);
  expect(() => encodeRoundHalf(gpu.pass(), x)).toThrow(ShapeError);
});
