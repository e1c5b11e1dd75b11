// A weight matrix on the GPU in one of the formats that the matrix kernels read.
import type { Gpu } from '../gpu/device.ts';
import type { Condition } from '../gpu/shaders.ts';
import type { GpuTensor } from '../gpu/tensor.ts';

/** (N rows, K reduced axis). Q8_0 stands as two planes: `w` (N, K/4) four i8 a word, `scale` (N·K/64) two f16 a word. */
export type WeightMatrix =
  | { readonly format: 'F32'; readonly N: number; readonly K: number; readonly w: GpuTensor }
  | {
      readonly format: 'Q8_0';
      readonly N: number;
      readonly K: number;
      readonly w: GpuTensor;
      readonly scale: GpuTensor;
    };

/** An F32 matrix over a tensor (N, K). */
export function f32Matrix(w: GpuTensor): WeightMatrix {
  const [N = 0, K = 0] = w.shape;
  return { format: 'F32', N, K, w };
}

/** Uploads row-major f32 values as an F32 matrix. */
export function uploadF32Matrix(
  gpu: Gpu,
  label: string,
  N: number,
  K: number,
  values: Float32Array,
): WeightMatrix {
  return { format: 'F32', N, K, w: gpu.upload(label, [N, K], values) };
}

/** Uploads GGUF Q8_0 blocks (34 bytes: f16 scale, 32 i8) as planes. K must be a multiple of 32. */
export function uploadQ8Matrix(
  gpu: Gpu,
  label: string,
  N: number,
  K: number,
  blocks: Uint8Array,
): WeightMatrix {
  const count = (N * K) / 32;
  const quants = new Uint8Array(count * 32);
  const scales = new Uint16Array(Math.ceil(count / 2) * 2);
  for (let i = 0; i < count; i++) {
    const at = i * 34;
    scales[i] = (blocks[at] ?? 0) | ((blocks[at + 1] ?? 0) << 8);
    quants.set(blocks.subarray(at + 2, at + 34), i * 32);
  }
  const w = gpu.upload(label, [N, K / 4], new Uint32Array(quants.buffer));
  const scale = gpu.upload(`${label}.scale`, [scales.length / 2], new Uint32Array(scales.buffer));
  return { format: 'Q8_0', N, K, w, scale };
}

/** The tensors of a matrix by their binding names, and the condition of its format. */
export function weightBindings(matrix: WeightMatrix): {
  bind: Record<string, GpuTensor>;
  on: readonly Condition[];
} {
  return matrix.format === 'F32'
    ? { bind: { w: matrix.w }, on: [] }
    : { bind: { w: matrix.w, w_scale: matrix.scale }, on: ['q8_0'] };
}
