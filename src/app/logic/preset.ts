// The experiment that the Train page offers, and the numbers in it that a person may change.
import type { Experiment } from '../../trajectory/experiment.ts';

export interface PresetChoices {
  model: string;
  tasksPerStep: number;
  /** Rollouts of each task. */
  group: number;
  steps: number;
  learningRate: number;
  seed: number;
}

export const PRESET_CHOICES: PresetChoices = {
  model: 'rookie',
  tasksPerStep: 8,
  group: 8,
  steps: 30,
  learningRate: 2e-3,
  seed: 1,
};

/** Size of the pool of training tasks. */
const POOL_TASKS = 512;

/** "Rookie learns": GRPO on training tasks, a LoRA adapter of rank 8, rubric rewards (ATLAS, arXiv 2603.06713). */
export function presetExperiment(choices: PresetChoices, toolspace: string): Experiment {
  const { model, tasksPerStep, group, steps, learningRate, seed } = choices;
  return {
    v: 1,
    name: `${model} learns`,
    seed,
    model,
    mode: 'itl',
    tasks: { split: 'train', toolspace, count: POOL_TASKS, seed },
    algorithm: {
      kind: 'grpo',
      tasksPerStep,
      group,
      temperature: 1,
      clipLow: 0.2,
      clipHigh: 0.28,
      kl: 0,
      advantage: 'std',
      aggregate: 'token-mean',
      updatesPerStep: 4,
    },
    adapter: { rank: 8, alpha: 16 },
    optimiser: {
      learningRate,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0,
      clipNorm: 1,
      warmupSteps: 0,
      schedule: 'constant',
      finalShare: 0.05,
    },
    reward: {
      taskFulfilment: 0.4,
      toolAppropriateness: 0.3,
      toolGrounding: 0.2,
      parameterAccuracy: 0.1,
      success: 0,
    },
    limits: { calls: 20, resultCharacters: 4000, contextTokens: 1024, turnTokens: 256 },
    steps,
    checkpointEvery: 1,
  };
}
