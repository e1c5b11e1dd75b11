// A policy on a list of tasks: scored traces in the order of the tasks, however many run at once.
import type { AgentPolicy, Limits } from '../agent/run-episode.ts';
import { type Summary, summarise } from '../agent/summary.ts';
import { assert } from '../base/assert.ts';
import type { Task } from '../trajectory/task.ts';
import type { Mode, Trace } from '../trajectory/trace.ts';
import { type EpisodeOptions, playEpisode, type RewardWeights, rolloutSeed } from './episode.ts';
import type { EpisodeRuntime } from './runtime.ts';

/** Episodes at once: what a software device still decodes with profit in one batch. */
export const EPISODES_AT_ONCE = 32;

export interface EvaluateOptions extends EpisodeOptions {
  tasks: readonly Task[];
  mode: Mode;
  policy: AgentPolicy;
  runtime: EpisodeRuntime;
  limits: Limits;
  reward: RewardWeights;
  seed: number;
  temperature: number;
  /** See {@link playEpisode}; off by default. */
  constrain?: boolean;
  search?: boolean;
  /** Episodes at once. */
  concurrency?: number;
  /** Called with each trace in the order of the tasks, as soon as all before it are there. */
  onTrace?: (trace: Trace, index: number) => void;
}

/**
 * Plays one episode of each task. Episode i has the rollout seed of (seed, 0, task id, 0), so a
 * task's result does not depend on the others.
 * @throws the signal's reason when it aborts.
 */
export async function evaluate(
  options: EvaluateOptions,
): Promise<{ traces: Trace[]; summary: Summary }> {
  const { tasks, signal, judge, onEvent, onTrace } = options;
  const episodeOptions: EpisodeOptions = {
    ...(signal === undefined ? {} : { signal }),
    ...(judge === undefined ? {} : { judge }),
    ...(onEvent === undefined ? {} : { onEvent }),
  };
  const traces: (Trace | undefined)[] = tasks.map(() => undefined);
  let next = 0;
  let told = 0;
  const work = async () => {
    for (let index = next++; index < tasks.length; index = next++) {
      signal?.throwIfAborted();
      const task = tasks[index] as Task;
      const episode = {
        task,
        id: `evaluate-${index}`,
        mode: options.mode,
        seed: rolloutSeed(options.seed, 0, task.id, 0),
        temperature: options.temperature,
        limits: options.limits,
        reward: options.reward,
        constrain: options.constrain,
        search: options.search,
      };
      const { policy, runtime } = options;
      const { trace } = await playEpisode(episode, policy, runtime, episodeOptions);
      traces[index] = trace;
      for (let ready = traces[told]; ready !== undefined; ready = traces[told]) {
        onTrace?.(ready, told);
        told++;
      }
    }
  };
  const workers = Math.min(options.concurrency ?? EPISODES_AT_ONCE, tasks.length);
  await Promise.all(Array.from({ length: workers }, work));
  signal?.throwIfAborted();
  const all = traces.filter((trace) => trace !== undefined);
  assert(all.length === tasks.length, 'one trace for each task');
  return { traces: all, summary: summarise(all) };
}
