// One step of supervised finetuning on the oracle's episodes.
import { deriveSeed } from '../base/rng.ts';
import { sftBatch, sftSequence } from '../rl/sft.ts';
import type { TrainSequence } from '../trajectory/batch.ts';
import type { Experiment } from '../trajectory/experiment.ts';
import type { Trace } from '../trajectory/trace.ts';
import { countTiers, type StepInput, type StepResult, updateOptions } from './grpo-step.ts';
import { teach } from './teacher.ts';
import { timingOf } from './timing.ts';
import { healthOf, NO_ROLLOUTS, supervisedStart, updateWith } from './update.ts';

export type SftSettings = Extract<Experiment['algorithm'], { kind: 'sft' }>;

/** Takes tasks in order until the next one would not fit: at least one. */
async function collect(input: StepInput, settings: SftSettings) {
  const { experiment, runtime, order, options } = input;
  const traces: Trace[] = [];
  const sequences: TrainSequence[] = [];
  let tokens = 0;
  for (let position = input.cursor['task'] ?? 0; ; position++) {
    options.signal?.throwIfAborted();
    const task = order.at(position);
    const trace = await teach(
      {
        task,
        id: `teacher-${position}`,
        mode: experiment.mode,
        seed: deriveSeed(experiment.seed, 'teacher'),
        limits: experiment.limits,
        habits: settings.habits,
      },
      runtime,
    );
    const sequence = sftSequence(trace, settings.lossOn);
    if (sequences.length > 0 && tokens + sequence.ids.length > settings.tokensPerStep) {
      return { traces, sequences, next: position };
    }
    traces.push(trace);
    sequences.push(sequence);
    tokens += sequence.ids.length;
  }
}

/** Runs one step; the trainer's weights have moved when it returns. */
export async function sftStep(input: StepInput, settings: SftSettings): Promise<StepResult> {
  const { runtime, step } = input;
  const start = performance.now();
  const { traces, sequences, next } = await collect(input, settings);
  const taught = performance.now();
  const batches = [sftBatch(sequences)];
  const result = await updateWith(runtime.trainer, batches, updateOptions(input, batches.length));
  return {
    metrics: {
      ...supervisedStart(step, result, countTiers(traces)),
      ...healthOf(result, NO_ROLLOUTS),
    },
    traces,
    cursor: { task: next },
    guard: result.guard,
    timing: timingOf({
      ...{ rolloutMs: taught - start, updateMs: performance.now() - taught },
      ...{ sampled: null, trained: result.tokens },
    }),
  };
}
