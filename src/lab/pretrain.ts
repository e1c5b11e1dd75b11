// Pretraining: all weights, on drills and teacher episodes, kept like any run. Sees a trainer and a
// store only.

import { sftBatch } from '../rl/sft.ts';
import type { PretrainExperiment, StepMetrics } from '../trajectory/experiment.ts';
import type { RunStore } from '../trajectory/interfaces.ts';
import { experimentHash } from './experiment-hash.ts';
import { type PretrainCursor, PretrainData } from './pretrain-data.ts';
import { RunLogs, writeWeights } from './run-log.ts';
import { memoryOf, type PretrainRuntime } from './runtime.ts';
import { learningRate } from './schedule.ts';
import { perSecond } from './timing.ts';
import { healthOf, NO_ROLLOUTS, supervisedStart, updateWith } from './update.ts';

/** A step's metrics; `seen` counts all tokens up to and with this step. */
export interface PretrainMetrics extends StepMetrics {
  phase: number;
  seen: number;
}

/** How far pretraining is; goes into no result. */
export interface PretrainProgress {
  step: number;
  seen: number;
  totalTokens: number;
}

export interface PretrainOptions {
  experiment: PretrainExperiment;
  runtime: PretrainRuntime;
  store: RunStore;
  /** Go on from the last whole checkpoint of the store. */
  resume?: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: PretrainProgress) => void;
  /** Told of each update that was skipped. */
  onWarning?: (step: number, text: string) => void;
}

function cursorOf(kept: Readonly<Record<string, number>>): PretrainCursor {
  return {
    phase: kept['phase'] ?? 0,
    item: kept['item'] ?? 0,
    phaseTokens: kept['phaseTokens'] ?? 0,
    seen: kept['seen'] ?? 0,
  };
}

/**
 * Pretrains and yields the metrics of each new step; the data of the next step is made while the
 * trainer works. At the end the weights are written as the trainer exports them (`model.gguf`).
 * @throws {InputError} for a checkpoint of another experiment, or episodes that do not fit the
 * context.
 */
export async function* runPretrain(
  options: PretrainOptions,
): AsyncGenerator<PretrainMetrics, void> {
  const { experiment, runtime, store, resume = false, signal, onProgress, onWarning } = options;
  const { optimiser, checkpointEvery } = experiment;
  const { trainer } = runtime;
  const hash = await experimentHash(experiment);
  const run = await RunLogs.open(store, { experiment, hash, trainer, resume });
  let { guard } = run;
  const source = new PretrainData(experiment, runtime);
  const { totalTokens } = source;
  let cursor = cursorOf(run.cursor);
  let data = await source.step(cursor);
  for (let step = run.step; data !== null; step++) {
    signal?.throwIfAborted();
    const start = performance.now();
    const rate = learningRate(optimiser, step, cursor.seen / totalTokens);
    const batch = sftBatch(data.sequences);
    const [result, next] = await Promise.all([
      updateWith(trainer, [batch], {
        learningRate: rate,
        clipNorm: optimiser.clipNorm,
        guard,
        spike: experiment.guard?.spike,
        onSkip: (text) => onWarning?.(step, text),
      }),
      source.step(data.after),
    ]);
    const { phase } = data;
    ({ guard } = result);
    cursor = data.after;
    data = next;
    const metrics: PretrainMetrics = {
      ...supervisedStart(step, result, {}),
      // These stood here before there was a health to tell.
      ...{ phase, seen: cursor.seen, learningRate: rate },
      ...healthOf(result, NO_ROLLOUTS),
    };
    await run.logs.append('metrics', metrics);
    const stepMs = performance.now() - start;
    const trainedPerSecond = perSecond(metrics.tokens, stepMs);
    await run.logs.append('timing', { step, stepMs, trainedPerSecond, ...memoryOf(runtime) });
    if ((step + 1) % checkpointEvery === 0 || data === null) {
      await run.logs.checkpoint(trainer, { step: step + 1, cursor: { ...cursor }, guard });
    }
    onProgress?.({ step, seen: cursor.seen, totalTokens });
    yield metrics;
  }
  await writeWeights(store, trainer, '');
}
