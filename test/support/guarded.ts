// Tensors of kernel tests: seeded values, outputs with sentinel words behind them, and the comparison with a twin.
import { expect } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import type { GpuTensor } from '../../src/gpu/tensor.ts';

const SENTINEL = 12345.5;
const SENTINELS = 64;

/** Standard normal values of a seed, times a factor. */
export function normals(seed: number, count: number, factor = 1): Float32Array {
  const rng = new Rng(seed);
  return Float32Array.from({ length: count }, () => factor * rng.normal());
}

/** An output: `view` is what a kernel gets, `whole` also holds the sentinel words behind it. */
export interface Guarded {
  readonly whole: GpuTensor;
  readonly view: GpuTensor;
}

/** An output of a shape, filled with `values` or with the sentinel. */
export function guarded(gpu: Gpu, shape: readonly number[], values?: Float32Array): Guarded {
  const count = shape.reduce((product, n) => product * n, 1);
  const padded = new Float32Array(count + SENTINELS).fill(SENTINEL);
  if (values !== undefined) padded.set(values);
  const whole = gpu.upload('guarded', [padded.length], padded);
  return { whole, view: { ...whole, shape } };
}

/** The values of an output; fails when a word behind it has changed. */
export async function valuesOf(gpu: Gpu, { whole, view }: Guarded): Promise<Float32Array> {
  const all = await gpu.readF32(whole);
  const count = view.shape.reduce((product, n) => product * n, 1);
  expect([...all.subarray(count)].every((word) => word === SENTINEL)).toBe(true);
  return all.slice(0, count);
}

/** The largest |got - want| / (1 + |want|); NaN when any value is not a number. */
export function worstError(got: ArrayLike<number>, want: ArrayLike<number>): number {
  expect(got.length).toBe(want.length);
  let worst = 0;
  for (let i = 0; i < want.length; i++) {
    const value = want[i] ?? Number.NaN;
    const error = Math.abs((got[i] ?? Number.NaN) - value) / (1 + Math.abs(value));
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

/** The same device seen as one of another subgroup size; 0 takes the variants without subgroups. */
export function withSubgroups(gpu: Gpu, Device: typeof Gpu, subgroupSize: number): Gpu {
  return new Device(gpu.device, { ...gpu.caps, subgroupSize });
}
