// Batches -> optimiser steps, and the numbers that a metrics line says of them. Knows the trainer
// by its interface only.
import { AtlasError } from '../base/errors.ts';
import { trainedTokens } from '../rl/sequence.ts';
import type { Batch } from '../trajectory/batch.ts';
import type { Metrics } from '../trajectory/experiment.ts';
import type { LossResult, StepOptions, Trainer } from '../trajectory/interfaces.ts';

export interface UpdateResult {
  /** Means over the updates; 0 when there was none. */
  loss: number;
  entropy: number;
  kl: number;
  gradNorm: number;
  /**
   * Largest |sampled - trainer's log-probability| over the trained tokens of the first batch before its
   * update.
   */
  logprobGap: number | null;
  /** Trained tokens. */
  tokens: number;
}

/**
 * Largest difference between the log-probabilities of sampling and the trainer's, over masked
 * tokens.
 */
function gapOf(batch: Batch, result: LossResult): number | null {
  let gap: number | null = null;
  for (const [i, sequence] of batch.sequences.entries()) {
    const sampled = sequence.sampler_logprobs ?? sequence.old_logprobs;
    if (sampled === undefined) continue;
    for (const [t, mask] of sequence.mask.entries()) {
      if (mask === 0) continue;
      const trained = result.tokenLogprobs[i]?.[t] ?? Number.NaN;
      const difference = Math.abs((sampled[t] ?? Number.NaN) - trained);
      // A NaN must win: it is the largest disagreement there is.
      if (gap === null || !(difference <= gap)) gap = difference;
    }
  }
  return gap;
}

function checkFinite(loss: number, gradNorm: number): void {
  if (Number.isFinite(loss) && Number.isFinite(gradNorm)) return;
  throw new AtlasError(
    'loss-not-finite',
    `update: got loss ${loss} and gradient norm ${gradNorm}, need finite numbers; lower ` +
      'optimiser.learningRate and go on from the last checkpoint',
  );
}

/**
 * One optimiser step for each batch, in order. No batch: no step, and every number is 0.
 * @throws {AtlasError} for a loss or gradient that is not finite.
 */
export async function updateWith(
  trainer: Trainer,
  batches: readonly Batch[],
  options: StepOptions,
  onBatch?: (done: number) => void,
): Promise<UpdateResult> {
  const total: UpdateResult = {
    loss: 0,
    entropy: 0,
    kl: 0,
    gradNorm: 0,
    logprobGap: null,
    tokens: 0,
  };
  for (const [index, batch] of batches.entries()) {
    const result = await trainer.accumulate(batch);
    const { gradNorm } = await trainer.apply(options);
    checkFinite(result.loss, gradNorm);
    total.loss += result.loss / batches.length;
    total.entropy += result.entropy / batches.length;
    total.kl += result.kl / batches.length;
    total.gradNorm += gradNorm / batches.length;
    total.tokens += trainedTokens(batch.sequences);
    if (index === 0) total.logprobGap = gapOf(batch, result);
    onBatch?.(index + 1);
  }
  return total;
}

/** The metrics line of a step without rollouts. */
export function supervisedMetrics(
  step: number,
  result: UpdateResult,
  tiers: Metrics['tiers'],
): Metrics {
  const { loss, entropy, kl, gradNorm, tokens } = result;
  return {
    step,
    loss,
    reward: null,
    success: null,
    entropy,
    kl,
    gradNorm,
    zeroSpread: null,
    logprobGap: null,
    tiers,
    tokens,
  };
}
