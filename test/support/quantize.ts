// Makes stored blocks of random values in each weight format, for test files. Plain rounding, not the
// search for the best scales of llama.cpp: a reader sees the same bits either way.
// Must not know which tensor a row belongs to, nor how src/ decodes a block.
// Source of the layouts: ggml-common.h of ggml-org/ggml at d99724f.
import { f16ToF32, f32ToF16 } from '../../src/weights/half.ts';
import { quantizeQ8 } from '../../src/weights/quantize.ts';

export const STORED_TYPES = ['F32', 'F16', 'BF16', 'Q8_0', 'Q4_0', 'Q4_K', 'Q5_K', 'Q6_K'] as const;
export type StoredType = (typeof STORED_TYPES)[number];

/** Values of a K-quant block. */
const K_BLOCK = 256;

/** The bytes of values in a format; their number is a multiple of the format's block. */
export function encodeValues(type: StoredType, values: Float32Array): Uint8Array<ArrayBuffer> {
  switch (type) {
    case 'F32':
      return new Uint8Array(Float32Array.from(values).buffer);
    case 'F16':
      return new Uint8Array(Uint16Array.from(values, f32ToF16).buffer);
    case 'BF16':
      return encodeBf16(values);
    case 'Q8_0':
      return quantizeQ8(values);
    case 'Q4_0':
      return encodeBlocks(values, 32, 18, encodeQ40);
    case 'Q4_K':
      return encodeBlocks(values, K_BLOCK, 144, encodeQ4K);
    case 'Q5_K':
      return encodeBlocks(values, K_BLOCK, 176, encodeQ5K);
    case 'Q6_K':
      return encodeBlocks(values, K_BLOCK, 210, encodeQ6K);
  }
}

function encodeBf16(values: Float32Array): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Float32Array.from(values).buffer);
  // Nearest, ties to even: the highest bit that stays decides a tie.
  const half = (word: number): number => (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  return new Uint8Array(Uint16Array.from(words, half).buffer);
}

type BlockEncoder = (x: Float32Array, block: DataView) => void;

function encodeBlocks(
  values: Float32Array,
  length: number,
  bytes: number,
  encode: BlockEncoder,
): Uint8Array<ArrayBuffer> {
  const blocks = values.length / length;
  if (!Number.isInteger(blocks)) throw new Error(`${values.length} values, need ${length}s`);
  const out = new Uint8Array(blocks * bytes);
  for (let b = 0; b < blocks; b++) {
    const x = values.subarray(b * length, (b + 1) * length);
    encode(x, new DataView(out.buffer, b * bytes, bytes));
  }
  return out;
}

function at(values: ArrayLike<number>, index: number): number {
  const value = values[index];
  if (value === undefined) throw new Error(`no value ${index} of ${values.length}`);
  return value;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, Math.round(value)));
}

/** The value of largest size, with its sign. */
function extreme(values: ArrayLike<number>): number {
  return Array.from(values).reduce((best, v) => (Math.abs(v) > Math.abs(best) ? v : best), 0);
}

/** Writes a scale as f16 and returns the value that a reader gets. */
function putScale(block: DataView, offset: number, scale: number): number {
  const half = f32ToF16(scale);
  block.setUint16(offset, half, true);
  return f16ToF32(half);
}

/** Scale, then 16 bytes: values 0-15 in the low, 16-31 in the high halves. */
function encodeQ40(x: Float32Array, block: DataView): void {
  const d = putScale(block, 0, extreme(x) / -8);
  const code = (i: number): number => (d === 0 ? 8 : clamp(at(x, i) / d + 8, 0, 15));
  for (let i = 0; i < 16; i++) block.setUint8(2 + i, code(i) | (code(i + 16) << 4));
}

/** Writes the scales of Q4_K and Q5_K; returns the codes 0 to `most` of the 256 values. */
function encodeScales(x: Float32Array, block: DataView, most: number): Uint8Array {
  const lows: number[] = [];
  const steps: number[] = [];
  for (let j = 0; j < 8; j++) {
    const part = x.subarray(j * 32, j * 32 + 32);
    const low = Math.min(0, ...part);
    lows.push(-low);
    steps.push((Math.max(0, ...part) - low) / most);
  }
  const d = putScale(block, 0, Math.max(...steps) / 63);
  const dMin = putScale(block, 2, Math.max(...lows) / 63);
  const scales = steps.map((step) => (d === 0 ? 0 : clamp(step / d, 0, 63)));
  const mins = lows.map((low) => (dMin === 0 ? 0 : clamp(low / dMin, 0, 63)));
  for (let j = 0; j < 4; j++) {
    const [s, m, s4, m4] = [at(scales, j), at(mins, j), at(scales, j + 4), at(mins, j + 4)];
    block.setUint8(4 + j, s | ((s4 >> 4) << 6));
    block.setUint8(8 + j, m | ((m4 >> 4) << 6));
    block.setUint8(12 + j, (s4 & 15) | ((m4 & 15) << 4));
  }
  return Uint8Array.from(x, (value, i) => {
    const step = d * at(scales, i >> 5);
    return step === 0 ? 0 : clamp((value + dMin * at(mins, i >> 5)) / step, 0, most);
  });
}

/** Scales, then 128 bytes: of each 64 values the first 32 in the low, the others in the high halves. */
function encodeQ4K(x: Float32Array, block: DataView): void {
  const codes = encodeScales(x, block, 15);
  for (let i = 0; i < 128; i++) {
    const from = (i >> 5) * 64 + (i & 31);
    block.setUint8(16 + i, at(codes, from) | (at(codes, from + 32) << 4));
  }
}

/** Scales, 32 bytes with the fifth bits (bit g is of the g-th 32 values), 128 bytes as in Q4_K. */
function encodeQ5K(x: Float32Array, block: DataView): void {
  const codes = encodeScales(x, block, 31);
  for (let i = 0; i < 32; i++) {
    let high = 0;
    for (let g = 0; g < 8; g++) high |= (at(codes, g * 32 + i) >> 4) << g;
    block.setUint8(16 + i, high);
  }
  for (let i = 0; i < 128; i++) {
    const from = (i >> 5) * 64 + (i & 31);
    block.setUint8(48 + i, (at(codes, from) & 15) | ((at(codes, from + 32) & 15) << 4));
  }
}

/** 128 bytes of low halves, 64 bytes of upper bit pairs, 16 signed scales, the scale of these. */
function encodeQ6K(x: Float32Array, block: DataView): void {
  const steps = Array.from(
    { length: 16 },
    (_, j) => extreme(x.subarray(j * 16, j * 16 + 16)) / -32,
  );
  const d = putScale(block, 208, extreme(steps) / -128);
  const scales = steps.map((step) => (d === 0 ? 0 : clamp(step / d, -128, 127)));
  for (const [j, scale] of scales.entries()) block.setInt8(192 + j, scale);
  const codes = Uint8Array.from(x, (value, i) => {
    const step = d * at(scales, i >> 4);
    return step === 0 ? 32 : clamp(value / step, -32, 31) + 32;
  });
  for (let h = 0; h < 2; h++) {
    for (let l = 0; l < 32; l++) {
      const code = (quarter: number): number => at(codes, h * 128 + quarter * 32 + l);
      block.setUint8(h * 64 + l, (code(0) & 15) | ((code(2) & 15) << 4));
      block.setUint8(h * 64 + 32 + l, (code(1) & 15) | ((code(3) & 15) << 4));
      const pairs = [0, 1, 2, 3].map((quarter) => (code(quarter) >> 4) << (2 * quarter));
      block.setUint8(
        128 + h * 32 + l,
        pairs.reduce((sum, pair) => sum | pair, 0),
      );
    }
  }
}
