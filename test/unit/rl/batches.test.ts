import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/base/errors.ts';
import type { Group } from '../../../src/rl/groups.ts';
import {
  cutMinibatches,
  type GrpoSettings,
  grpoBatches,
  grpoObjective,
  zeroSpreadShare,
} from '../../../src/rl/grpo.ts';
import { sequenceOf, trainedTokens } from '../../../src/rl/sequence.ts';
import { sftBatch, sftSequence } from '../../../src/rl/sft.ts';
import { batchSchema, type TrainSequence } from '../../../src/trajectory/batch.ts';
import type { Segment } from '../../../src/trajectory/trace.ts';
import { someTask, traceWith } from '../../support/traces.ts';

const given = (ids: number[]): Segment => ({
  role: 'user',
  ids,
  sampled: false,
  logprobs: null,
  tier: null,
});
const sampled = (ids: number[], logprobs: number[] | null): Segment => ({
  role: 'assistant',
  ids,
  sampled: true,
  logprobs,
  tier: null,
});
const settings: GrpoSettings = {
  kind: 'grpo',
  tasksPerStep: 2,
  group: 2,
  temperature: 1,
  clipLow: 0.2,
  clipHigh: 0.28,
  kl: 0,
  advantage: 'mean',
  aggregate: 'token-mean',
  updatesPerStep: 1,
};
const never = () => Promise.reject(new Error('log-probabilities were asked for in vain'));

function group(rewards: (number | null)[]): Group {
  const traces = rewards.map((_, i) =>
    traceWith([given([1, 2]), sampled([10 + i, 20], [-0.5, -0.25]), given([3])]),
  );
  return { task: someTask(), traces, rewards };
}

describe('sequenceOf', () => {
  it('joins segments; mask and log-probabilities only on sampled tokens', () => {
    const trace = traceWith([
      given([5, 6]),
      sampled([7, 8], [-1, -2]),
      given([9]),
      sampled([4], [-3]),
    ]);
    expect(sequenceOf(trace)).toEqual({
      ids: [5, 6, 7, 8, 9, 4],
      mask: [0, 0, 1, 1, 0, 1],
      oldLogprobs: [0, 0, -1, -2, 0, -3],
    });
    expect(trainedTokens([sequenceOf(trace), sequenceOf(trace)])).toBe(6);
  });

  it('never trains position 0, and says when log-probabilities are missing', () => {
    const got = sequenceOf(traceWith([sampled([7, 8], null)]));
    expect(got).toEqual({ ids: [7, 8], mask: [0, 1], oldLogprobs: null });
  });

  it('refuses log-probabilities that are not aligned', () => {
    expect(() => sequenceOf(traceWith([sampled([7, 8], [-1])]))).toThrow(
      /got 1 log-probabilities, need 2/,
    );
  });
});

describe('grpoBatches', () => {
  it('gives valid batches with the advantages of each group', async () => {
    const groups = [group([1, 0]), group([0.5, 0.5]), group([null, 1])];
    const batches = await grpoBatches(groups, settings, {
      seed: 1,
      reference: never,
      policy: never,
    });
    expect(batches).toHaveLength(1);
    const batch = batchSchema.parse(batches[0]);
    expect(batch.objective).toEqual({
      kind: 'grpo',
      clip_low: 0.2,
      clip_high: 0.28,
      kl: 0,
      aggregate: 'token-mean',
    });
    expect(batch.sequences.map((sequence) => sequence.advantage)).toEqual([0.5, -0.5]);
    expect(batch.sequences[1]).toEqual({
      ids: [1, 2, 11, 20, 3],
      mask: [0, 0, 1, 1, 0],
      advantage: -0.5,
      old_logprobs: [0, 0, -0.5, -0.25, 0],
    });
    expect(zeroSpreadShare(groups)).toBeCloseTo(2 / 3, 12);
    expect(zeroSpreadShare([])).toBeNull();
  });

  it('gives no batch when no group has spread', async () => {
    expect(
      await grpoBatches([group([1, 1])], settings, { seed: 1, reference: never, policy: never }),
    ).toEqual([]);
  });

  it('trains no token of an episode that a budget ended, whose reward still counts, when asked to', async () => {
    const ends = ['answer', 'context', 'calls', 'length'] as const;
    const one = group([1, 0, 0, 0]);
    const cut = {
      ...one,
      traces: one.traces.map((trace, i) => ({ ...trace, end: ends[i] ?? 'answer' })),
    };
    const options = { seed: 1, reference: never, policy: never };
    const sequencesOf = async (more: Partial<GrpoSettings>) => {
      const batches = await grpoBatches([cut], { ...settings, ...more }, options);
      return batches.flatMap(({ sequences }) => sequences);
    };
    const all = await sequencesOf({});
    expect(all.map(({ advantage }) => advantage)).toEqual([0.75, -0.25, -0.25, -0.25]);
    expect(await sequencesOf({ maskTruncated: true })).toEqual(all.slice(0, 1));
    expect(await sequencesOf({ maskTruncated: false })).toEqual(all);
    const cutOnly = { ...cut, traces: cut.traces.slice(1), rewards: [1, 0, 0] };
    const masked = { ...settings, maskTruncated: true };
    expect(await grpoBatches([cutOnly], masked, options)).toEqual([]);
  });

  it('asks for the reference with a KL term', async () => {
    const batches = await grpoBatches(
      [group([1, 0])],
      { ...settings, kl: 0.1 },
      {
        seed: 1,
        reference: (sequences) =>
          Promise.resolve(sequences.map((sequence, i) => sequence.ids.map(() => -i))),
        policy: never,
      },
    );
    expect(batches[0]?.sequences[1]?.ref_logprobs).toEqual([-1, -1, -1, -1, -1]);
    expect(batches[0]?.objective).toMatchObject({ kl: 0.1 });
  });

  it("asks for the policy with truncate: what was sampled becomes the sampler's", async () => {
    const batches = await grpoBatches(
      [group([1, 0])],
      { ...settings, truncate: 2 },
      {
        seed: 1,
        reference: never,
        policy: (sequences) =>
          Promise.resolve(sequences.map((sequence, i) => sequence.ids.map(() => -i))),
      },
    );
    const batch = batchSchema.parse(batches[0]);
    expect(batch.objective).toMatchObject({ truncate: 2 });
    expect(batch.sequences[1]).toEqual({
      ids: [1, 2, 11, 20, 3],
      mask: [0, 0, 1, 1, 0],
      advantage: -0.5,
      old_logprobs: [-1, -1, -1, -1, -1],
      sampler_logprobs: [0, 0, -0.5, -0.25, 0],
    });
  });

  it('carries the settings of the objective, and leaves out what is not set', () => {
    const more = {
      kl: 0.1,
      klEstimate: 'k1',
      entropy: 0.01,
      truncate: 2,
      ratio: 'sequence',
    } as const;
    expect(grpoObjective({ ...settings, ...more })).toEqual({
      kind: 'grpo',
      clip_low: 0.2,
      clip_high: 0.28,
      kl: 0.1,
      kl_estimate: 'k1',
      entropy: 0.01,
      truncate: 2,
      ratio: 'sequence',
      aggregate: 'token-mean',
    });
    expect(Object.keys(grpoObjective(settings))).toEqual([
      'kind',
      'clip_low',
      'clip_high',
      'kl',
      'aggregate',
    ]);
  });

  it('cuts minibatches in a fixed seeded order', () => {
    const sequences: TrainSequence[] = Array.from({ length: 7 }, (_, i) => ({
      ids: [i],
      mask: [0],
      advantage: 0,
    }));
    const parts = cutMinibatches(sequences, 3, 9);
    expect(parts.map((part) => part.length)).toEqual([2, 2, 3]);
    const order = parts.flat().map((sequence) => sequence.ids[0] ?? -1);
    expect(order.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(order).not.toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(cutMinibatches(sequences, 3, 9)).toEqual(parts);
    expect(cutMinibatches(sequences.slice(0, 2), 5, 9)).toHaveLength(2);
    expect(cutMinibatches([], 5, 9)).toEqual([]);
  });

  it('refuses a temperature that the trainer does not know, and a missing constant', () => {
    expect(() => grpoObjective({ ...settings, temperature: 0.7 })).toThrow(InputError);
    expect(() => grpoObjective({ ...settings, aggregate: 'seq-sum-constant' })).toThrow(
      /algorithm.constant/,
    );
    expect(
      grpoObjective({ ...settings, aggregate: 'seq-sum-constant', constant: 256 }).constant,
    ).toBe(256);
  });

  it('refuses rollouts without log-probabilities', async () => {
    const traces = [traceWith([given([1]), sampled([2], null)]), traceWith([given([1])])];
    await expect(
      grpoBatches([{ task: someTask(), traces, rewards: [1, 0] }], settings, {
        seed: 1,
        reference: never,
        policy: never,
      }),
    ).rejects.toThrow(/without log-probabilities/);
  });
});

describe('sft', () => {
  it('masks what a policy would sample, or all but the first token', () => {
    const trace = traceWith([given([1, 2]), sampled([3, 4], null), given([5])]);
    expect(sftSequence(trace, 'policy').mask).toEqual([0, 0, 1, 1, 0]);
    expect(sftSequence(trace, 'all').mask).toEqual([0, 1, 1, 1, 1]);
  });

  it('makes a batch that a trainer takes', () => {
    const trace = traceWith([given([1]), sampled([3, 4], null)]);
    const batch = sftBatch([sftSequence(trace, 'policy')]);
    expect(batchSchema.parse(batch)).toEqual({
      objective: { kind: 'sft', aggregate: 'token-mean' },
      sequences: [{ ids: [1, 3, 4], mask: [0, 1, 1], advantage: 0 }],
    });
  });
});
