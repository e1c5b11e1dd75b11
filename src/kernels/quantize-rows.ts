// Rows of activations in blocks of 8 bits, for products with weights in blocks.
import { ShapeError } from '../base/errors.ts';
import type { KernelPass } from '../gpu/pass.ts';
import { kernel } from '../gpu/pipeline.ts';
import { assertShape, type GpuTensor, shape2 } from '../gpu/tensor.ts';
import { groupsFor, isBlocks } from './launch.ts';

const QUANTIZE_ROWS = kernel({
  file: 'matmul/quantize_rows',
  params: { blocks: 'u32', K: 'u32' },
  reads: ['x', 'g?norm'],
  writes: ['q', 'scale'],
});

/** (M, K) activations in blocks of 32. */
export interface QuantizedRows {
  /** (M, K / 4) u32: four values of 8 bits, the lowest first */
  readonly q: GpuTensor;
  /** (M, K / 32, 4): scale, scaled sums of the first and the second half of the block, sum of squares before the gains */
  readonly scale: GpuTensor;
}

/**
 * Rounds x (M, K), times the gains (K) where there are any, to 8 bits by blocks of 32.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeQuantizeRows(
  pass: KernelPass,
  { x, gains, to: { q, scale } }: { x: GpuTensor; gains: GpuTensor | null; to: QuantizedRows },
): void {
  const [M, K] = shape2(x, 'quantize-rows.x');
  if (!isBlocks(K)) {
    throw new ShapeError('shape', `quantize-rows.x: got rows of ${K}, need whole blocks of 32`);
  }
  if (gains !== null) assertShape(gains, [K], 'quantize-rows.gains');
  assertShape(q, [M, K / 4], 'quantize-rows.q');
  assertShape(scale, [M, K / 32, 4], 'quantize-rows.scale');
  const blocks = (M * K) / 32;
  pass.dispatch(QUANTIZE_ROWS, {
    params: { blocks, K },
    bind: { x, q, scale, ...(gains === null ? {} : { g: gains }) },
    grid: groupsFor(blocks),
    variant: { on: gains === null ? [] : ['norm'] },
  });
}
