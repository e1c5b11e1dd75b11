// Which family of matrix kernels is the faster one on a device, by measuring both. Must not know where the answer is kept.
import { Rng } from '../base/rng.ts';
import { isKernelFamily, KERNEL_FAMILIES, type KernelFamily } from '../gpu/caps.ts';
import type { Gpu } from '../gpu/device.ts';
import { encodeLinear } from './linear.ts';
import { encodeMatvec } from './matvec.ts';
import { f32Matrix } from './weight-matrix.ts';

/** A small text that outlives the program; null while there is none. */
export interface FamilyMemory {
  read(): Promise<string | null>;
  write(text: string): Promise<void>;
}

/** To be raised when kernels change so much that measurements should be made again. */
const VERSION = 1;

/** A step of decoding and a piece of a prompt: (M, N, K), and how often in a submit. */
const PROBES = [
  { M: 1, N: 1024, K: 1024, repeats: 2 },
  { M: 64, N: 256, K: 256, repeats: 1 },
] as const;
const ROUNDS = 3;

/**
 * Sets the family of a device: the one that was measured before, else the faster one over all probes.
 * @throws {DeviceError} when the device fails.
 */
export async function chooseFamily(gpu: Gpu, memory: FamilyMemory): Promise<void> {
  const { vendor, architecture, description, subgroupSize } = gpu.caps;
  const adapter = [VERSION, vendor, architecture, description, subgroupSize].join('/');
  const known = parsed(await memory.read());
  const before = known[adapter];
  if (isKernelFamily(before)) {
    gpu.useFamily(before);
    return;
  }
  const times = await familyTimes(gpu);
  // Each probe counts alike, however long it takes.
  const ratio = times.gpu.reduce((product, ms, i) => product * (ms / (times.cpu[i] ?? ms)), 1);
  const family = ratio < 1 ? 'gpu' : 'cpu';
  gpu.useFamily(family);
  await memory.write(JSON.stringify({ ...known, [adapter]: family }));
}

/** Families by adapter; none where the text is not what was written. */
function parsed(text: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** Milliseconds of each probe in each family: the fastest of three rounds, after one that compiles. */
export async function familyTimes(gpu: Gpu): Promise<Record<KernelFamily, number[]>> {
  const times: Record<KernelFamily, number[]> = { gpu: [], cpu: [] };
  const { family: before } = gpu.caps;
  for (const { M, N, K, repeats } of PROBES) {
    const rng = new Rng(1);
    const values = (count: number) => Float32Array.from({ length: count }, () => rng.next() - 0.5);
    const x = gpu.upload('probe.x', [M, K], values(M * K));
    const w = gpu.upload('probe.w', [N, K], values(N * K));
    const y = gpu.tensor('probe.y', [M, N]);
    for (const family of KERNEL_FAMILIES) {
      gpu.useFamily(family);
      const pass = gpu.pass();
      for (let i = 0; i < repeats; i++) {
        (M === 1 ? encodeMatvec : encodeLinear)(pass, { x, w: f32Matrix(w), y });
      }
      let best = Number.POSITIVE_INFINITY;
      for (let round = -1; round < ROUNDS; round++) {
        const started = performance.now();
        gpu.submit(pass);
        await gpu.idle();
        if (round >= 0) best = Math.min(best, performance.now() - started);
      }
      times[family].push(best);
    }
    gpu.free(x, w, y);
  }
  gpu.useFamily(before);
  return times;
}
