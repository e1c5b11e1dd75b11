// Grid and variant choices that kernels share. Knows no kernel.
import type { Caps } from '../gpu/caps.ts';
import type { KernelSpec } from '../gpu/pipeline.ts';
import type { Condition } from '../gpu/shaders.ts';

/** Invocations of a workgroup of the row and elementwise kernels. */
const WG_SIZE = 64;

/** Workgroups for `count` invocations. */
export function groupsFor(count: number): readonly [number] {
  return [Math.ceil(count / WG_SIZE)];
}

/** How a kernel sees an axis of values: as vec4f when it is a multiple of 4, else one by one. */
export interface ElementView {
  readonly on: readonly Condition[];
  /** Elements on the axis. */
  readonly count: number;
}

/** The widest view of an axis. */
export function elementsOf(size: number): ElementView {
  return size % 4 === 0 ? { on: ['vec4'], count: size / 4 } : { on: [], count: size };
}

/** Rows are summed in this many fixed chunks before the chunks are summed. */
export const ROW_CHUNKS = 16;

/** Values that the kernels of whole blocks read of a row at once. */
const BLOCK = 32;

/** Whether rows of `size` values can be read in whole blocks. */
export function isBlocks(size: number): boolean {
  return size % BLOCK === 0;
}

/** Lanes of a workgroup where subgroups are not used. */
const PLAIN_LANES = 64;

/** Lanes of a workgroup of the matrix and attention kernels: one subgroup, where there are any. */
export function lanesOf({ subgroupSize }: Pick<Caps, 'subgroupSize'>): number {
  return subgroupSize > 0 ? subgroupSize : PLAIN_LANES;
}

/** A workgroup of one subgroup whose lanes own columns of a product and share its `rows` rows. */
export function tileVariant(caps: Caps, rows: number, on: readonly Condition[]) {
  const size = caps.subgroupSize;
  const lanes = lanesOf(caps);
  return {
    lanes,
    variant: {
      on: size > 0 ? (['subgroups', ...on] as const) : on,
      constants: { SG_SIZE: Math.max(size, 1), ROWS: rows, LANES: lanes },
    },
    overrides: { WG_SIZE: lanes },
  };
}

/** A kernel of the CPU family, and the one of the GPU family with the same parameters and bindings. */
export function inFamilies<const P extends KernelSpec>(gpuFile: string, cpu: P) {
  return { cpu, gpu: { ...cpu, file: gpuFile } };
}
