// One scored episode: opens its tools, plays it, scores it, closes the tools. An episode that
// cannot start is a trace that says so, never an exception of the run and never a reward of 0.
import type { AgentEvent, AgentPolicy, Limits } from '../agent/run-episode.ts';
import { runEpisode } from '../agent/run-episode.ts';
import { errorMessage } from '../base/errors.ts';
import { deriveSeed } from '../base/rng.ts';
import { scoredTrace } from '../rubric/score.ts';
import type { Toolbox } from '../tools/toolbox.ts';
import type { Experiment } from '../trajectory/experiment.ts';
import type { Judge } from '../trajectory/interfaces.ts';
import type { Task } from '../trajectory/task.ts';
import type { Mode, Trace } from '../trajectory/trace.ts';
import { type EpisodeRuntime, stylesOf } from './runtime.ts';

export type RewardWeights = Experiment['reward'];

export interface Episode {
  task: Task;
  mode: Mode;
  /** Names the trace and the state of its servers. */
  id: string;
  seed: number;
  temperature: number;
  limits: Limits;
  reward: RewardWeights;
  /** The policy can write only calls that can be made; off by default. */
  constrain?: boolean | undefined;
  /** The policy has `search_tools`; off by default. */
  search?: boolean | undefined;
}

export interface EpisodeOptions {
  signal?: AbortSignal;
  judge?: Judge;
  /** Called with what happens in the episode, as it happens. */
  onEvent?: (episodeId: string, event: AgentEvent) => void;
}

/**
 * Rollout seed: a function of the run, the step, the task and the member, so that a retry shifts no
 * other.
 * @param again how often the step drew this task before.
 */
export function rolloutSeed(
  run: number,
  step: number,
  taskId: string,
  member: number,
  again = 0,
): number {
  const parts = [run, step, taskId, member];
  return again === 0 ? deriveSeed(...parts) : deriveSeed(...parts, 'again', again);
}

/** The trace of an episode whose tools could not be opened, or that was stopped meanwhile. */
function unopenedTrace(
  episode: Episode,
  policy: string,
  error: unknown,
  isStopped: boolean,
): Trace {
  return {
    v: 1,
    id: episode.id,
    task: episode.task,
    mode: episode.mode,
    policy,
    seed: episode.seed,
    temperature: episode.temperature,
    messages: [],
    segments: [],
    calls: [],
    answer: null,
    end: isStopped ? 'cancel' : 'error',
    error: isStopped ? null : `open episode: ${errorMessage(error)}`,
    contextTokens: 0,
    finalState: {},
    scores: null,
    success: null,
  };
}

/**
 * Reward of a scored trace: its rubric reward, and the bonus for a full success; null when it is
 * not scored. Where no category has a weight, success alone is paid for.
 */
function rewardOf({ end, scores, success }: Trace, weights: RewardWeights): number | null {
  if (end === 'error' || end === 'cancel') return null;
  const { success: bonus, ...categories } = weights;
  const earned = success === true ? bonus : 0;
  if (Object.values(categories).every((weight) => weight === 0)) {
    return success === null ? null : earned;
  }
  const reward = scores?.reward ?? null;
  return reward === null ? null : reward + earned;
}

/**
 * Plays and scores one episode. `reward` is null for one that failed by itself: it was not the
 * policy's doing.
 */
export async function playEpisode(
  episode: Episode,
  policy: AgentPolicy,
  runtime: EpisodeRuntime,
  options: EpisodeOptions = {},
): Promise<{ trace: Trace; reward: number | null }> {
  let toolbox: Toolbox;
  try {
    toolbox = await runtime.openEpisode(episode.task, episode.id);
  } catch (error) {
    const isStopped = options.signal?.aborted === true;
    return { trace: unopenedTrace(episode, policy.policy.name, error, isStopped), reward: null };
  }
  try {
    const {
      task,
      id,
      mode,
      limits,
      seed,
      temperature,
      constrain = false,
      search = false,
    } = episode;
    const { signal, onEvent } = options;
    const played = await runEpisode({
      task,
      id,
      mode,
      policy,
      toolbox,
      limits,
      seed,
      temperature,
      constrain,
      search,
      ...stylesOf(runtime),
      sandbox: runtime.sandbox,
      ...(signal === undefined ? {} : { signal }),
      ...(onEvent === undefined ? {} : { onEvent: (event) => onEvent(id, event) }),
    });
    const trace = await scoredTrace(played, {
      weights: episode.reward,
      ...(options.judge === undefined ? {} : { judge: options.judge }),
    });
    return { trace, reward: rewardOf(trace, episode.reward) };
  } finally {
    await toolbox.close();
  }
}
