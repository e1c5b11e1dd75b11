// What recorded log-probabilities make of a token's advantage and weight before anything is differentiated. Pure host code.
import type { Objective, TrainSequence } from '../trajectory/batch.ts';

/** Whether the KL to the reference is taken out of the reward: a loss term of k1 would have no useful gradient. */
export function isKlInReward(objective: Objective): boolean {
  return objective.kind === 'grpo' && objective.kl > 0 && objective.kl_estimate === 'k1';
}

/** Coefficient of the KL term in the loss. */
export function lossKl(objective: Objective): number {
  return objective.kind === 'grpo' && !isKlInReward(objective) ? objective.kl : 0;
}

/**
 * Advantage of token t: the sequence's, under `kl_estimate: k1` less kl · (old - ref), the token's own share of the KL
 * penalty in the reward (Ziegler et al. 2019, arXiv:1909.08593; REINFORCE++: arXiv:2501.03262), all of it times what the
 * sampler makes of it. Shares of later tokens are not added, and no gradient goes through it.
 */
export function tokenAdvantage(sequence: TrainSequence, t: number, objective?: Objective): number {
  const { advantage, old_logprobs: old, ref_logprobs: ref } = sequence;
  if (objective?.kind !== 'grpo') return advantage;
  const penalty = isKlInReward(objective) ? objective.kl * ((old?.[t] ?? 0) - (ref?.[t] ?? 0)) : 0;
  return (advantage - penalty) * samplerFactor(sequence, t, objective);
}

/**
 * min(exp(old - sampler), truncate) of token t, 1 without `truncate`: truncated importance sampling, for a sampler whose
 * log-probabilities are not the trainer's (Yao et al. 2025, fengyao.notion.site/off-policy-rl). It scales the ratio's term
 * and so the advantage, as the clip leaves a factor alone; KL and entropy in the loss are the policy's own and keep their
 * weights.
 */
function samplerFactor(
  { old_logprobs: old, sampler_logprobs: sampler }: TrainSequence,
  t: number,
  { truncate }: Extract<Objective, { kind: 'grpo' }>,
): number {
  if (truncate === undefined) return 1;
  return Math.min(Math.exp((old?.[t] ?? 0) - (sampler?.[t] ?? 0)), truncate);
}

/** Whether sequences must say what the sampler said of their tokens. */
export function needsSampler(objective: Objective): boolean {
  return objective.kind === 'grpo' && objective.truncate !== undefined;
}
