// Dispatches that do next to nothing: what remains of their time is the cost of a dispatch.
import type { Gpu } from '../../gpu/device.ts';
import type { KernelPass } from '../../gpu/pass.ts';
import { encodeAxpy } from '../../kernels/optim.ts';

/** A pass over tensors of its own, which live until `free`. */
export interface BenchPass {
  readonly pass: KernelPass;
  free(): void;
}

/** A pass of `count` dispatches that do next to nothing, each after the one before. */
export function emptyPass(gpu: Gpu, count: number): BenchPass {
  const [x, y] = [gpu.tensor('bench.x', [4]), gpu.tensor('bench.y', [4])];
  const pass = gpu.pass();
  for (let i = 0; i < count; i++) encodeAxpy(pass, { a: 0, x, y });
  return { pass, free: () => gpu.free(x, y) };
}
