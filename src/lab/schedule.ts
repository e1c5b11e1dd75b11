// The learning rate of a step: a linear warm-up in steps times one schedule over the whole run.
import type { OptimiserSettings } from '../trajectory/experiment.ts';

/**
 * Learning rate of `step` (from 0). `progress` in [0, 1] is the share of the run that is done
 * before the step; the schedule falls from 1 to `finalShare` over it.
 */
export function learningRate(
  settings: Pick<OptimiserSettings, 'learningRate' | 'warmupSteps' | 'schedule' | 'finalShare'>,
  step: number,
  progress: number,
): number {
  const warmup = Math.min(1, (step + 1) / Math.max(1, settings.warmupSteps));
  const done = Math.min(1, Math.max(0, progress));
  const { finalShare } = settings;
  const shares = {
    constant: 1,
    linear: 1 - (1 - finalShare) * done,
    cosine: finalShare + ((1 - finalShare) * (1 + Math.cos(Math.PI * done))) / 2,
  };
  return settings.learningRate * warmup * shares[settings.schedule];
}
