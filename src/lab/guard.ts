// Which updates a run takes: those whose loss and gradient norm are finite and, where the experiment
// asks for it, whose norm is no spike. What it remembers is plain data and belongs to a checkpoint.
import { z } from 'zod';
import { AtlasError } from '../base/errors.ts';

/** Norms that are remembered. */
const MEMORY = 20;
/** A median of fewer says nothing. */
const ENOUGH = 5;
const MOST_IN_A_ROW = 3;

export const guardMemorySchema = z.strictObject({
  /** Gradient norms of the last 20 updates that were taken, oldest first. */
  norms: z.array(z.number()),
  /** Updates that were skipped since the last one that was taken. */
  inARow: z.number().int().nonnegative(),
});
export type GuardMemory = z.infer<typeof guardMemorySchema>;

export const NO_MEMORY: GuardMemory = { norms: [], inARow: 0 };

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = 0, high = 0] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

/**
 * The largest gradient norm that is no spike: `spike` times the median of the remembered ones;
 * infinite without `spike`, and before 5 norms are known.
 */
export function normLimit({ norms }: GuardMemory, spike: number | undefined): number {
  if (spike === undefined || norms.length < ENOUGH) return Number.POSITIVE_INFINITY;
  return spike * median(norms);
}

/** What is remembered after an update that was taken; a norm of 0 measures nothing. */
export function rememberTaken({ norms }: GuardMemory, gradNorm: number): GuardMemory {
  return { norms: gradNorm > 0 ? [...norms, gradNorm].slice(-MEMORY) : norms, inARow: 0 };
}

/**
 * What is remembered after an update that was skipped.
 * @param reason what the update had, as in "a gradient norm of NaN".
 * @throws {AtlasError} at the third one in a row.
 */
export function rememberSkipped({ norms, inARow }: GuardMemory, reason: string): GuardMemory {
  if (inARow + 1 < MOST_IN_A_ROW) return { norms, inARow: inARow + 1 };
  throw new AtlasError(
    'updates-skipped',
    `update: got ${MOST_IN_A_ROW} in a row that were skipped, the last for ${reason}, need finite ` +
      'numbers without a spike; begin a new run with a lower optimiser.learningRate',
  );
}
