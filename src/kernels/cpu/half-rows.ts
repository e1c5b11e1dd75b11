// Plain twin of rows kept in halves: the reference of their tests.
import { f16ToF32, f32ToF16 } from '../../weights/half.ts';
import type { Vec } from './linear.ts';

/** x (N, C) as it comes back from f16(x · rstd), each row n in units of 1 / rstd[n]. */
export function halved(x: Vec, rstd: Vec): Float64Array {
  const C = x.length / rstd.length;
  return Float64Array.from(x, (value, i) => {
    const unit = rstd[Math.floor(i / C)] ?? 0;
    return f16ToF32(f32ToF16(value * unit)) / unit;
  });
}
