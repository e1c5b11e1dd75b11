import { describe, expect, test } from 'vitest';
import { f16ToF32, f32ToF16 } from '../../../src/weights/half.ts';
import { bf16BytesToF32 } from '../../../src/weights/quant.ts';

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
