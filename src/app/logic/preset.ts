// The experiment that the Train page offers, and the numbers in it that a person may change.
import type { ShippedName } from '../../base/shipped-models.ts';
import type { Experiment } from '../../trajectory/experiment.ts';
import type { ToolspaceName } from './toolspaces.ts';

export interface PresetChoices {
  model: BaseModel;
  /** Of the training tasks; a shipped model gets those that it was made for. */
  toolspace: ToolspaceName;
  tasksPerStep: number;
  /** Rollouts of each task. */
  group: number;
  steps: number;
  learningRate: number;
  seed: number;
  rank: number;
  memory: NonNullable<Experiment['memory']>;
}

/** A model that comes with the page, or one of its store. */
export type BaseModel =
  | { kind: 'shipped'; name: ShippedName }
  | { kind: 'stored'; name: string; hash: string };

export const PRESET_CHOICES: PresetChoices = {
  model: { kind: 'shipped', name: 'rookie' },
  toolspace: 'core',
  tasksPerStep: 8,
  group: 8,
  steps: 40,
  learningRate: 3e-3,
  seed: 1,
  rank: 8,
  memory: {},
};

/** Rates and ranks to begin with: small models need larger steps. */
export function startingPoint({ kind }: BaseModel): Pick<PresetChoices, 'learningRate' | 'rank'> {
  return kind === 'shipped' ? { learningRate: 3e-3, rank: 8 } : { learningRate: 1e-4, rank: 16 };
}

const SHIPPED_ALPHA = 16;

/** Size of the pool of training tasks. */
const POOL_TASKS = 512;

/** "Rookie learns": GRPO on training tasks, a LoRA adapter, rubric rewards (ATLAS, arXiv 2603.06713). */
export function presetExperiment(
  choices: PresetChoices,
  { toolspace: own, limits }: { toolspace: string; limits: Experiment['limits'] },
): Experiment {
  const { model, tasksPerStep, group, steps, learningRate, seed, rank, memory } = choices;
  const toolspace = model.kind === 'shipped' ? own : choices.toolspace;
  return {
    v: 1,
    name: `${model.name} learns`,
    seed,
    model: model.name,
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
    // At the high rate of the shipped models alpha stays as it is: with 64 at rank 32 rookie unlearned everything (LOG.md).
    adapter: { rank, alpha: model.kind === 'shipped' ? SHIPPED_ALPHA : 2 * rank },
    optimiser: {
      learningRate,
      beta1: 0.9,
      beta2: 0.99,
      epsilon: 1e-8,
      weightDecay: 0,
      clipNorm: 1,
      warmupSteps: 4,
      schedule: 'cosine',
      finalShare: 0.05,
    },
    reward: {
      taskFulfilment: 0.4,
      toolAppropriateness: 0.3,
      toolGrounding: 0.2,
      parameterAccuracy: 0.1,
      success: 1,
    },
    limits,
    ...(Object.keys(memory).length === 0 ? {} : { memory }),
    steps,
    checkpointEvery: 1,
  };
}
