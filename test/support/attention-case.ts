// Packed sequences for the attention tests.
import type { Gpu } from '../../src/gpu/device.ts';
import type { AttentionShape } from '../../src/kernels/cpu/attention.ts';
import { normals } from './guarded.ts';

/** Rows of sequences that follow one another: the first row and one past the last row of each row's sequence. */
export function packed(lengths: readonly number[]): { start: Uint32Array; end: Uint32Array } {
  const start: number[] = [];
  const end: number[] = [];
  for (const length of lengths) {
    const first = start.length;
    for (let i = 0; i < length; i++) {
      start.push(first);
      end.push(first + length);
    }
  }
  return { start: Uint32Array.from(start), end: Uint32Array.from(end) };
}

export interface AttentionCase {
  readonly name: string;
  readonly lengths: readonly number[];
  readonly shape: AttentionShape;
}

/** A case of sequences of the given lengths. */
export function attentionCase(
  lengths: readonly number[],
  [H, G, D]: readonly [number, number, number],
): AttentionCase {
  const M = lengths.reduce((sum, length) => sum + length, 0);
  return {
    name: `${lengths.join('+')} rows, ${H}/${G} heads of ${D}`,
    lengths,
    shape: { M, H, G, D },
  };
}

/** Seeded q, k, v and dO of a case, with its row bounds. */
export function attentionInput({ lengths, shape: { M, H, G, D } }: AttentionCase, seed = M + D) {
  return {
    q: normals(seed, M * H * D, 1.5),
    k: normals(seed + 1, M * G * D, 1.5),
    v: normals(seed + 2, M * G * D),
    dO: normals(seed + 3, M * H * D),
    ...packed(lengths),
  };
}

/** What uncached attention reads of a case: q [M, H, D], k and v [M, G, D], start [M]. */
export function uploadAttention(
  gpu: Gpu,
  { M, H, G, D }: AttentionShape,
  { q, k, v, start }: Pick<ReturnType<typeof attentionInput>, 'q' | 'k' | 'v' | 'start'>,
) {
  return {
    q: gpu.upload('q', [M, H, D], q),
    k: gpu.upload('k', [M, G, D], k),
    v: gpu.upload('v', [M, G, D], v),
    start: gpu.upload('start', [M], start),
  };
}
