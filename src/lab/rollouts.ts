// One GRPO step's rollouts: every member of every group at once (the policy batches what is
// pending), then their scores. Nothing depends on who arrives first: results stand by (task,
// member), seeds come from (run, step, task, member) and, where a step
// draws a task again, from how often it did.
import { AtlasError, DeviceError } from '../base/errors.ts';
import type { Group } from '../rl/groups.ts';
import type { Experiment } from '../trajectory/experiment.ts';
import type { TokenPolicy } from '../trajectory/interfaces.ts';
import type { Task } from '../trajectory/task.ts';
import { type EpisodeOptions, playEpisode, rolloutSeed } from './episode.ts';
import type { LabRuntime } from './runtime.ts';

/** A task, and how often the step drew it before. */
export interface Draw {
  task: Task;
  again: number;
}

export interface RolloutStep {
  experiment: Experiment;
  /** Position of the step in the run, from 0. */
  step: number;
  draws: readonly Draw[];
  /** Tasks of the step that were played before these. */
  from: number;
  /** Members of each group. */
  group: number;
  temperature: number;
}

export interface RolloutOptions extends EpisodeOptions {
  onDone?: (done: number, total: number) => void;
}

/**
 * Plays `group` episodes of each task; groups stand in the order of `draws`.
 * @throws {DeviceError} when the device failed, which says nothing of a policy or a task.
 */
export async function rollOut(
  { experiment, step, draws, from, group, temperature }: RolloutStep,
  runtime: LabRuntime,
  { onDone, ...options }: RolloutOptions = {},
): Promise<Group[]> {
  const total = draws.length * group;
  let done = 0;
  const watched = watch(runtime.policy);
  const policy = { kind: 'tokens', policy: watched.policy, tokenizer: runtime.tokenizer } as const;
  const play = async ({ task, again }: Draw, place: number, member: number) => {
    const result = await playEpisode(
      {
        task,
        id: `${step}-${from + place}-${member}`,
        mode: experiment.mode,
        seed: rolloutSeed(experiment.seed, step, task.id, member, again),
        temperature,
        limits: experiment.limits,
        reward: experiment.reward,
        constrain: experiment.sampling?.constrain,
        search: experiment.search,
      },
      policy,
      runtime,
      options,
    );
    onDone?.(++done, total);
    return result;
  };
  const groups = await Promise.all(
    draws.map(async (draw, place): Promise<Group> => {
      const members = Array.from({ length: group }, (_, member) => play(draw, place, member));
      const results = await Promise.all(members);
      return {
        task: draw.task,
        traces: results.map((result) => result.trace),
        rewards: results.map((result) => result.reward),
      };
    }),
  );
  options.signal?.throwIfAborted();
  if (watched.failure() !== null) throw watched.failure();
  return groups;
}

/**
 * @throws {AtlasError} when every single episode of a step failed by itself: then there is nothing
 * to learn from.
 */
export function checkPlayed(step: number, groups: readonly Group[]): void {
  const traces = groups.flatMap((one) => one.traces);
  if (traces.some((trace) => trace.end !== 'error')) return;
  throw new AtlasError(
    'rollouts-failed',
    `rollouts of step ${step}: all ${traces.length} failed, the first with: ` +
      `${traces[0]?.error ?? 'no text'}; mend that and go on from the last checkpoint`,
  );
}

/** A policy, and the first failure of its device. */
function watch(policy: TokenPolicy): { policy: TokenPolicy; failure: () => DeviceError | null } {
  let failure: DeviceError | null = null;
  const { name, contextLength, eosIds } = policy;
  const generate: TokenPolicy['generate'] = async (request, options) => {
    try {
      return await policy.generate(request, options);
    } catch (error) {
      if (error instanceof DeviceError) failure ??= error;
      throw error;
    }
  };
  const release = (sequence: string) => policy.release(sequence);
  return {
    policy: { name, contextLength, eosIds, generate, release },
    failure: () => failure,
  };
}
