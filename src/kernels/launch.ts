// Grid and variant choices that the row and elementwise kernels share. Knows no kernel.
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
