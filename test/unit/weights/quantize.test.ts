import { describe, expect, test } from 'vitest';
import { Rng } from '../../../src/base/rng.ts';
import { readGguf } from '../../../src/weights/gguf.ts';
import { f16ToF32, f32ToF16 } from '../../../src/weights/half.ts';
import { dequantize, dequantizeQ8 } from '../../../src/weights/quant.ts';
import { quantizeQ4, quantizeQ8 } from '../../../src/weights/quantize.ts';
import { goldenSource } from './golden.ts';

describe('quantizeQ8', () => {
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

describe('quantizeQ4', () => {
  test('a block by hand', () => {
    const values = new Float32Array(32);
    // The largest size is that of -4, so d = -4 / -8 = 0.5 (0x3800 as f16).
    values[0] = -4;
    // 1 / 0.5 + 8.5 = 10.5: 10. 4 / 0.5 + 8.5 = 16.5: 16, kept at 15. -0.3 / 0.5 + 8.5 = 7.9: 7.
    values[1] = 1;
    values[16] = 4;
    values[17] = -0.3;
    const bytes = quantizeQ4(values);
    // 0 + 8.5 = 8.5: 8. Byte j: value j below, value j + 16 above.
    expect([...bytes.subarray(0, 4)]).toEqual([0x00, 0x38, 0xf0, 0x7a]);
    expect([...bytes.subarray(4)]).toEqual(new Array(14).fill(0x88));
    expect([...dequantize('Q4_0', bytes)].slice(0, 2)).toEqual([-4, 1]);
    expect(dequantize('Q4_0', bytes)[16]).toBe(3.5);
  });

  test('of two values of one size, the first sets the scale', () => {
    const values = new Float32Array(32);
    values[3] = 2;
    values[5] = -2;
    // d = 2 / -8 = -0.25: 2 becomes 0, -2 becomes 8 + 8.5 = 16, kept at 15, which is -1.75.
    const back = dequantize('Q4_0', quantizeQ4(values));
    expect([back[3], back[5]]).toEqual([2, -1.75]);
  });

  test('blocks of zeros stay zero, and quantising again changes nothing', () => {
    const zeros = dequantize('Q4_0', quantizeQ4(new Float32Array(64)));
    expect(zeros.every((value) => value === 0)).toBe(true);
    const rng = new Rng(55);
    const values = Float32Array.from({ length: 32 * 200 }, () => rng.next() * 6 - 3);
    const once = quantizeQ4(values);
    // The largest value is -8 d, so the second scale is the first.
    expect(Buffer.compare(quantizeQ4(dequantize('Q4_0', once)), once)).toBe(0);
  });

  test('refuses what has no scale', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, 1e7]) {
      const values = new Float32Array(32).fill(1);
      values[31] = bad;
      expect(() => quantizeQ4(values)).toThrow(`q4_0: block 0 has the value ${bad}`);
    }
    expect(() => quantizeQ4(new Float32Array(31))).toThrow('31 values are no whole Q4_0 blocks');
  });
});
