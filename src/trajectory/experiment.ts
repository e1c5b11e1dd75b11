// An experiment: one JSON that says all a run depends on. Its hash names the run.
import { z } from 'zod';
import { PROJECTIONS } from '../base/projections.ts';
import { checkEstimate } from './batch.ts';
import { splitSchema } from './task.ts';
import { modeSchema } from './trace.ts';

/** How the moments of the optimiser are kept. */
export const MOMENT_KINDS = ['f32', 'int8'] as const;
export type MomentKind = (typeof MOMENT_KINDS)[number];

const optimiserSchema = z.strictObject({
  learningRate: z.number().positive(),
  beta1: z.number().default(0.9),
  beta2: z.number().default(0.999),
  epsilon: z.number().default(1e-8),
  weightDecay: z.number().nonnegative().default(0),
  clipNorm: z.number().nonnegative().default(1),
  warmupSteps: z.number().int().nonnegative().default(0),
  schedule: z.enum(['constant', 'linear', 'cosine']).default('constant'),
  /** The schedule ends at this share of the learning rate. */
  finalShare: z.number().min(0).max(1).default(0.05),
  /** `int8` keeps both moments in about a quarter of the bytes of `f32`, which it is without this key. */
  moments: z.enum(MOMENT_KINDS).optional(),
});

const guardSchema = z.strictObject({
  /**
   * An update whose gradient norm is above this many times the median of the last 20 updates is
   * skipped; any finite norm is taken when it is left out.
   */
  spike: z.number().min(1).optional(),
});

/** When a run that rolls out counts as collapsed. Every run is watched by the defaults; nothing of it enters a result. */
export const monitorSchema = z.strictObject({
  /** Ends the run at the first sign; else it is only told. */
  stop: z.boolean().default(false),
  /** Steps that are averaged. */
  window: z.number().int().positive().default(5),
  /** Entropy below this share of its start. */
  entropyShare: z.number().nonnegative().default(0.2),
  /** Share of repeated tokens above this; the oracle's own episodes have 0.3 to 0.45, from the form of calls. */
  repeats: z.number().nonnegative().default(0.7),
  /** Share of groups without spread above this. */
  zeroSpread: z.number().nonnegative().default(0.9),
  /** Success clearly below this share of its best. */
  successShare: z.number().nonnegative().default(0.5),
});
export type MonitorSettings = z.infer<typeof monitorSchema>;

/** Weight of a part of the reward, small enough that sums of them are exact numbers still. */
const weight = z.number().min(-1e6).max(1e6);

/** Whether the categories' weighted mean exists, or there are none of them and success is paid for. */
function canBeEarned(categories: readonly number[], success: number): boolean {
  if (categories.every((one) => one === 0)) return success !== 0;
  return categories.reduce((sum, one) => sum + one, 0) > 0;
}

/** Projections that an adapter can have, in GGUF's names. */
const projectionSchema = z.enum(PROJECTIONS);

const adapterSchema = z.strictObject({
  rank: z.number().int().positive(),
  alpha: z.number().positive(),
  /** Projections of every layer that it has; all seven when it is not given. */
  targets: z
    .array(projectionSchema)
    .min(1)
    .refine((list) => new Set(list).size === list.length, {
      message: 'a projection is there twice',
    })
    .optional(),
  /** Rank-stabilised: scaled by alpha / sqrt(rank) in place of alpha / rank (arXiv:2312.03732). */
  rslora: z.boolean().optional(),
});

const tasksSchema = z.strictObject({
  split: splitSchema,
  toolspace: z.string().default('core'),
  /** Size of the pool that steps draw from, in order. */
  count: z.number().int().positive(),
  seed: z.number().int().nonnegative(),
  /** Only tasks that the oracle does in at most so many calls, as a first lesson; all without it. */
  mostCalls: z.number().int().positive().optional(),
});

/** How a step fits the device. */
const memorySchema = z.strictObject({
  /** Tokens of a packed row, 2048 by default; a longer sequence has a row of its own. */
  tokens: z.number().int().positive().optional(),
  /**
   * What is kept of each layer for its gradients: all, or its input (computed again from it) in f32 or f16. By default all
   * where that is small, else f32; these two give the same bits.
   */
  checkpoints: z.enum(['all', 'f32', 'f16']).optional(),
  /** A run that would take more is refused before it starts. */
  limitBytes: z.number().int().positive().optional(),
});

const overlongSchema = z
  .strictObject({
    /** Tokens that the policy samples in an episode, over all turns: from here on the whole penalty. */
    limit: z.number().int().positive(),
    /** Over this many tokens below the limit the penalty grows from nothing. */
    buffer: z.number().int().positive(),
    /** Taken off the reward at the limit. */
    penalty: z.number().positive().default(1),
  })
  .refine(({ limit, buffer }) => buffer <= limit, {
    path: ['buffer'],
    message: 'need a number of tokens that is at most limit',
  });

const grpoSchema = z
  .strictObject({
    kind: z.literal('grpo'),
    tasksPerStep: z.number().int().positive(),
    group: z.number().int().min(2),
    temperature: z.number().positive().default(1),
    clipLow: z.number().nonnegative().default(0.2),
    clipHigh: z.number().nonnegative().default(0.28),
    kl: z.number().nonnegative().default(0),
    /** Where the KL to the reference goes: `k3`, as without it, a term of the loss; `k1`, out of each token's reward. */
    klEstimate: z.enum(['k3', 'k1']).optional(),
    /** Coefficient of a bonus for entropy; 0 without it. */
    entropy: z.number().nonnegative().optional(),
    /**
     * Multiplies advantages by min(exp(trainer's - sampler's log-probability), truncate): truncated importance sampling. The
     * trainer makes log-probabilities of its own before the first update of a step. Not done without it.
     */
    truncate: z.number().positive().optional(),
    /** Of each token, as without it, or of the whole sequence (GSPO; its clips are near 3e-4 and 4e-4). */
    ratio: z.enum(['token', 'sequence']).optional(),
    /** `std`: (r - mean) / (std + 1e-6); `mean`: r - mean; `rloo`: r - mean of the others. */
    advantage: z.enum(['std', 'mean', 'rloo']).default('std'),
    aggregate: z
      .enum(['token-mean', 'seq-mean-token-mean', 'seq-sum-constant'])
      .default('token-mean'),
    constant: z.number().positive().optional(),
    /** Optimiser steps for each round of rollouts: the round is cut into this many minibatches. */
    updatesPerStep: z.number().int().positive().default(1),
    /** Soft punishment of episodes that are nearly too long; none when left out. */
    overlong: overlongSchema.optional(),
    /**
     * Episodes that a budget ended (calls, context or the length of a turn) count in their group's mean and spread, but none
     * of their tokens is trained: the overlong filtering of DAPO (arXiv:2503.14476 section 3.4). They are trained without it.
     */
    maskTruncated: z.boolean().optional(),
    /**
     * Rounds in which groups without spread are made up for by groups of the next tasks, until
     * `tasksPerStep` have one; none when left out.
     */
    resample: z.strictObject({ rounds: z.number().int().positive() }).optional(),
  })
  .superRefine(({ kl, klEstimate }, context) => {
    checkEstimate('klEstimate', klEstimate, kl, context);
  });

const sftSchema = z.strictObject({
  kind: z.literal('sft'),
  /** Tokens of one step, at least one sequence. */
  tokensPerStep: z.number().int().positive(),
  /** `policy`: loss on tokens a policy would sample; `all`: on every token. */
  lossOn: z.enum(['policy', 'all']).default('policy'),
  /** Planted bad habits of the teacher, each with the share of tasks that shows it. */
  habits: z
    .strictObject({
      answersEarly: z.number().min(0).max(1).default(0),
      skipsLoading: z.number().min(0).max(1).default(0),
      nearDuplicate: z.number().min(0).max(1).default(0),
      givesUp: z.number().min(0).max(1).default(0),
    })
    .optional(),
});

/** Settings of `train`. Unknown keys are refused. */
export const experimentSchema = z
  .strictObject({
    v: z.literal(1),
    name: z.string(),
    seed: z.number().int().nonnegative(),
    /** `nano`, `rookie` or a GGUF path. */
    model: z.string(),
    /** SHA-256 of the model file; checked when it is given. */
    modelHash: z.string().optional(),
    /** An adapter to start from: a PEFT folder, a zip of one, or a GGUF file. */
    initAdapter: z.string().optional(),
    mode: modeSchema.default('itl'),
    tasks: tasksSchema,
    algorithm: z.discriminatedUnion('kind', [grpoSchema, sftSchema]),
    /** Null trains all weights (F32 models). */
    adapter: adapterSchema.nullable(),
    optimiser: optimiserSchema,
    reward: z
      .strictObject({
        taskFulfilment: weight.default(0.4),
        toolAppropriateness: weight.default(0.3),
        toolGrounding: weight.default(0.2),
        parameterAccuracy: weight.default(0.1),
        /** Added when every Task Fulfilment check passes. Where no category has a weight, it is all there is. */
        success: weight.default(0),
      })
      .refine(({ success, ...categories }) => canBeEarned(Object.values(categories), success), {
        message:
          'need weights of categories whose sum is above 0, or 0 for each of them and another number for success',
      })
      .default({
        taskFulfilment: 0.4,
        toolAppropriateness: 0.3,
        toolGrounding: 0.2,
        parameterAccuracy: 0.1,
        success: 0,
      }),
    /** The policy has `search_tools` besides what the mode gives it. */
    search: z.boolean().optional(),
    sampling: z
      .strictObject({
        /**
         * Rollouts can write only calls that can be made. That is off-policy: the log-probabilities stay the model's own, and
         * tokens that it would not have taken are trained as if it had.
         */
        constrain: z.boolean().default(false),
        /**
         * How the rollouts' keys and values are kept: f32 by default, or rounded to f16 in half the memory. The trainer rounds
         * its own alike, so that both see the same model.
         */
        kv: z.enum(['f32', 'f16']).optional(),
      })
      .optional(),
    limits: z
      .strictObject({
        calls: z.number().int().positive().default(20),
        resultCharacters: z.number().int().positive().default(4000),
        contextTokens: z.number().int().positive().default(1024),
        turnTokens: z.number().int().positive().default(256),
      })
      .default({ calls: 20, resultCharacters: 4000, contextTokens: 1024, turnTokens: 256 }),
    memory: memorySchema.optional(),
    steps: z.number().int().positive(),
    checkpointEvery: z.number().int().positive().default(1),
    guard: guardSchema.optional(),
    monitor: monitorSchema.optional(),
  })
  .refine(({ adapter, initAdapter }) => adapter !== null || initAdapter === undefined, {
    path: ['initAdapter'],
    message: 'need none where adapter is null: all weights start from the model',
  });
export type Experiment = z.infer<typeof experimentSchema>;

/** Settings of `pretrain`: all weights, from random initialisation or a GGUF. */
export const pretrainSchema = z.strictObject({
  v: z.literal(1),
  name: z.string(),
  seed: z.number().int().nonnegative(),
  /** A GGUF file to start from, in place of a random initialisation; brings its tokenizer and template. */
  init: z.string().optional(),
  architecture: z
    .strictObject({
      layers: z.number().int().positive(),
      hidden: z.number().int().positive(),
      heads: z.number().int().positive(),
      kvHeads: z.number().int().positive(),
      headDim: z.number().int().positive(),
      ffn: z.number().int().positive(),
      ropeTheta: z.number().positive(),
      contextLength: z.number().int().positive(),
      maxVocab: z.number().int().positive(),
    })
    .optional(),
  toolspace: z.string().default('core'),
  /** Share of each mode in the teacher's episodes. */
  modes: z
    .strictObject({
      eager: z.number().default(0),
      isl: z.number().default(0),
      itl: z.number().default(1),
    })
    .default({ eager: 0, isl: 0, itl: 1 }),
  phases: z
    .array(
      z.strictObject({
        kind: z.enum(['primer', 'episodes']),
        tokens: z.number().int().positive(),
        tokensPerStep: z.number().int().positive(),
        lossOn: z.enum(['policy', 'all']),
        habits: sftSchema.shape.habits,
      }),
    )
    .min(1),
  optimiser: optimiserSchema,
  checkpointEvery: z.number().int().positive().default(100),
  /** Quantisation of `model.gguf`. */
  output: z.enum(['F32', 'Q8_0']).default('Q8_0'),
  guard: guardSchema.optional(),
});
export type PretrainExperiment = z.infer<typeof pretrainSchema>;
export type OptimiserSettings = z.infer<typeof optimiserSchema>;
export type TeacherHabits = NonNullable<z.infer<typeof sftSchema>['habits']>;

/** The health of a step. Lines of earlier versions have none of it; null is "nothing to measure". */
const healthSchema = z.strictObject({
  /** Mean over the groups of the standard deviation of their rewards, penalties among them. */
  rewardStd: z.number().nullable(),
  /** Share of trained tokens whose ratio was clipped. */
  clipFraction: z.number().nullable(),
  /** Largest ratio of a trained token: its probability under the policy at hand over that of sampling. */
  ratioMax: z.number().nullable(),
  /** Groups that were drawn, and those whose rewards differ: only these are trained. */
  groups: z.number().int().nullable(),
  trained: z.number().int().nullable(),
  /** Updates that were not taken; see `guard`. */
  skipped: z.number().int(),
  learningRate: z.number(),
  /** Share of sampled tokens in runs of 4 that stood earlier in their episode. */
  repeats: z.number().nullable(),
  /** Mean number of sampled tokens of an episode. */
  length: z.number().nullable(),
  /** Share of episodes that a budget ended: calls, context or the length of a turn. */
  truncated: z.number().nullable(),
  /** Mean of what `algorithm.overlong` added to the rewards; `reward` is without it. */
  overlong: z.number().nullable(),
});
export type Health = z.infer<typeof healthSchema>;
/** What rollouts say of it. */
export type RolloutHealth = Omit<Health, 'clipFraction' | 'ratioMax' | 'skipped' | 'learningRate'>;

/** One line of `metrics.jsonl`; keys stand in this order, later ones are added at the end. */
export const metricsSchema = z.strictObject({
  step: z.number().int(),
  loss: z.number(),
  /** Mean over the step's rollouts; null where there are none (SFT). */
  reward: z.number().nullable(),
  success: z.number().nullable(),
  entropy: z.number(),
  kl: z.number(),
  gradNorm: z.number(),
  /** Share of groups whose rewards were all equal. */
  zeroSpread: z.number().nullable(),
  /** Largest |sampled - trainer's log-probability| over trained tokens, before the first update of the step. */
  logprobGap: z.number().nullable(),
  /** Observations by cache tier. */
  tiers: z.record(z.string(), z.number().int()),
  /** Trained tokens (mask 1). */
  tokens: z.number().int(),
  ...healthSchema.partial().shape,
});
export type Metrics = z.infer<typeof metricsSchema>;
/** A line as it is written now. */
export type StepMetrics = Metrics & Health;
