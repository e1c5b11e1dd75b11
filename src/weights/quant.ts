// Conversions between f32 and the stored encodings F16, BF16 and Q8_0. Must not know which tensor a
// row belongs to.
// Source of Q8_0: quantize_row_q8_0_ref in ggml-quants.c of ggml-org/ggml at d99724f.
import { assert } from '../base/assert.ts';
import { ModelFileError } from '../base/errors.ts';
import { isUsable, USABLE_TYPES } from './ggml-types.ts';
import type { GgufFile } from './gguf.ts';

/** Values of a Q8_0 block: an f16 scale and 32 signed bytes. */
export const Q8_BLOCK = 32;
/** Bytes of a Q8_0 block. */
export const Q8_BLOCK_BYTES = 34;

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/** The bits of the nearest half-precision number, ties to even; overflow gives infinity. */
export function f32ToF16(value: number): number {
  float[0] = value;
  const word = bits[0] as number;
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Subnormal: the value in units of 2^-24 is exact in f64, so one rounding is enough.
    const units = Math.abs(float[0] as number) * 16777216;
    const floor = Math.floor(units);
    const rest = units - floor;
    const up = rest > 0.5 || (rest === 0.5 && floor % 2 === 1);
    return sign | (up ? floor + 1 : floor);
  }
  // A carry out of the mantissa goes into the exponent, which is the right result, infinity
  // included.
  const odd = (magnitude >>> 13) & 1;
  return sign | ((magnitude - 0x38000000 + 0xfff + odd) >>> 13);
}

/** The value of half-precision bits. */
export function f16ToF32(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 31;
  const mantissa = half & 1023;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

/** Half-precision values as f32; `bytes` are little-endian. */
export function f16BytesToF32(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = new Float32Array(bytes.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = f16ToF32(view.getUint16(i * 2, true));
  return out;
}

/** bfloat16 values as f32; `bytes` are little-endian. */
export function bf16BytesToF32(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = new Float32Array(bytes.length / 2);
  const words = new Uint32Array(out.buffer);
  for (let i = 0; i < out.length; i++) words[i] = view.getUint16(i * 2, true) << 16;
  return out;
}

/** Little-endian f32 bytes as an array of their own. */
export function f32BytesToF32(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  // Not `slice`: that of a Node Buffer does not copy.
  return new Float32Array(new Uint8Array(bytes).buffer);
}

/** The little-endian bytes of f32 values (the same memory). */
export function f32Bytes(values: Float32Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

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

/** The values of Q8_0 blocks: d · q. */
export function dequantizeQ8(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  assert(bytes.length % Q8_BLOCK_BYTES === 0, `${bytes.length} bytes are no whole Q8_0 blocks`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks = bytes.length / Q8_BLOCK_BYTES;
  const out = new Float32Array(blocks * Q8_BLOCK);
  for (let block = 0; block < blocks; block++) {
    const at = block * Q8_BLOCK_BYTES;
    const scale = f16ToF32(view.getUint16(at, true));
    for (let i = 0; i < Q8_BLOCK; i++) {
      out[block * Q8_BLOCK + i] = scale * view.getInt8(at + 2 + i);
    }
  }
  return out;
}

/**
 * A stored tensor as f32 values.
 * @throws {ModelFileError} for a type that this project does not compute with.
 */
export function dequantize(type: string, bytes: Uint8Array): Float32Array<ArrayBuffer> {
  if (!isUsable(type)) {
    throw new ModelFileError(
      'gguf-type',
      `weights: got type ${type}, need one of ${USABLE_TYPES.join(', ')}; convert the file`,
      { data: { type } },
    );
  }
  if (type === 'F32') return f32BytesToF32(bytes);
  return type === 'F16' ? f16BytesToF32(bytes) : dequantizeQ8(bytes);
}

/**
 * Reads a tensor of a file as f32 values, row-major.
 * @throws {ModelFileError} when it is missing, of another type, or cannot be read.
 */
export async function readTensorF32(
  file: GgufFile,
  name: string,
): Promise<Float32Array<ArrayBuffer>> {
  return dequantize(file.tensor(name).type, await file.readTensor(name));
}
