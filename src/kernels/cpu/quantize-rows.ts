// Plain twin of quantize_rows: the reference of its test.
import type { Vec } from './linear.ts';

/** Values of x (M, K), times gains (K), as blocks of 32 of 8 bits give them back, and the scale of each block. */
export function quantizeRows(
  x: Vec,
  gains: Vec | null,
  [M, K]: readonly [number, number],
): { values: Float64Array; scales: Float64Array } {
  const values = Float64Array.from(x, (v, i) => Math.fround(v * (gains?.[i % K] ?? 1)));
  const scales = new Float64Array((M * K) / 32);
  for (let block = 0; block < scales.length; block++) {
    const part = values.subarray(block * 32, block * 32 + 32);
    const scale = Math.fround(part.reduce((most, v) => Math.max(most, Math.abs(v)), 0) / 127);
    scales[block] = scale;
    for (let i = 0; i < 32; i++) {
      part[i] = scale === 0 ? 0 : scale * Math.round((part[i] ?? 0) / scale);
    }
  }
  return { values, scales };
}
