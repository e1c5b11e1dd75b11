// Rows of the residual stream kept as f16, in units of their own size: half the memory of a training checkpoint. Large values
// of a residual stream are beyond f16 as they are.
import { ShapeError } from '../base/errors.ts';
import type { KernelPass } from '../gpu/pass.ts';
import { kernel } from '../gpu/pipeline.ts';
import { assertShape, type GpuTensor, shape2 } from '../gpu/tensor.ts';
import { groupsFor } from './launch.ts';

const HALVE_ROWS = kernel({
  file: 'norm/halve_rows',
  params: { N: 'u32', W: 'u32' },
  reads: ['x', 'rstd'],
  writes: ['half', 'kept'],
});

const RESTORE_ROWS = kernel({
  file: 'norm/restore_rows',
  params: { N: 'u32', W: 'u32' },
  reads: ['half', 'kept'],
  writes: ['y'],
});

export interface HalfRows {
  /** (N, C / 2) u32, two f16 a word, the first in the low half */
  readonly half: GpuTensor;
  /** (N), what each row was multiplied by */
  readonly rstd: GpuTensor;
}

/**
 * Keeps x (N, C), C even, as f16(x · rstd), with rstd (N) = 1 / sqrt(mean_c(x²) + eps): at most sqrt(C), relative error 2⁻¹¹ of
 * the row's size.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeHalveRows(
  pass: KernelPass,
  { x, rstd, to }: { x: GpuTensor; rstd: GpuTensor; to: HalfRows },
): void {
  const [N, W] = checkRows(x, to);
  assertShape(rstd, [N], 'half-rows.rstd');
  pass.dispatch(HALVE_ROWS, {
    params: { N, W },
    bind: { x, rstd, half: to.half, kept: to.rstd },
    grid: groupsFor(N * W),
  });
}

/**
 * y (N, C) = what {@link encodeHalveRows} kept.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeRestoreRows(pass: KernelPass, from: HalfRows, y: GpuTensor): void {
  const [N, W] = checkRows(y, from);
  pass.dispatch(RESTORE_ROWS, {
    params: { N, W },
    bind: { half: from.half, kept: from.rstd, y },
    grid: groupsFor(N * W),
  });
}

function checkRows(x: GpuTensor, { half, rstd }: HalfRows): [number, number] {
  const [N, C] = shape2(x, 'half-rows.x');
  if (C % 2 !== 0) {
    throw new ShapeError('shape', `half-rows.x: got rows of ${C}, need an even number`);
  }
  assertShape(half, [N, C / 2], 'half-rows.half');
  assertShape(rstd, [N], 'half-rows.kept');
  return [N, C / 2];
}
