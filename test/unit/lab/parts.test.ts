import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { canonicalJson, experimentHash } from '../../../src/lab/experiment-hash.ts';
import { NO_MEMORY } from '../../../src/lab/guard.ts';
import { learningRate } from '../../../src/lab/schedule.ts';
import { TaskOrder } from '../../../src/lab/task-order.ts';
import { updateWith } from '../../../src/lab/update.ts';
import type { Batch } from '../../../src/trajectory/batch.ts';
import { experimentSchema, pretrainSchema } from '../../../src/trajectory/experiment.ts';
import { Bigram } from '../../support/bigram.ts';
import { someTask } from '../../support/traces.ts';

describe('experimentHash', () => {
  it('does not depend on the order of keys, and depends on every value', async () => {
    expect(canonicalJson({ b: [1, { d: 'x', c: null }], a: 0.1, z: undefined })).toBe(
      '{"a":0.1,"b":[1,{"c":null,"d":"x"}]}',
    );
    const hash = await experimentHash({ a: 1, b: 2 });
    // sha256sum of {"a":1,"b":2}
    expect(hash).toBe('43258cff783fe7036d8a43033f830adfc60ec037382473548ac742b888292777');
    expect(await experimentHash({ b: 2, a: 1 })).toBe(hash);
    expect(await experimentHash({ b: 2, a: 2 })).not.toBe(hash);
  });

  it('leaves out what an experiment does not say of its sampling', async () => {
    const sampling = experimentSchema.shape.sampling;
    const of = (value: unknown) => canonicalJson(sampling.parse(value));
    expect(of({ constrain: true })).toBe('{"constrain":true}');
    expect(of({ kv: 'f16' })).toBe('{"constrain":false,"kv":"f16"}');
    expect(sampling.safeParse({ kv: 'int8' }).success).toBe(false);
  });
});

describe('experiments that were run', () => {
  it.each([
    ['experiments/nano', pretrainSchema, '648aa90bf8ca'],
    ['experiments/rookie', pretrainSchema, 'bb93b482eb9a'],
    ['test/data/rookie-grpo', experimentSchema, '0f402f242b5c'],
  ] as const)(
    '%s keeps its name: a new setting is optional and has no default',
    async (name, schema, hash) => {
      const file = new URL(`../../../${name}.json`, import.meta.url);
      const experiment = schema.parse(JSON.parse(readFileSync(file, 'utf8')));
      expect((await experimentHash(experiment)).slice(0, 12)).toBe(hash);
    },
  );
});

describe('the settings of an optimiser', () => {
  const parse = (settings: object) => experimentSchema.shape.optimiser.parse(settings);

  it('are hashed without keys that came later and are not given', () => {
    expect(canonicalJson(parse({ learningRate: 0.002 }))).toBe(
      '{"beta1":0.9,"beta2":0.999,"clipNorm":1,"epsilon":1e-8,"finalShare":0.05,' +
        '"learningRate":0.002,"schedule":"constant","warmupSteps":0,"weightDecay":0}',
    );
  });

  it('know two kinds of moments', () => {
    expect(parse({ learningRate: 1, moments: 'int8' }).moments).toBe('int8');
    expect(() => parse({ learningRate: 1, moments: 'int4' })).toThrow('Invalid option');
  });
});

describe('learningRate', () => {
  const base = { learningRate: 2, warmupSteps: 4, finalShare: 0.1 };

  it('warms up in steps, then falls by the schedule', () => {
    expect(learningRate({ ...base, schedule: 'constant' }, 0, 0)).toBe(0.5);
    expect(learningRate({ ...base, schedule: 'constant' }, 3, 0.5)).toBe(2);
    // linear, half way: 1 - 0.9 / 2 = 0.55
    expect(learningRate({ ...base, schedule: 'linear' }, 9, 0.5)).toBeCloseTo(1.1, 12);
    // cosine, half way: 0.1 + 0.9 / 2 = 0.55; at the end 0.1
    expect(learningRate({ ...base, schedule: 'cosine' }, 9, 0.5)).toBeCloseTo(1.1, 12);
    expect(learningRate({ ...base, schedule: 'cosine' }, 9, 1)).toBeCloseTo(0.2, 12);
    expect(learningRate({ ...base, schedule: 'cosine', warmupSteps: 0 }, 0, 0)).toBe(2);
  });
});

describe('TaskOrder', () => {
  it('gives each task once an epoch, another order each, by position alone', () => {
    const pool = Array.from({ length: 10 }, (_, i) => someTask(`t${i}`));
    const draw = (order: TaskOrder, from: number) =>
      Array.from({ length: 10 }, (_, i) => order.at(from + i).id);
    const first = draw(new TaskOrder(pool, 3), 0);
    const second = draw(new TaskOrder(pool, 3), 10);
    expect(first.toSorted()).toEqual(pool.map((task) => task.id));
    expect(second.toSorted()).toEqual(pool.map((task) => task.id));
    expect(second).not.toEqual(first);
    expect(draw(new TaskOrder(pool, 4), 0)).not.toEqual(first);
  });
});

const sft = (sequences: { ids: number[]; mask: number[] }[]): Batch => ({
  objective: { kind: 'sft', aggregate: 'token-mean' },
  sequences: sequences.map((one) => ({ ...one, advantage: 0 })),
});

describe('updateWith', () => {
  it('takes one step a batch and reports means over them', async () => {
    const batches = [
      sft([{ ids: [1, 2, 3], mask: [0, 1, 1] }]),
      sft([{ ids: [3, 1], mask: [0, 1] }]),
    ];
    const options = { learningRate: 0.5, clipNorm: 0, guard: NO_MEMORY };
    const result = await updateWith(new Bigram(5, [0], 1), batches, options);
    const twin = new Bigram(5, [0], 1);
    const [a, b] = batches as [Batch, Batch];
    const one = await twin.accumulate(a);
    const normOne = await twin.apply(options);
    const two = await twin.accumulate(b);
    const normTwo = await twin.apply(options);
    expect(result.loss).toBeCloseTo((one.loss + two.loss) / 2, 12);
    expect(result.gradNorm).toBeCloseTo((normOne.gradNorm + normTwo.gradNorm) / 2, 12);
    expect(result.tokens).toBe(3);
    expect(result.logprobGap).toBeNull();
  });

  it('measures the gap of log-probabilities on the first batch before its update', async () => {
    const policy = new Bigram(5, [0], 1);
    const [lps = []] = await policy.referenceLogprobs([{ ids: [1, 2, 3] }]);
    const batch: Batch = {
      objective: { kind: 'grpo', clip_low: 0.2, clip_high: 0.2, kl: 0, aggregate: 'token-mean' },
      sequences: [
        {
          ids: [1, 2, 3],
          mask: [0, 0, 1],
          advantage: 1,
          old_logprobs: [0, 9, (lps[2] ?? 0) - 0.125],
        },
      ],
    };
    const options = { learningRate: 1, clipNorm: 0, guard: NO_MEMORY };
    const result = await updateWith(policy, [batch, batch], options);
    expect(result.logprobGap).toBeCloseTo(0.125, 12);
  });

  it("measures it from what the sampler said, where old log-probabilities are the trainer's", async () => {
    const policy = new Bigram(5, [0], 1);
    const [lps = []] = await policy.policyLogprobs([{ ids: [1, 2] }]);
    const objective = { kind: 'grpo', clip_low: 0.2, clip_high: 0.2, kl: 0, truncate: 2 } as const;
    const sampler_logprobs = [0, (lps[1] ?? 0) + 0.25];
    const sequence = {
      ids: [1, 2],
      mask: [0, 1],
      advantage: 1,
      old_logprobs: lps,
      sampler_logprobs,
    };
    const batch: Batch = {
      objective: { ...objective, aggregate: 'token-mean' },
      sequences: [sequence],
    };
    const result = await updateWith(policy, [batch], {
      learningRate: 1,
      clipNorm: 0,
      guard: NO_MEMORY,
    });
    expect(result.logprobGap).toBeCloseTo(0.25, 12);
  });

  it('is all zeros without a batch', async () => {
    const options = { learningRate: 1, clipNorm: 0, guard: NO_MEMORY };
    expect(await updateWith(new Bigram(5, [0], 1), [], options)).toEqual({
      loss: 0,
      entropy: 0,
      kl: 0,
      gradNorm: 0,
      logprobGap: null,
      tokens: 0,
      clipFraction: null,
      ratioMax: null,
      learningRate: 1,
      skipped: 0,
      guard: NO_MEMORY,
    });
  });
});
