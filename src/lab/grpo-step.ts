// One step of GRPO: roll out, score, advantages, minibatch updates, one metrics line.
import { deriveSeed } from '../base/rng.ts';
import type { Group } from '../rl/groups.ts';
import { type GrpoSettings, grpoBatches, zeroSpreadShare } from '../rl/grpo.ts';
import { rolloutHealth } from '../rl/health.ts';
import { punishOverlong } from '../rl/overlong.ts';
import { drawGroups } from '../rl/resample.ts';
import { sampledTokens } from '../rl/sequence.ts';
import type { Experiment, Metrics, StepMetrics } from '../trajectory/experiment.ts';
import type { Trace } from '../trajectory/trace.ts';
import type { EpisodeOptions } from './episode.ts';
import type { GuardMemory } from './guard.ts';
import type { OnProgress } from './progress.ts';
import { checkPlayed, rollOut } from './rollouts.ts';
import type { LabRuntime } from './runtime.ts';
import { learningRate } from './schedule.ts';
import type { TaskOrder } from './task-order.ts';
import { type StepTiming, timingOf } from './timing.ts';
import { healthOf, type UpdateOptions, updateWith } from './update.ts';

/** What a step leaves behind. `cursor` says where the data stands after it, `guard` what is remembered. */
export interface StepResult {
  metrics: StepMetrics;
  traces: Trace[];
  cursor: Record<string, number>;
  guard: GuardMemory;
  timing: StepTiming;
}

export interface StepInput {
  experiment: Experiment;
  runtime: LabRuntime;
  order: TaskOrder;
  step: number;
  cursor: Readonly<Record<string, number>>;
  guard: GuardMemory;
  options: EpisodeOptions;
  onProgress?: OnProgress;
}

function mean(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Observations by cache tier, keys sorted. */
export function countTiers(traces: readonly Trace[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const trace of traces) {
    for (const { result, meta } of trace.calls) {
      if (!meta) counts.set(result.tier, (counts.get(result.tier) ?? 0) + 1);
    }
  }
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Means over the rollouts that did not fail by themselves; null when there is none. */
function outcomeOf(groups: readonly Group[]): Pick<Metrics, 'reward' | 'success'> {
  const rewards = groups.flatMap((group) => group.rewards).filter((reward) => reward !== null);
  const successes = groups
    .flatMap((group) => group.traces)
    .filter((trace) => trace.end !== 'error' && trace.success !== null)
    .map((trace) => (trace.success ? 1 : 0));
  return { reward: mean(rewards), success: mean(successes) };
}

/** How a step's updates are taken. */
export function updateOptions(input: StepInput, total: number): UpdateOptions {
  const { experiment, step, guard, onProgress } = input;
  const { optimiser, steps } = experiment;
  return {
    learningRate: learningRate(optimiser, step, step / steps),
    clipNorm: optimiser.clipNorm,
    guard,
    spike: experiment.guard?.spike,
    onBatch: (done) => onProgress?.({ kind: 'update', step, done, total }),
    onSkip: (text) => onProgress?.({ kind: 'warning', step, text }),
  };
}

/** The next `count` tasks of the order. `met` counts how often the step drew each, where that matters. */
function drawTasks(order: TaskOrder, from: number, count: number, met: Map<string, number> | null) {
  return Array.from({ length: count }, (_, i) => {
    const task = order.at(from + i);
    const again = met?.get(task.id) ?? 0;
    met?.set(task.id, again + 1);
    return { task, again };
  });
}

/**
 * The groups of a step: `rewarded` with what each episode earned, `groups` with what it is trained
 * on, its penalties among it.
 */
async function play(input: StepInput, settings: GrpoSettings) {
  const { experiment, runtime, order, step, cursor, options, onProgress } = input;
  const { tasksPerStep, group, temperature, overlong, resample } = settings;
  const first = cursor['task'] ?? 0;
  const rewarded: Group[] = [];
  // Without resampling, seeds know nothing of a task that comes twice: runs keep their bytes.
  const met = resample === undefined ? null : new Map<string, number>();
  const groups = await drawGroups({
    wanted: tasksPerStep,
    rounds: resample?.rounds ?? 0,
    play: async (from, count) => {
      const draws = drawTasks(order, first + from, count, met);
      const before = from * group;
      const onDone = (done: number, total: number) =>
        onProgress?.({ kind: 'rollout', step, done: before + done, total: before + total });
      const rollouts = { experiment, step, draws, from, group, temperature };
      const played = await rollOut(rollouts, runtime, { ...options, onDone });
      rewarded.push(...played);
      checkPlayed(step, rewarded);
      return overlong === undefined ? played : punishOverlong(played, overlong);
    },
  });
  return { rewarded, groups, cursor: { task: first + groups.length } };
}

/** Runs one step; the trainer's weights have moved when it returns. */
export async function grpoStep(input: StepInput, settings: GrpoSettings): Promise<StepResult> {
  const { experiment, runtime, step } = input;
  const start = performance.now();
  const { rewarded, groups, cursor } = await play(input, settings);
  const rolled = performance.now();
  const batches = await grpoBatches(groups, settings, {
    seed: deriveSeed(experiment.seed, 'minibatches', step),
    reference: (sequences) => runtime.trainer.referenceLogprobs(sequences),
    policy: (sequences) => runtime.trainer.policyLogprobs(sequences),
  });
  const result = await updateWith(runtime.trainer, batches, updateOptions(input, batches.length));
  const traces = groups.flatMap((group) => group.traces);
  const { reward, success } = outcomeOf(rewarded);
  return {
    metrics: {
      step,
      loss: result.loss,
      reward,
      success,
      entropy: result.entropy,
      kl: result.kl,
      gradNorm: result.gradNorm,
      zeroSpread: zeroSpreadShare(groups),
      logprobGap: result.logprobGap,
      tiers: countTiers(traces),
      tokens: result.tokens,
      ...healthOf(result, rolloutHealth(groups)),
    },
    traces,
    cursor,
    guard: result.guard,
    timing: timingOf({
      ...{ rolloutMs: rolled - start, updateMs: performance.now() - rolled },
      sampled: traces.reduce((sum, trace) => sum + sampledTokens(trace), 0),
      trained: result.tokens,
    }),
  };
}
