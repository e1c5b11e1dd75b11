// Groups of rollouts -> the minibatches of one GRPO step. Knows no trainer: log-probabilities of the
// reference and of the policy are asked for by callbacks, and only when the objective needs them.
import { defined } from '../base/assert.ts';
import { InputError } from '../base/errors.ts';
import { Rng } from '../base/rng.ts';
import type { Batch, Objective, TrainSequence } from '../trajectory/batch.ts';
import type { Experiment } from '../trajectory/experiment.ts';
import { advantages, isZeroSpread } from './advantages.ts';
import type { Group } from './groups.ts';
import { isTruncated, sequenceOf } from './sequence.ts';

export type GrpoSettings = Extract<Experiment['algorithm'], { kind: 'grpo' }>;

/**
 * The objective that the settings name.
 * @throws {InputError} at a temperature other than 1, whose logits the trainer would have to divide
 * too, and for `seq-sum-constant` without its constant.
 */
export function grpoObjective(settings: GrpoSettings): Extract<Objective, { kind: 'grpo' }> {
  if (settings.temperature !== 1) {
    throw new InputError(
      'grpo-temperature',
      `algorithm.temperature: got ${settings.temperature}, need 1, because the trainer's ` +
        'logits are not divided by a temperature; leave it out',
    );
  }
  if (settings.aggregate === 'seq-sum-constant' && settings.constant === undefined) {
    throw new InputError(
      'grpo-constant',
      'algorithm.constant: got none, need a number of tokens to divide by with aggregate ' +
        'seq-sum-constant; give the longest length of an episode',
    );
  }
  return {
    kind: 'grpo',
    clip_low: settings.clipLow,
    clip_high: settings.clipHigh,
    kl: settings.kl,
    ...(settings.klEstimate === undefined ? {} : { kl_estimate: settings.klEstimate }),
    ...(settings.entropy === undefined ? {} : { entropy: settings.entropy }),
    ...(settings.truncate === undefined ? {} : { truncate: settings.truncate }),
    ...(settings.ratio === undefined ? {} : { ratio: settings.ratio }),
    aggregate: settings.aggregate,
    ...(settings.constant === undefined ? {} : { constant: settings.constant }),
  };
}

/** Share of groups whose rewards were all equal or missing; null without groups. */
export function zeroSpreadShare(groups: readonly Pick<Group, 'rewards'>[]): number | null {
  if (groups.length === 0) return null;
  return groups.filter((group) => isZeroSpread(group.rewards)).length / groups.length;
}

/**
 * The sequences that a step trains, in the order of groups and members; zero-spread groups,
 * rollouts without reward, rollouts that sampled nothing and, with `maskTruncated`, those that a
 * budget ended are left out.
 * @throws {InputError} for a trace without log-probabilities: it was not sampled by a policy of
 * tokens.
 */
export function grpoSequences(
  groups: readonly Group[],
  { advantage: kind, maskTruncated = false }: Pick<GrpoSettings, 'advantage' | 'maskTruncated'>,
): TrainSequence[] {
  const sequences: TrainSequence[] = [];
  for (const group of groups) {
    const values = advantages(group.rewards, kind, `task ${group.task.id}`);
    for (const [member, trace] of group.traces.entries()) {
      const advantage = values[member] ?? null;
      if (advantage === null || (maskTruncated && isTruncated(trace))) continue;
      const { ids, mask, oldLogprobs } = sequenceOf(trace);
      if (!mask.includes(1)) continue;
      if (oldLogprobs === null) {
        throw new InputError(
          'grpo-logprobs',
          `trace ${trace.id}: got sampled tokens without log-probabilities, need those of ` +
            'sampling; only rollouts of a local model can be trained on',
        );
      }
      sequences.push({ ids, mask, advantage, old_logprobs: oldLogprobs });
    }
  }
  return sequences;
}

/**
 * Cuts sequences into `count` minibatches of nearly equal numbers of sequences, in a fixed seeded
 * order; fewer when there are fewer sequences, none when there is none.
 */
export function cutMinibatches(
  sequences: readonly TrainSequence[],
  count: number,
  seed: number,
): TrainSequence[][] {
  const order = count > 1 ? new Rng(seed).shuffle(sequences) : [...sequences];
  const parts = Math.min(count, order.length);
  return Array.from({ length: parts }, (_, i) =>
    order.slice(
      Math.floor((i * order.length) / parts),
      Math.floor(((i + 1) * order.length) / parts),
    ),
  );
}

/** What sampling recorded becomes the sampler's, and the trainer's own log-probabilities the old ones. */
function withSampler(
  sequences: readonly TrainSequence[],
  policy: readonly (readonly number[])[],
): TrainSequence[] {
  return sequences.map(({ old_logprobs: sampler_logprobs, ...sequence }, i) => ({
    ...sequence,
    old_logprobs: [...defined(policy[i], 'log-probabilities of a sequence')],
    sampler_logprobs,
  }));
}

export interface GrpoBatchOptions {
  seed: number;
  /** Log-probabilities of the adapter-off policy, aligned to ids; called when `kl` is above 0. */
  reference: (sequences: readonly TrainSequence[]) => Promise<number[][]>;
  /** Log-probabilities of the policy before the step's updates, aligned to ids; called with `truncate`. */
  policy: (sequences: readonly TrainSequence[]) => Promise<number[][]>;
}

/** The minibatches of one step, one optimiser update each; empty when no group has spread. */
export async function grpoBatches(
  groups: readonly Group[],
  settings: GrpoSettings,
  options: GrpoBatchOptions,
): Promise<Batch[]> {
  const objective = grpoObjective(settings);
  let sequences = grpoSequences(groups, settings);
  if (sequences.length > 0 && settings.kl > 0) {
    const reference = await options.reference(sequences);
    sequences = sequences.map((sequence, i) => {
      const logprobs = reference[i];
      return logprobs === undefined ? sequence : { ...sequence, ref_logprobs: logprobs };
    });
  }
  if (sequences.length > 0 && settings.truncate !== undefined) {
    sequences = withSampler(sequences, await options.policy(sequences));
  }
  return cutMinibatches(sequences, settings.updatesPerStep, options.seed).map((part) => ({
    objective,
    sequences: part,
  }));
}
