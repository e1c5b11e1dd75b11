// How a quantised matrix lies on the GPU: GGUF blocks re-cut into planes of 4-byte words, so that a
// shader reads aligned words. Must not know what reads them.
//
// With B = N K / 32 blocks in row order:
// Q8_0  w: 8 words a block, four i8 each   scale: f16 pairs, two blocks a word
// Q4_0  w: 4 words a block; byte j holds the values j (low) and j + 16 (high)   scale: as Q8_0
// Q4_K  w: as Q4_0   scale: 5 words a super-block: (d, dmin) f16, 8 scales u8, 8 minima u8
// Q5_K  w: as Q4_0 for all blocks, then 1 word a block: bit i is the fifth bit of value i
//       scale: as Q4_K
// Q6_K  w: as Q4_0 for all blocks, then 2 words a block: value 16 h + 4 c + b has its two high bits
//       in word h, byte b, at bit 2 c   scale: 5 words a super-block: d f16, 16 scales i8
// F16, BF16  w: two values a word
import { assert } from '../base/assert.ts';
import { typeOfName, type UsableType } from './ggml-types.ts';
import { quant6, unpackScales } from './k-quants.ts';

/** Types whose matrices keep their encoding on the GPU. */
export type PlaneType = Exclude<UsableType, 'F32'>;

interface Plane {
  /** Words of the `w` plane of a block of 32 values: first the main part, then the high bits. */
  readonly main: number;
  readonly high: number;
  /** Values that share `scaleWords` words of the scale plane; 0 without such a plane. */
  readonly scaleSpan: number;
  readonly scaleWords: number;
}

const PLANES: Readonly<Record<PlaneType, Plane>> = {
  F16: { main: 16, high: 0, scaleSpan: 0, scaleWords: 0 },
  BF16: { main: 16, high: 0, scaleSpan: 0, scaleWords: 0 },
  Q8_0: { main: 8, high: 0, scaleSpan: 64, scaleWords: 1 },
  Q4_0: { main: 4, high: 0, scaleSpan: 64, scaleWords: 1 },
  Q4_K: { main: 4, high: 0, scaleSpan: 256, scaleWords: 5 },
  Q5_K: { main: 4, high: 1, scaleSpan: 256, scaleWords: 5 },
  Q6_K: { main: 4, high: 2, scaleSpan: 256, scaleWords: 5 },
};

/** Words of the planes of a matrix with `count` values. */
export function planeWords(type: PlaneType, count: number): { w: number; scale: number } {
  const { main, high, scaleSpan, scaleWords } = PLANES[type];
  const scale = scaleSpan === 0 ? 0 : Math.ceil(count / scaleSpan) * scaleWords;
  return { w: Math.ceil((count / 32) * (main + high)), scale };
}

/**
 * Values by which a matrix can be cut, so that each piece fills whole words of every plane: pieces
 * begin at multiples of it.
 */
export function planeSpan(type: PlaneType): number {
  return Math.max(PLANES[type].scaleSpan, 2);
}

/** Words that belong at `at` (in words) of a plane. */
export interface PlanePiece {
  readonly plane: 'w' | 'scale';
  readonly at: number;
  readonly words: Uint32Array<ArrayBuffer>;
}

/**
 * Re-cuts stored values `first` and following of a matrix of `count` values.
 * @param bytes whole blocks of the stored encoding; `first` is a multiple of {@link planeSpan}.
 */
export function repack(
  type: PlaneType,
  bytes: Uint8Array,
  first: number,
  count: number,
): PlanePiece[] {
  const { block, bytes: size } = sizesOf(type);
  assert(first % planeSpan(type) === 0, `${type}: a piece begins at value ${first}`);
  assert(bytes.length % size === 0, `${type}: ${bytes.length} bytes are no whole blocks`);
  const values = (bytes.length / size) * block;
  if (type === 'F16' || type === 'BF16') {
    const words = new Uint32Array(Math.ceil(values / 2));
    new Uint8Array(words.buffer).set(bytes);
    return [{ plane: 'w', at: first / 2, words }];
  }
  const { main, high, scaleSpan, scaleWords } = PLANES[type];
  const w = new Uint32Array((values / 32) * main);
  const top = new Uint32Array((values / 32) * high);
  const scale = new Uint32Array(Math.ceil(values / scaleSpan) * scaleWords);
  RECUT[type](bytes, {
    w: new Uint8Array(w.buffer),
    top: new Uint8Array(top.buffer),
    scale: new Uint8Array(scale.buffer),
  });
  const pieces: PlanePiece[] = [
    { plane: 'w', at: (first / 32) * main, words: w },
    { plane: 'scale', at: (first / scaleSpan) * scaleWords, words: scale },
  ];
  if (high > 0) {
    pieces.push({ plane: 'w', at: (count / 32) * main + (first / 32) * high, words: top });
  }
  return pieces;
}

function sizesOf(type: PlaneType): { block: number; bytes: number } {
  const found = typeOfName(type);
  assert(found !== null, type);
  return found;
}

interface PlaneBytes {
  readonly w: Uint8Array;
  readonly top: Uint8Array;
  readonly scale: Uint8Array;
}
type Quantised = Exclude<PlaneType, 'F16' | 'BF16'>;

const RECUT: Readonly<Record<Quantised, (bytes: Uint8Array, to: PlaneBytes) => void>> = {
  Q8_0: (bytes, to) => recutPlain(bytes, 34, to),
  Q4_0: (bytes, to) => recutPlain(bytes, 18, to),
  Q4_K: (bytes, to) => recutWithMinima(bytes, 144, 16, to),
  Q5_K: recutQ5K,
  Q6_K: recutQ6K,
};

/** Blocks of an f16 scale and quants that are in our order already. */
function recutPlain(bytes: Uint8Array, size: number, to: PlaneBytes): void {
  for (let at = 0, i = 0; at < bytes.length; at += size, i++) {
    to.scale[i * 2] = bytes[at] ?? 0;
    to.scale[i * 2 + 1] = bytes[at + 1] ?? 0;
    to.w.set(bytes.subarray(at + 2, at + size), i * (size - 2));
  }
}

/** Q4_K and Q5_K: a stored byte holds a value of block 2 g and one of block 2 g + 1. */
function recutWithMinima(bytes: Uint8Array, size: number, quants: number, to: PlaneBytes): void {
  const scales = new Uint8Array(16);
  for (let at = 0, s = 0; at < bytes.length; at += size, s++) {
    to.scale.set(bytes.subarray(at, at + 4), s * 20);
    unpackScales(bytes, at + 4, scales);
    to.scale.set(scales, s * 20 + 4);
    for (let g = 0; g < 4; g++) {
      const from = at + quants + g * 32;
      const even = s * 128 + g * 32;
      for (let j = 0; j < 16; j++) {
        const [low, high] = [bytes[from + j] ?? 0, bytes[from + j + 16] ?? 0];
        to.w[even + j] = (low & 15) | ((high & 15) << 4);
        to.w[even + 16 + j] = (low >> 4) | (high & 0xf0);
      }
    }
  }
}

function recutQ5K(bytes: Uint8Array, to: PlaneBytes): void {
  recutWithMinima(bytes, 176, 48, to);
  for (let at = 0, s = 0; at < bytes.length; at += 176, s++) {
    for (let l = 0; l < 32; l++) {
      const fifth = bytes[at + 16 + l] ?? 0;
      const place = s * 32 + (l >> 3);
      for (let j = 0; j < 8; j++) {
        if (((fifth >> j) & 1) === 1)
          to.top[place + j * 4] = (to.top[place + j * 4] ?? 0) | (1 << (l & 7));
      }
    }
  }
}

function recutQ6K(bytes: Uint8Array, to: PlaneBytes): void {
  for (let at = 0, s = 0; at < bytes.length; at += 210, s++) {
    to.scale.set(bytes.subarray(at + 208, at + 210), s * 20);
    to.scale.set(bytes.subarray(at + 192, at + 208), s * 20 + 4);
    for (let j = 0; j < 8; j++) {
      const [w, top] = [s * 128 + j * 16, s * 64 + j * 8];
      for (let i = 0; i < 16; i++) {
        const [a, b] = [quant6(bytes, at, j * 32 + i), quant6(bytes, at, j * 32 + 16 + i)];
        to.w[w + i] = (a & 15) | ((b & 15) << 4);
        const [place, shift] = [i & 3, 2 * (i >> 2)];
        to.top[top + place] = (to.top[top + place] ?? 0) | ((a >> 4) << shift);
        to.top[top + 4 + place] = (to.top[top + 4 + place] ?? 0) | ((b >> 4) << shift);
      }
    }
  }
}
