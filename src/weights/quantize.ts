// Quantisers beside Q8_0. Must not know which tensor a row belongs to.
// Source: quantize_row_q4_0_ref in ggml-quants.c of ggml-org/ggml at d99724f.
import { assert } from '../base/assert.ts';
import { ModelFileError } from '../base/errors.ts';
import { f16ToF32, f32ToF16 } from './half.ts';

/** Values of a Q4_0 block: an f16 scale and 32 half bytes. */
const BLOCK = 32;
const HALF = 16;
const BLOCK_BYTES = 18;

/**
 * Q4_0 blocks of f32 values, as llama.cpp makes them: d = m / -8 with m the value of the largest
 * size, q = trunc(x / d + 8.5), at most 15; byte j of a block holds values j (low) and j + 16.
 * @param values their number is a multiple of 32.
 * @throws {ModelFileError} for values that are not finite or whose scale is beyond f16.
 */
export function quantizeQ4(values: Float32Array): Uint8Array<ArrayBuffer> {
  assert(values.length % BLOCK === 0, `${values.length} values are no whole Q4_0 blocks`);
  const out = new Uint8Array((values.length / BLOCK) * BLOCK_BYTES);
  const view = new DataView(out.buffer);
  for (let start = 0, at = 0; start < values.length; start += BLOCK, at += BLOCK_BYTES) {
    let extreme = 0;
    for (let i = start; i < start + BLOCK; i++) {
      const value = values[i] as number;
      if (Math.abs(value) > Math.abs(extreme) || Number.isNaN(value)) extreme = value;
    }
    const scale = Math.fround(extreme / -8);
    const half = f32ToF16(scale);
    if (!Number.isFinite(f16ToF32(half))) {
      throw new ModelFileError(
        'quant-range',
        `q4_0: block ${start / BLOCK} has the value ${extreme}, need a finite one below 5.2e5; ` +
          'did the training diverge?',
      );
    }
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    view.setUint16(at, half, true);
    for (let j = 0; j < HALF; j++) {
      const low = nibble(values[start + j] as number, inverse);
      const high = nibble(values[start + HALF + j] as number, inverse);
      out[at + 2 + j] = low | (high << 4);
    }
  }
  return out;
}

function nibble(value: number, inverse: number): number {
  return Math.min(15, Math.trunc(Math.fround(Math.fround(value * inverse) + 8.5)));
}
