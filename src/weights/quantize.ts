// Encoders of f32 values: quantisers and rounding. Must not know which tensor a row belongs to.
// Source: quantize_row_q8_0_ref and quantize_row_q4_0_ref in ggml-quants.c of ggml-org/ggml at d99724f.
import { assert } from '../base/assert.ts';
import { ModelFileError } from '../base/errors.ts';
import { f16ToF32, f32ToF16 } from './half.ts';
import { f32Bytes, Q4_BLOCK, Q4_BLOCK_BYTES, Q8_BLOCK, Q8_BLOCK_BYTES } from './quant.ts';

/**
 * Q8_0 blocks of f32 values, as llama.cpp makes them: d = amax / 127, rounded to f16; q = round(x /
 * d), half away from zero, with the unrounded d.
 * @param values their number is a multiple of 32.
 * @throws {ModelFileError} for values that are not finite or whose scale is beyond f16.
 */
export function quantizeQ8(values: Float32Array): Uint8Array<ArrayBuffer> {
  assert(values.length % Q8_BLOCK === 0, `${values.length} values are no whole Q8_0 blocks`);
  const blocks = values.length / Q8_BLOCK;
  const out = new Uint8Array(blocks * Q8_BLOCK_BYTES);
  const view = new DataView(out.buffer);
  for (let block = 0; block < blocks; block++) {
    const start = block * Q8_BLOCK;
    let largest = 0;
    for (let i = start; i < start + Q8_BLOCK; i++) {
      const size = Math.abs(values[i] as number);
      if (size > largest || Number.isNaN(size)) largest = size;
    }
    const scale = Math.fround(largest / 127);
    const half = f32ToF16(scale);
    if (!Number.isFinite(f16ToF32(half))) {
      throw new ModelFileError(
        'quant-range',
        `q8_0: block ${block} has the value ${largest}, need a finite one below 8.3e6; ` +
          'did the training diverge?',
      );
    }
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    const at = block * Q8_BLOCK_BYTES;
    view.setUint16(at, half, true);
    for (let i = 0; i < Q8_BLOCK; i++) {
      const x = Math.fround((values[start + i] as number) * inverse);
      view.setInt8(at + 2 + i, Math.sign(x) * Math.floor(Math.abs(x) + 0.5));
    }
  }
  return out;
}

/**
 * Q4_0 blocks of f32 values, as llama.cpp makes them: d = m / -8 with m the value of the largest
 * size, q = trunc(x / d + 8.5), at most 15; byte j of a block holds values j (low) and j + 16.
 * @param values their number is a multiple of 32.
 * @throws {ModelFileError} for values that are not finite or whose scale is beyond f16.
 */
export function quantizeQ4(values: Float32Array): Uint8Array<ArrayBuffer> {
  assert(values.length % Q4_BLOCK === 0, `${values.length} values are no whole Q4_0 blocks`);
  const out = new Uint8Array((values.length / Q4_BLOCK) * Q4_BLOCK_BYTES);
  const view = new DataView(out.buffer);
  for (let start = 0, at = 0; start < values.length; start += Q4_BLOCK, at += Q4_BLOCK_BYTES) {
    let extreme = 0;
    for (let i = start; i < start + Q4_BLOCK; i++) {
      const value = values[i] as number;
      if (Math.abs(value) > Math.abs(extreme) || Number.isNaN(value)) extreme = value;
    }
    const scale = Math.fround(extreme / -8);
    const half = f32ToF16(scale);
    if (!Number.isFinite(f16ToF32(half))) {
      throw new ModelFileError(
        'quant-range',
        `q4_0: block ${start / Q4_BLOCK} has the value ${extreme}, need a finite one below 5.2e5; ` +
          'did the training diverge?',
      );
    }
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    view.setUint16(at, half, true);
    for (let j = 0; j < Q4_BLOCK / 2; j++) {
      const low = nibble(values[start + j] as number, inverse);
      const high = nibble(values[start + Q4_BLOCK / 2 + j] as number, inverse);
      out[at + 2 + j] = low | (high << 4);
    }
  }
  return out;
}

function nibble(value: number, inverse: number): number {
  return Math.min(15, Math.trunc(Math.fround(Math.fround(value * inverse) + 8.5)));
}

/** Half-precision bytes of f32 values, ties to even. @throws {ModelFileError} for values beyond its range. */
function encodeF16(values: Float32Array): Uint8Array<ArrayBuffer> {
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const half = f32ToF16(values[i] as number);
    // All bits of the exponent: infinite, or not a number.
    if ((half & 0x7c00) === 0x7c00) throw beyond('f16', values[i] as number, '65504');
    halves[i] = half;
  }
  return new Uint8Array(halves.buffer);
}

/** bfloat16 bytes of f32 values, ties to even. @throws {ModelFileError} for values beyond its range. */
function encodeBf16(values: Float32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as number;
    // A carry out of the mantissa goes into the exponent, which is the right result.
    const half = (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
    const finite = (half & 0x7f80) !== 0x7f80 && !Number.isNaN(values[i]);
    if (!finite) throw beyond('bf16', values[i] as number, '3.39e38');
    halves[i] = half;
  }
  return new Uint8Array(halves.buffer);
}

function beyond(type: string, value: number, limit: string): ModelFileError {
  return new ModelFileError(
    'quant-range',
    `${type}: got the value ${value}, need a finite one of at most ${limit}; did the training diverge?`,
  );
}

const ENCODERS = {
  F32: f32Bytes,
  F16: encodeF16,
  BF16: encodeBf16,
  Q8_0: quantizeQ8,
  Q4_0: quantizeQ4,
};
/** Types that f32 values can be written in. */
export type WritableType = keyof typeof ENCODERS;

/** Whether f32 values can be written in that type. */
export function isWritable(type: string): type is WritableType {
  return Object.hasOwn(ENCODERS, type);
}

/**
 * The stored bytes of f32 values; for F32 the same memory.
 * @param values whole blocks of the type.
 * @throws {ModelFileError} for values that the type cannot hold.
 */
export function encodeValues(
  type: WritableType,
  values: Float32Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  return ENCODERS[type](values);
}
