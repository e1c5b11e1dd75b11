// The memory of an experiment over a model file: the plan that is shown before a run, and the check that refuses a run which
// would not fit.
import { InputError } from '../base/errors.ts';
import { kvBuffers, weightBytes } from '../engine/device-bytes.ts';
import type { Experiment, OptimiserSettings } from '../trajectory/experiment.ts';
import type { GgufFile } from '../weights/gguf.ts';
import type { ModelConfig } from '../weights/model-config.ts';
import {
  DEFAULT_ROW_TOKENS,
  type MemoryPlan,
  type PlanRequest,
  planMemory,
  type WayToFit,
  waysToFit,
} from './memory-plan.ts';

/** What of an experiment decides its memory. */
export type PlannedExperiment = Pick<Experiment, 'memory' | 'limits' | 'sampling'> & {
  readonly adapter: PlanRequest['adapter'];
  readonly optimiser: Pick<OptimiserSettings, 'moments'>;
};

function requestOf(
  { adapter, memory = {}, limits, optimiser, sampling }: PlannedExperiment,
  file: GgufFile,
  config: ModelConfig,
): PlanRequest {
  const { kv = 'f32' } = sampling ?? {};
  return {
    config,
    weightBytes: weightBytes(file, config),
    kvBuffers: kvBuffers(config, kv),
    kv,
    adapter,
    rowTokens: memory.tokens ?? DEFAULT_ROW_TOKENS,
    sequenceTokens: Math.min(limits.contextTokens, config.contextLength),
    checkpoints: memory.checkpoints,
    moments: optimiser.moments,
  };
}

/** What an experiment takes, and where that is above its limit the settings that would make it fit. */
export interface TrainingPlan extends MemoryPlan {
  readonly limit: number | null;
  readonly fits: boolean;
  readonly ways: readonly WayToFit[];
}

/** Plans an experiment on a model file. */
export function planTraining(
  experiment: PlannedExperiment,
  file: GgufFile,
  config: ModelConfig,
): TrainingPlan {
  const request = requestOf(experiment, file, config);
  const plan = planMemory(request);
  const limit = experiment.memory?.limitBytes ?? null;
  const fits = limit === null || plan.total <= limit;
  return { ...plan, limit, fits, ways: fits || limit === null ? [] : waysToFit(request, limit) };
}

/**
 * Checks a plan against its limit, and its largest buffer against what the device binds.
 * @throws {InputError} naming what would make it fit.
 */
export function assertFits(plan: TrainingPlan, bindingBytes: number): void {
  if (!plan.fits) {
    const best = plan.ways.map(({ change, total }) => `${change} (${shown(total)})`).join(' or ');
    throw new InputError(
      'memory-limit',
      `train: the plan takes ${shown(plan.total)}, memory.limitBytes allows ${shown(plan.limit ?? 0)}; ` +
        (best === '' ? 'choose a smaller model' : `set ${best}`),
    );
  }
  const { name, bytes } = plan.largest;
  if (bytes <= bindingBytes) return;
  throw new InputError(
    'memory-binding',
    `train: ${name} needs a buffer of ${shown(bytes)}, this device binds at most ${shown(bindingBytes)}; ` +
      'set memory.tokens, or adapter.rank, lower',
  );
}

function shown(bytes: number): string {
  return bytes < 1e8 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}
