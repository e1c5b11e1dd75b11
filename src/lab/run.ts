// An experiment -> a run: steps of rollouts, rewards and updates, kept so that it can stop anywhere
// and go on with the same bytes. Sees a policy, a trainer and a store by their interfaces; must not
// know what they are made of.
import { grpoObjective } from '../rl/grpo.ts';
import { generateTasks } from '../toolspace/tasks.ts';
import {
  type Experiment,
  type Metrics,
  metricsSchema,
  type StepMetrics,
} from '../trajectory/experiment.ts';
import type { RunStore } from '../trajectory/interfaces.ts';
import type { EpisodeOptions } from './episode.ts';
import { experimentHash } from './experiment-hash.ts';
import { grpoStep, type StepInput, type StepResult } from './grpo-step.ts';
import { checkCollapse, newSigns } from './monitor.ts';
import type { OnProgress } from './progress.ts';
import { RunLogs, writeWeights } from './run-log.ts';
import { type LabRuntime, memoryOf } from './runtime.ts';
import { sftStep } from './sft-step.ts';
import { TaskOrder } from './task-order.ts';

export interface RunOptions extends EpisodeOptions {
  experiment: Experiment;
  runtime: LabRuntime;
  store: RunStore;
  /** Go on from the last whole checkpoint of the store. */
  resume?: boolean;
  onProgress?: OnProgress;
}

function runStep(input: StepInput): Promise<StepResult> {
  const { algorithm } = input.experiment;
  return algorithm.kind === 'grpo' ? grpoStep(input, algorithm) : sftStep(input, algorithm);
}

/** The lines of the steps that are done. */
async function readMetrics(store: RunStore): Promise<Metrics[]> {
  const lines = await store.readLog('metrics');
  return lines.map((line) => metricsSchema.parse(JSON.parse(line)));
}

/**
 * Runs an experiment and yields the metrics of each new step, after they were written to the store.
 * Equal experiments on equal devices write equal `metrics` and `trajectories`; `timing` is the only
 * log that knows a clock. After an abort by `signal` the run stands at its last checkpoint.
 * @throws {InputError} for settings that cannot be run, or a checkpoint of another experiment;
 * {AtlasError} for a third skipped update in a row, and for a collapse under `monitor.stop`.
 */
export async function* runExperiment(options: RunOptions): AsyncGenerator<StepMetrics, void> {
  const { experiment, runtime, store, resume = false, onProgress } = options;
  const { signal, judge, onEvent } = options;
  const episodeOptions: EpisodeOptions = {
    ...(signal === undefined ? {} : { signal }),
    ...(judge === undefined ? {} : { judge }),
    ...(onEvent === undefined ? {} : { onEvent }),
  };
  const { tasks: pool, algorithm, steps, checkpointEvery, monitor } = experiment;
  if (algorithm.kind === 'grpo') grpoObjective(algorithm);
  const order = new TaskOrder(generateTasks(pool), experiment.seed);
  const hash = await experimentHash(experiment);
  const { trainer } = runtime;
  const run = await RunLogs.open(store, { experiment, hash, trainer, resume });
  let { cursor, guard } = run;
  const lines = await readMetrics(store);
  for (let step = run.step; step < steps; step++) {
    signal?.throwIfAborted();
    checkCollapse(lines, monitor);
    const start = performance.now();
    const result = await runStep({
      experiment,
      runtime,
      order,
      step,
      cursor,
      guard,
      options: episodeOptions,
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    ({ cursor, guard } = result);
    for (const trace of result.traces) await run.logs.append('trajectories', trace);
    await run.logs.append('metrics', result.metrics);
    const stepMs = performance.now() - start;
    await run.logs.append('timing', { step, ...result.timing, stepMs, ...memoryOf(runtime) });
    if ((step + 1) % checkpointEvery === 0 || step + 1 === steps) {
      await run.logs.checkpoint(trainer, { step: step + 1, cursor, guard });
    }
    lines.push(result.metrics);
    for (const { text } of newSigns(lines, monitor)) {
      onProgress?.({ kind: 'warning', step, text });
    }
    onProgress?.({ kind: 'step', step, steps });
    yield result.metrics;
  }
  await writeWeights(store, trainer, experiment.adapter === null ? '' : 'adapter/');
}
