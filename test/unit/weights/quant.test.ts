import { describe, expect, test } from 'vitest';
import { Rng } from '../../../src/base/rng.ts';
import { readGguf } from '../../../src/weights/gguf.ts';
import { f16ToF32, f32ToF16 } from '../../../src/weights/half.ts';
import { bf16BytesToF32, dequantizeQ8, quantizeQ8 } from '../../../src/weights/quant.ts';
import { goldenSource } from './golden.ts';

describe('f16', () => {
  test('every half goes to f32 and back to the same bits', () => {
    for (let half = 0; half < 65536; half++) {
      const isNan = (half & 0x7c00) === 0x7c00 && (half & 1023) !== 0;
      const back = f32ToF16(f16ToF32(half));
      if (isNan) expect(f16ToF32(back)).toBeNaN();
      else if (back !== half) expect.fail(`${half} came back as ${back}`);
    }
  });

  test.each([
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    // Half-way to 65536, which is infinity: ties go to the even mantissa.
    [65520, 0x7c00],
    [65519, 0x7bff],
    // 1 + 2^-11 is half-way between 1 and 1 + 2^-10: down to even; 1 + 3 · 2^-11: up to even.
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [1 + 2 ** -11 + 2 ** -20, 0x3c01],
    // The least subnormal is 2^-24; half of it is a tie to zero, one and a half of it a tie to two.
    [2 ** -24, 1],
    [2 ** -25, 0],
    [1.5 * 2 ** -24, 2],
    [2 ** -14 - 2 ** -25, 0x0400],
    [-0, 0x8000],
    [1e30, 0x7c00],
  ])('%f is 0x%s', (value, half) => {
    expect(f32ToF16(value)).toBe(half);
  });
});

test('bf16 is the upper half of an f32', () => {
  // 1.0 is 0x3f80, -2.5 is 0xc020.
  expect([...bf16BytesToF32(Uint8Array.of(0x80, 0x3f, 0x20, 0xc0))]).toEqual([1, -2.5]);
});

describe('Q8_0', () => {
  test('scale is amax / 127, quants are rounded half away from zero', () => {
    const values = new Float32Array(32);
    values.set([127, -126.5, 0.5, -0.5, 0.49, -1.5, 2.5]);
    const bytes = quantizeQ8(values);
    const view = new DataView(bytes.buffer);
    expect(bytes.length).toBe(34);
    expect(view.getUint16(0, true)).toBe(0x3c00);
    const quants = Array.from({ length: 8 }, (_, i) => view.getInt8(2 + i));
    expect(quants).toEqual([127, -127, 1, -1, 0, -2, 3, 0]);
  });

  test('the scale is stored as f16, the quants come from the unrounded one', () => {
    const values = new Float32Array(32).fill(1);
    values[1] = -0.3;
    const bytes = quantizeQ8(values);
    const scale = f16ToF32(new DataView(bytes.buffer).getUint16(0, true));
    expect(scale).toBe(f16ToF32(f32ToF16(1 / 127)));
    // -0.3 · 127 = -38.1
    const back = dequantizeQ8(bytes);
    expect(back[0]).toBe(Math.fround(127 * scale));
    expect(back[1]).toBe(Math.fround(-38 * scale));
  });

  test('zeros stay zeros', () => {
    expect(quantizeQ8(new Float32Array(32))).toEqual(new Uint8Array(34));
  });

  test('is within half a step of random values, plus the rounding of the scale', () => {
    const rng = new Rng(5);
    const values = Float32Array.from({ length: 4096 }, () => rng.normal());
    const back = dequantizeQ8(quantizeQ8(values));
    for (let block = 0; block < 128; block++) {
      const part = values.subarray(block * 32, block * 32 + 32);
      const step = part.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127;
      part.forEach((x, i) => {
        const error = Math.abs(x - (back[block * 32 + i] as number));
        // f16 rounds the scale by at most 2^-11 of it, times up to 127 quants.
        expect(error).toBeLessThanOrEqual(step * (0.5 + 127 * 2 ** -11) + 1e-7);
      });
    }
  });

  test('requantising a stored tensor gives its bytes again', async () => {
    const file = await readGguf(goldenSource('q8_0.gguf'));
    const bytes = await file.readTensor('blk.0.attn_q.weight');
    const back = dequantizeQ8(quantizeQ8(dequantizeQ8(bytes)));
    expect(back).toEqual(dequantizeQ8(bytes));
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 1e9])('refuses %f', (value) => {
    const values = new Float32Array(32);
    values[3] = value;
    values[4] = 1;
    expect(() => quantizeQ8(values)).toThrow('did the training diverge?');
  });
});
