// Plain twin of the rounding to f16, in place and in the cache: the reference of their tests.
import { f16ToF32, f32ToF16 } from '../../weights/half.ts';
import type { Vec } from './linear.ts';

const LARGEST = 65504;

/** x as f16, ties to even, values beyond ±65,504 as that. */
export function roundedHalf(x: Vec): Float64Array {
  return Float64Array.from(x, (value) =>
    f16ToF32(f32ToF16(Math.min(Math.max(value, -LARGEST), LARGEST))),
  );
}
