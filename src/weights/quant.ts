// Stored encodings as f32 values, and the layout of Q8_0 and Q4_0. Must not know which tensor a row belongs to.
// Source: dequantize_row_q8_0 and dequantize_row_q4_0 in ggml-quants.c of ggml-org/ggml at d99724f.
import { assert } from '../base/assert.ts';
import { ModelFileError } from '../base/errors.ts';
import { isUsable, USABLE_TYPES, type UsableType } from './ggml-types.ts';
import type { GgufFile } from './gguf.ts';
import { f16ToF32 } from './half.ts';
import { dequantizeQ4K, dequantizeQ5K, dequantizeQ6K } from './k-quants.ts';

/** Values of a Q8_0 block: an f16 scale and 32 signed bytes. */
export const Q8_BLOCK = 32;
/** Bytes of a Q8_0 block. */
export const Q8_BLOCK_BYTES = 34;
/** Values of a Q4_0 block: an f16 scale and 32 half bytes; byte j holds the values j (low) and j + 16 (high). */
export const Q4_BLOCK = 32;
/** Bytes of a Q4_0 block. */
export const Q4_BLOCK_BYTES = 18;

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

/** The values of Q4_0 blocks: d · (q - 8). */
export function dequantizeQ4(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  assert(bytes.length % Q4_BLOCK_BYTES === 0, `${bytes.length} bytes are no whole Q4_0 blocks`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out = new Float32Array((bytes.length / Q4_BLOCK_BYTES) * Q4_BLOCK);
  for (let at = 0, to = 0; at < bytes.length; at += Q4_BLOCK_BYTES, to += Q4_BLOCK) {
    const scale = f16ToF32(view.getUint16(at, true));
    for (let j = 0; j < 16; j++) {
      const pair = view.getUint8(at + 2 + j);
      out[to + j] = scale * ((pair & 15) - 8);
      out[to + j + 16] = scale * ((pair >> 4) - 8);
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

const DECODERS: Readonly<Record<UsableType, (bytes: Uint8Array) => Float32Array<ArrayBuffer>>> = {
  F32: f32BytesToF32,
  F16: f16BytesToF32,
  BF16: bf16BytesToF32,
  Q8_0: dequantizeQ8,
  Q4_0: dequantizeQ4,
  Q4_K: dequantizeQ4K,
  Q5_K: dequantizeQ5K,
  Q6_K: dequantizeQ6K,
};

/**
 * A stored tensor as f32 values.
 * @throws {ModelFileError} for a type that this project does not compute with.
 */
export function dequantize(type: string, bytes: Uint8Array): Float32Array<ArrayBuffer> {
  if (isUsable(type)) return DECODERS[type](bytes);
  throw new ModelFileError(
    'gguf-type',
    `weights: got type ${type}, need one of ${USABLE_TYPES.join(', ')}; convert the file`,
    { data: { type } },
  );
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
