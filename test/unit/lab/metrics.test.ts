// What a metrics line says: its keys, old and new, and that its figures are those of the run.
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { NO_MEMORY } from '../../../src/lab/guard.ts';
import { runExperiment } from '../../../src/lab/run.ts';
import { updateWith } from '../../../src/lab/update.ts';
import type { Batch } from '../../../src/trajectory/batch.ts';
import {
  experimentSchema,
  type Metrics,
  metricsSchema,
} from '../../../src/trajectory/experiment.ts';
import { traceSchema } from '../../../src/trajectory/trace.ts';
import { Bigram } from '../../support/bigram.ts';
import {
  collect,
  GRPO,
  HOOK_MS,
  runtimeOf,
  runWith,
  SFT,
  taughtModel,
} from '../../support/lab-case.ts';
import { MemoryRunStore } from '../../support/memory-run-store.ts';

const KEYS = [
  ...['step', 'loss', 'reward', 'success', 'entropy', 'kl', 'gradNorm', 'zeroSpread'],
  ...['logprobGap', 'tiers', 'tokens', 'rewardStd', 'clipFraction', 'ratioMax', 'groups'],
  ...['trained', 'skipped', 'learningRate', 'repeats', 'length', 'truncated', 'overlong'],
];

describe('updateWith', () => {
  it('tells the share of clipped ratios and the largest one over its updates', async () => {
    const policy = new Bigram(5, [0], 1);
    const [lps = []] = await policy.referenceLogprobs([{ ids: [1, 2, 3] }]);
    const batchOf = (...ratios: [number, number]): Batch => ({
      objective: { kind: 'grpo', clip_low: 0.2, clip_high: 0.3, kl: 0, aggregate: 'token-mean' },
      sequences: [
        {
          ids: [1, 2, 3],
          mask: [0, 1, 1],
          advantage: 1,
          old_logprobs: [0, ...ratios.map((ratio, t) => (lps[t + 1] ?? 0) - Math.log(ratio))],
        },
      ],
    });
    // Nothing moves at a rate of 0. With an advantage of 1 a ratio above 1.3 is clipped.
    const options = { learningRate: 0, clipNorm: 0, guard: NO_MEMORY };
    const batches = [batchOf(1.25, 1.5), batchOf(0.5, 1)];
    const result = await updateWith(policy, batches, options);
    expect(result.ratioMax).toBeCloseTo(1.5, 12);
    expect(result.clipFraction).toBe(0.25);
    expect(await updateWith(policy, [], options)).toMatchObject({
      ratioMax: null,
      clipFraction: null,
    });
  });
});

describe('a metrics line', () => {
  const experiment = experimentSchema.parse({
    ...GRPO,
    algorithm: { ...GRPO.algorithm, overlong: { limit: 60, buffer: 40 }, resample: { rounds: 1 } },
    optimiser: { learningRate: 3, clipNorm: 0, warmupSteps: 4 },
    steps: 2,
  });
  const store = new MemoryRunStore();
  let metrics: Metrics[];
  beforeAll(async () => {
    metrics = await runWith(experiment, await taughtModel(), store);
  }, HOOK_MS);

  it('has its keys in a fixed order, and parses', () => {
    for (const line of store.logs.metrics) {
      expect(Object.keys(JSON.parse(line))).toEqual(KEYS);
      expect(metricsSchema.parse(JSON.parse(line))).toEqual(JSON.parse(line));
    }
    expect(Object.keys(metricsSchema.shape)).toEqual(KEYS);
  });

  it('tells the figures of its trajectories', () => {
    const traces = store.logs.trajectories.map((line) => traceSchema.parse(JSON.parse(line)));
    for (const { step, ...line } of metrics) {
      const own = traces.filter(({ id }) => id.startsWith(`${step}-`));
      const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
      const lengths = own.map(
        ({ segments }) => segments.flatMap(({ sampled, ids }) => (sampled ? ids : [])).length,
      );
      expect(line.groups).toBe(own.length / 6);
      expect(line.length).toBeCloseTo(mean(lengths), 10);
      expect(line.overlong).toBeCloseTo(mean(own.map((trace) => trace.overlong ?? 0)), 10);
      expect(line.truncated).toBeCloseTo(
        mean(own.map(({ end }) => (end === 'answer' ? 0 : 1))),
        10,
      );
      expect(line.zeroSpread).toBeCloseTo(1 - (line.trained ?? 0) / (line.groups ?? 0), 10);
      expect(line.rewardStd).toBeGreaterThan(0);
      expect(line.repeats).toBeGreaterThanOrEqual(0);
      expect(line.skipped).toBe(0);
      // A warm-up of four steps to a rate of 3.
      expect(line.learningRate).toBeCloseTo((3 * (step + 1)) / 4, 12);
      // Two updates a step: the second one's policy has moved.
      expect(line.ratioMax).toBeGreaterThan(1);
    }
  });

  it('without rollouts has nulls for what they say', async () => {
    const [line] = await runWith({ ...SFT, steps: 1 }, await taughtModel(), new MemoryRunStore());
    expect(Object.keys(line ?? {})).toEqual(KEYS);
    expect(line).toMatchObject({
      ...{ rewardStd: null, clipFraction: null, ratioMax: null, groups: null, trained: null },
      ...{ repeats: null, length: null, truncated: null, overlong: null },
      ...{ skipped: 0, learningRate: 150 },
    });
  });

  it('of an earlier version still parses', () => {
    const read = (name: string) => {
      const url = new URL(`../../data/${name}.metrics.jsonl`, import.meta.url);
      return readFileSync(url, 'utf8').trim().split('\n');
    };
    const lines = read('rookie-grpo').map((line) => metricsSchema.parse(JSON.parse(line)));
    expect(lines).toHaveLength(40);
    expect(lines.every((line) => line.groups === undefined)).toBe(true);
  });
});

it('the timing log says how fast a step was, and what memory it took', async () => {
  const store = new MemoryRunStore();
  const runtime = { ...runtimeOf(await taughtModel()), memoryBytes: () => 1234 };
  const [line] = await collect(
    runExperiment({ experiment: { ...GRPO, steps: 1 }, runtime, store }),
  );
  const timing = JSON.parse(store.logs.timing[0] ?? '{}');
  expect(Object.keys(timing)).toEqual([
    ...['step', 'rolloutMs', 'updateMs', 'sampledPerSecond', 'trainedPerSecond'],
    ...['stepMs', 'memoryBytes'],
  ]);
  // 18 rollouts.
  const sampled = 18 * (line?.length ?? Number.NaN);
  expect(timing.sampledPerSecond).toBeCloseTo((1000 * sampled) / timing.rolloutMs, 6);
  const trained = line?.tokens ?? Number.NaN;
  expect(timing.trainedPerSecond).toBeCloseTo((1000 * trained) / timing.updateMs, 6);
  expect(timing.memoryBytes).toBe(1234);
});
