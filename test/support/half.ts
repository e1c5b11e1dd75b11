// What tests expect of values that were rounded to f16.
import { f16ToF32 } from '../../src/weights/half.ts';

/** Words of two f16 as their values, the low half first. */
export function halvesOf(words: Float32Array): Float32Array {
  const halves = new Uint16Array(words.buffer, words.byteOffset, 2 * words.length);
  return Float32Array.from(halves, f16ToF32);
}
