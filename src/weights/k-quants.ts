// Decoders of the K-quants: super-blocks of 256 values, cut into blocks of 32 (16 for Q6_K) with a
// scale each. Must not know which tensor a row belongs to.
// Source: dequantize_row_q4_K, _q5_K and _q6_K in ggml-quants.c of ggml-org/ggml at d99724f.
import { assert } from '../base/assert.ts';
import { f16ToF32 } from './half.ts';

/** Values of a super-block. */
export const SUPER = 256;
const Q4K_BYTES = 144;
const Q5K_BYTES = 176;
const Q6K_BYTES = 210;

/** The 8 scales and 8 minima (6 bits each) of a Q4_K or Q5_K super-block, from its 12 bytes at `at`. */
export function unpackScales(bytes: Uint8Array, at: number, out: Uint8Array): void {
  const byte = (i: number): number => bytes[at + i] ?? 0;
  for (let j = 0; j < 4; j++) {
    out[j] = byte(j) & 63;
    out[8 + j] = byte(j + 4) & 63;
    out[4 + j] = (byte(j + 8) & 15) | ((byte(j) >> 6) << 4);
    out[12 + j] = (byte(j + 8) >> 4) | ((byte(j + 4) >> 6) << 4);
  }
}

/** The values of Q4_K super-blocks: d · scale · q - dmin · min. */
export function dequantizeQ4K(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  return withScales(bytes, Q4K_BYTES, (at, j, l) => nibble(bytes[at + 16 + (j >> 1) * 32 + l], j));
}

/** The values of Q5_K super-blocks: as Q4_K, with a fifth bit of q. */
export function dequantizeQ5K(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  return withScales(bytes, Q5K_BYTES, (at, j, l) => {
    const high = ((bytes[at + 16 + l] ?? 0) >> j) & 1;
    return nibble(bytes[at + 48 + (j >> 1) * 32 + l], j) + 16 * high;
  });
}

/** The low half of a byte for even `j`, the high half for odd. */
function nibble(byte = 0, j: number): number {
  return j % 2 === 0 ? byte & 15 : byte >> 4;
}

/** @param quant q of value `l` of block `j` of the super-block at byte `at`. */
function withScales(
  bytes: Uint8Array,
  size: number,
  quant: (at: number, j: number, l: number) => number,
): Float32Array<ArrayBuffer> {
  const view = viewOf(bytes, size);
  const out = new Float32Array((bytes.length / size) * SUPER);
  const scales = new Uint8Array(16);
  for (let at = 0, to = 0; at < bytes.length; at += size) {
    const d = f16ToF32(view.getUint16(at, true));
    const dmin = f16ToF32(view.getUint16(at + 2, true));
    unpackScales(bytes, at + 4, scales);
    for (let j = 0; j < 8; j++) {
      const scale = Math.fround(d * (scales[j] ?? 0));
      const min = Math.fround(dmin * (scales[8 + j] ?? 0));
      for (let l = 0; l < 32; l++) out[to++] = scale * quant(at, j, l) - min;
    }
  }
  return out;
}

/** The values of Q6_K super-blocks: d · scale · (q - 32). */
export function dequantizeQ6K(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const view = viewOf(bytes, Q6K_BYTES);
  const out = new Float32Array((bytes.length / Q6K_BYTES) * SUPER);
  for (let at = 0, to = 0; at < bytes.length; at += Q6K_BYTES, to += SUPER) {
    const d = f16ToF32(view.getUint16(at + 208, true));
    for (let e = 0; e < SUPER; e++) {
      const scale = Math.fround(d * view.getInt8(at + 192 + (e >> 4)));
      out[to + e] = scale * (quant6(bytes, at, e) - 32);
    }
  }
  return out;
}

/** The 6 bits of value `e` of the Q6_K super-block at byte `at`. */
export function quant6(bytes: Uint8Array, at: number, e: number): number {
  const half = e >> 7;
  const quarter = (e >> 5) & 3;
  const l = e & 31;
  const low = bytes[at + half * 64 + (quarter & 1) * 32 + l] ?? 0;
  const high = bytes[at + 128 + half * 32 + l] ?? 0;
  return (quarter < 2 ? low & 15 : low >> 4) | (((high >> (2 * quarter)) & 3) << 4);
}

function viewOf(bytes: Uint8Array, size: number): DataView {
  assert(bytes.length % size === 0, `${bytes.length} bytes are no whole blocks of ${size}`);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
