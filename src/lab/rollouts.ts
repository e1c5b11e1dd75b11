// One GRPO step's rollouts: every member of every group at once (the policy batches what is
// pending), then their scores. Nothing depends on who arrives first: results stand by (task,
// member), seeds come from (run, step, task, member).
import { AtlasError, DeviceError } from '../base/errors.ts';
import type { Group } from '../rl/groups.ts';
import type { Experiment } from '../trajectory/experiment.ts';
import type { TokenPolicy } from '../trajectory/interfaces.ts';
import type { Task } from '../trajectory/task.ts';
import { type EpisodeOptions, playEpisode, rolloutSeed } from './episode.ts';
import type { LabRuntime } from './runtime.ts';

export interface RolloutStep {
  experiment: Experiment;
  /** Position of the step in the run, from 0. */
  step: number;
  tasks: readonly Task[];
  /** Members of each group. */
  group: number;
  temperature: number;
}

export interface RolloutOptions extends EpisodeOptions {
  onDone?: (done: number, total: number) => void;
}

/**
 * Plays `group` episodes of each task; groups stand in the order of `tasks`.
 * @throws {DeviceError} when the device failed, which says nothing of a policy or a task;
 * {AtlasError} when every single episode failed by itself: then there is nothing to learn
 * from.
 */
export async function rollOut(
  { experiment, step, tasks, group, temperature }: RolloutStep,
  runtime: LabRuntime,
  { onDone, ...options }: RolloutOptions = {},
): Promise<Group[]> {
  const total = tasks.length * group;
  let done = 0;
  const watched = watch(runtime.policy);
  const policy = { kind: 'tokens', policy: watched.policy, tokenizer: runtime.tokenizer } as const;
  const play = async (task: Task, place: number, member: number) => {
    const result = await playEpisode(
      {
        task,
        id: `${step}-${place}-${member}`,
        mode: experiment.mode,
        seed: rolloutSeed(experiment.seed, step, task.id, member),
        temperature,
        limits: experiment.limits,
        reward: experiment.reward,
        constrain: experiment.sampling?.constrain,
      },
      policy,
      runtime,
      options,
    );
    onDone?.(++done, total);
    return result;
  };
  const groups = await Promise.all(
    tasks.map(async (task, place): Promise<Group> => {
      const members = Array.from({ length: group }, (_, member) => play(task, place, member));
      const results = await Promise.all(members);
      return {
        task,
        traces: results.map((result) => result.trace),
        rewards: results.map((result) => result.reward),
      };
    }),
  );
  options.signal?.throwIfAborted();
  if (watched.failure() !== null) throw watched.failure();
  const traces = groups.flatMap((one) => one.traces);
  if (traces.every((trace) => trace.end === 'error')) {
    throw new AtlasError(
      'rollouts-failed',
      `rollouts of step ${step}: all ${total} failed, the first with: ` +
        `${traces[0]?.error ?? 'no text'}; mend that and go on from the last checkpoint`,
    );
  }
  return groups;
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
