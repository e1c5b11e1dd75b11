// Weight matrices in every stored encoding, with random content.
import { Rng } from '../../src/base/rng.ts';
import { typeOfName, type UsableType } from '../../src/weights/ggml-types.ts';
import { f32ToF16 } from '../../src/weights/half.ts';
import { dequantize, f32Bytes } from '../../src/weights/quant.ts';
import { quantizeQ8 } from '../../src/weights/quantize.ts';
import { normals } from './guarded.ts';

/** Byte offsets of the f16 scales in a block whose other bytes may be anything. */
const SCALES_AT: Partial<Record<UsableType, readonly number[]>> = {
  Q4_0: [0],
  Q4_K: [0, 2],
  Q5_K: [0, 2],
  Q6_K: [208],
};

/** Typical size of a scale, so that values are of order 1. */
const SCALE: Partial<Record<UsableType, number>> = {
  Q4_0: 0.2,
  Q4_K: 4e-3,
  Q5_K: 2e-3,
  Q6_K: 1e-3,
};

/** Values of a block: row lengths are a multiple of it. */
export function blockOf(format: UsableType): number {
  return typeOfName(format)?.block ?? 1;
}

/** `count` random values as stored bytes, and what they decode to. */
export function encoded(
  format: UsableType,
  seed: number,
  count: number,
): { bytes: Uint8Array<ArrayBuffer>; values: Float32Array<ArrayBuffer> } {
  const bytes = bytesOf(format, seed, count);
  return { bytes, values: dequantize(format, bytes) };
}

function bytesOf(format: UsableType, seed: number, count: number): Uint8Array<ArrayBuffer> {
  const values = Float32Array.from(normals(seed, count));
  if (format === 'F32') return f32Bytes(values);
  if (format === 'Q8_0') return quantizeQ8(values);
  if (format === 'F16') return new Uint8Array(Uint16Array.from(values, f32ToF16).buffer);
  if (format === 'BF16') {
    const words = new Uint32Array(values.buffer);
    return new Uint8Array(Uint16Array.from(words, (word) => word >>> 16).buffer);
  }
  return randomBlocks(format, seed, count);
}

function randomBlocks(format: UsableType, seed: number, count: number): Uint8Array<ArrayBuffer> {
  const rng = new Rng(seed);
  const size = typeOfName(format)?.bytes ?? 0;
  const bytes = new Uint8Array((count / blockOf(format)) * size);
  for (let i = 0; i < bytes.length; i++) bytes[i] = rng.int(0, 255);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += size) {
    for (const offset of SCALES_AT[format] ?? []) {
      view.setUint16(at + offset, f32ToF16((SCALE[format] ?? 1) * (0.5 + rng.next())), true);
    }
  }
  return bytes;
}
