import { describe, expect, test } from 'vitest';
import { Rng } from '../../../src/base/rng.ts';
import { dequantize } from '../../../src/weights/quant.ts';
import { quantizeQ4 } from '../../../src/weights/quantize.ts';

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
