// Keys and values of the trainer, rounded as a cache of f16 rounds those of the sampler. Knows no cache.
import { ShapeError } from '../base/errors.ts';
import type { KernelPass } from '../gpu/pass.ts';
import { kernel } from '../gpu/pipeline.ts';
import { type GpuTensor, sizeOf } from '../gpu/tensor.ts';
import { groupsFor } from './launch.ts';

const ROUND_HALF = kernel({
  file: 'attention/round_half',
  params: { N: 'u32' },
  reads: [],
  writes: ['x'],
});

/**
 * Rounds x, a multiple of four values, to the nearest f16 in place, ties to even; what is beyond ±65,504 becomes that. Keys
 * behind a norm are far below it; keys of models without one, and values, need not be.
 * @throws {ShapeError} for another number of values.
 */
export function encodeRoundHalf(pass: KernelPass, x: GpuTensor): void {
  const count = sizeOf(x);
  if (count % 4 !== 0) {
    throw new ShapeError('shape', `round-half.x: got ${count} values, need a multiple of 4`);
  }
  pass.dispatch(ROUND_HALF, {
    params: { N: count / 4 },
    bind: { x },
    grid: groupsFor(count / 4),
  });
}
