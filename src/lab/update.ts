// Batches -> optimiser steps, and the numbers that a metrics line says of them. Knows the trainer
// by its interface only.
import { trainedTokens } from '../rl/sequence.ts';
import type { Batch } from '../trajectory/batch.ts';
import type { Health, Metrics, RolloutHealth } from '../trajectory/experiment.ts';
import type { LossResult, StepOptions, Trainer } from '../trajectory/interfaces.ts';
import { type GuardMemory, normLimit, rememberSkipped, rememberTaken } from './guard.ts';

export interface UpdateResult {
  /** Means over the updates that were taken; 0 when there was none. */
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
  /** Of the updates that were taken; null when there was none, or none with ratios. */
  clipFraction: number | null;
  ratioMax: number | null;
  learningRate: number;
  /** Updates that were not taken. */
  skipped: number;
  /** What the guard remembers now. */
  guard: GuardMemory;
}

/** Largest difference between the log-probabilities of sampling and the trainer's, over trained tokens. */
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

/** Options of a round of updates. */
export interface UpdateOptions extends Pick<StepOptions, 'learningRate' | 'clipNorm'> {
  /** What the guard remembers of the updates before. */
  guard: GuardMemory;
  /** See `guard.spike` of an experiment; any finite norm is taken without it. */
  spike?: number | undefined;
  onBatch?: (done: number) => void;
  /** Told of each update that was skipped. */
  onSkip?: (text: string) => void;
}

/** Steps with the gradients at hand, or clears them: then `skipped` says what the update had. */
async function takeUpdate(trainer: Trainer, loss: number, options: UpdateOptions) {
  if (!Number.isFinite(loss)) {
    await trainer.discard();
    return { gradNorm: 0, skipped: `a loss of ${loss}` };
  }
  const { learningRate, clipNorm, guard, spike } = options;
  const limit = normLimit(guard, spike);
  const { gradNorm, moved } = await trainer.apply({ learningRate, clipNorm, normLimit: limit });
  if (moved) return { gradNorm, skipped: null };
  const above = Number.isFinite(gradNorm) ? `, above ${limit} (guard.spike)` : '';
  return { gradNorm, skipped: `a gradient norm of ${gradNorm}${above}` };
}

/**
 * At most one optimiser step for each batch, in order; one whose loss or gradient norm is not
 * finite, or whose norm is a spike, is skipped. Without any step every number is 0.
 * @throws {AtlasError} at the third skipped update in a row.
 */
export async function updateWith(
  trainer: Trainer,
  batches: readonly Batch[],
  options: UpdateOptions,
): Promise<UpdateResult> {
  const { onBatch, onSkip } = options;
  const taken: (LossResult & { gradNorm: number; batch: Batch })[] = [];
  let { guard } = options;
  let logprobGap: number | null = null;
  for (const [index, batch] of batches.entries()) {
    const result = await trainer.accumulate(batch);
    if (index === 0) logprobGap = gapOf(batch, result);
    const { gradNorm, skipped } = await takeUpdate(trainer, result.loss, { ...options, guard });
    if (skipped === null) {
      guard = rememberTaken(guard, gradNorm);
      taken.push({ ...result, gradNorm, batch });
    } else {
      guard = rememberSkipped(guard, skipped);
      onSkip?.(`update ${index + 1} of ${batches.length} was skipped for ${skipped}`);
    }
    onBatch?.(index + 1);
  }
  const mean = (key: 'loss' | 'entropy' | 'kl' | 'gradNorm' | 'clipFraction') =>
    taken.reduce((sum, update) => sum + update[key] / taken.length, 0);
  const ratios = taken
    .filter(({ batch }) => batch.objective.kind === 'grpo')
    .map(({ ratio }) => ratio.max);
  return {
    loss: mean('loss'),
    entropy: mean('entropy'),
    kl: mean('kl'),
    gradNorm: mean('gradNorm'),
    logprobGap,
    tokens: taken.reduce((sum, { batch }) => sum + trainedTokens(batch.sequences), 0),
    clipFraction: ratios.length === 0 ? null : mean('clipFraction'),
    ratioMax: ratios.length === 0 ? null : Math.max(...ratios),
    learningRate: options.learningRate,
    skipped: batches.length - taken.length,
    guard,
  };
}

/** Of a step without rollouts. */
export const NO_ROLLOUTS: RolloutHealth = {
  rewardStd: null,
  groups: null,
  trained: null,
  repeats: null,
  length: null,
  truncated: null,
  overlong: null,
};

/** The keys that stand behind `tokens` in a metrics line, in their order. */
export function healthOf(
  { clipFraction, ratioMax, skipped, learningRate }: UpdateResult,
  { rewardStd, groups, trained, repeats, length, truncated, overlong }: RolloutHealth,
): Health {
  return {
    ...{ rewardStd, clipFraction, ratioMax, groups, trained, skipped, learningRate },
    ...{ repeats, length, truncated, overlong },
  };
}

/** The metrics line of a step without rollouts, up to `tokens`. */
export function supervisedStart(
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
