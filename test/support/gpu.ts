// One open device per test file, on the adapter that test/support/device.ts registered.
import type { KernelFamily } from '../../src/gpu/caps.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { openGpu } from '../../src/gpu/open-gpu.ts';

export const FAMILIES: readonly KernelFamily[] = ['cpu', 'gpu'];

let opened: Promise<Gpu> | null = null;

/** The file's device; throws when there is no adapter. */
export function testGpu(): Promise<Gpu> {
  opened ??= openGpu(globalThis.navigator.gpu);
  return opened;
}

/** The file's device with the matrix kernels of a family. */
export async function testGpuOf(family: KernelFamily): Promise<Gpu> {
  const gpu = await testGpu();
  return gpu.caps.family === family ? gpu : new Gpu(gpu.device, { ...gpu.caps, family });
}
