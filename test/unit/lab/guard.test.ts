// The guard of updates: its arithmetic, and runs whose gradients go wrong under it.
import { beforeAll, describe, expect, it } from 'vitest';
import { AtlasError } from '../../../src/base/errors.ts';
import {
  type GuardMemory,
  NO_MEMORY,
  normLimit,
  rememberSkipped,
  rememberTaken,
} from '../../../src/lab/guard.ts';
import { runPretrain } from '../../../src/lab/pretrain.ts';
import { runExperiment } from '../../../src/lab/run.ts';
import { updateWith } from '../../../src/lab/update.ts';
import type { Batch } from '../../../src/trajectory/batch.ts';
import { experimentSchema, pretrainSchema } from '../../../src/trajectory/experiment.ts';
import type { Trainer } from '../../../src/trajectory/interfaces.ts';
import { Bigram } from '../../support/bigram.ts';
import {
  collect,
  episodes,
  fresh,
  HOOK_MS,
  remains,
  runtimeOf,
  SFT,
  sha,
} from '../../support/lab-case.ts';
import { MemoryRunStore } from '../../support/memory-run-store.ts';

const memoryOf = (norms: number[]): GuardMemory =>
  norms.reduce((memory, norm) => rememberTaken(memory, norm), NO_MEMORY);

describe('normLimit', () => {
  it('is spike times the median of the last 20 norms, once 5 are known', () => {
    expect(normLimit(memoryOf([1, 2, 3, 4]), 3)).toBe(Number.POSITIVE_INFINITY);
    // median of 9 1 4 2 7 is 4; of 9 1 4 2 7 5 it is (4 + 5) / 2
    expect(normLimit(memoryOf([9, 1, 4, 2, 7]), 3)).toBe(12);
    expect(normLimit(memoryOf([9, 1, 4, 2, 7, 5]), 3)).toBe(13.5);
    const long = memoryOf(Array.from({ length: 30 }, (_, i) => i + 1));
    // 11 to 30 are remembered: median 20.5
    expect(long.norms).toHaveLength(20);
    expect(normLimit(long, 2)).toBe(41);
  });

  it('is none without spike, and a norm of 0 is not remembered', () => {
    expect(normLimit(memoryOf([1, 1, 1, 1, 1]), undefined)).toBe(Number.POSITIVE_INFINITY);
    expect(memoryOf([0, 2, 0]).norms).toEqual([2]);
  });
});

describe('rememberSkipped', () => {
  it('counts to the third in a row, which it refuses with the reason; a taken one starts anew', () => {
    const two = rememberSkipped(rememberSkipped(memoryOf([1]), 'a'), 'b');
    expect(two).toEqual({ norms: [1], inARow: 2 });
    expect(() => rememberSkipped(two, 'a loss of NaN')).toThrow(AtlasError);
    expect(() => rememberSkipped(two, 'a loss of NaN')).toThrow(
      /got 3 in a row that were skipped, the last for a loss of NaN, .*optimiser\.learningRate/,
    );
    expect(rememberTaken(two, 5)).toEqual({ norms: [1, 5], inARow: 0 });
  });
});

const BATCH: Batch = {
  objective: { kind: 'sft', aggregate: 'token-mean' },
  sequences: [{ ids: [1, 2, 3], mask: [0, 1, 1], advantage: 0 }],
};
const OPTIONS = { learningRate: 1, clipNorm: 0, guard: NO_MEMORY };

/** The model's trainer; the gradients of its n-th accumulation, from `first` on, are multiplied. */
function trainerWith(model: Bigram, factors: Readonly<Record<number, number>>, first = 0): Trainer {
  let n = first;
  return {
    accumulate: (batch) => model.accumulate(batch, factors[n++] ?? 1),
    apply: (options) => model.apply(options),
    discard: () => model.discard(),
    policyLogprobs: (sequences) => model.policyLogprobs(sequences),
    referenceLogprobs: (sequences) => model.referenceLogprobs(sequences),
    checkpoint: () => model.checkpoint(),
    restore: (files) => model.restore(files),
    exportWeights: () => model.exportWeights(),
  };
}

const weightsOf = async (model: Bigram) =>
  sha(Object.values(await model.checkpoint())[0] ?? new Uint8Array());

describe('updateWith', () => {
  it('skips an update that is not finite: no weight moves, and nothing is left of its gradients', async () => {
    const broken: Batch = { ...BATCH, sequences: [{ ids: [1, 9], mask: [0, 1], advantage: 0 }] };
    // Token 9 is not in the vocabulary: its loss is NaN. The second way: gradients times infinity.
    const ways = [
      { batches: [broken], factors: {}, skipped: 'a loss of NaN' },
      { batches: [BATCH], factors: { 0: Infinity }, skipped: 'a gradient norm of Infinity' },
    ];
    for (const { batches, factors, skipped } of ways) {
      const model = new Bigram(5, [0], 1);
      const before = await weightsOf(model);
      const told: string[] = [];
      const options = { ...OPTIONS, onSkip: (text: string) => told.push(text) };
      const result = await updateWith(trainerWith(model, factors), batches, options);
      expect(await weightsOf(model)).toBe(before);
      expect(result).toMatchObject({ loss: 0, entropy: 0, gradNorm: 0, tokens: 0, skipped: 1 });
      expect(result.guard).toEqual({ norms: [], inARow: 1 });
      expect(told).toEqual([`update 1 of 1 was skipped for ${skipped}`]);
      const clean = new Bigram(5, [0], 1);
      expect(await updateWith(model, [BATCH], OPTIONS)).toEqual(
        await updateWith(clean, [BATCH], OPTIONS),
      );
      expect(await weightsOf(model)).toBe(await weightsOf(clean));
    }
  });

  it('skips a spike, and means are of the updates that were taken', async () => {
    const model = new Bigram(5, [0], 1);
    const { gradNorm } = await updateWith(model.copy(), [BATCH], OPTIONS);
    const guard = memoryOf([1, 1, 1, 1, 1].map((norm) => norm * gradNorm));
    const trainer = trainerWith(model, { 1: 100 });
    const result = await updateWith(trainer, [BATCH, BATCH], { ...OPTIONS, guard, spike: 50 });
    expect(result).toMatchObject({ skipped: 1, tokens: 2 });
    expect(result.gradNorm).toBe(gradNorm);
    expect(result.guard).toEqual({ norms: [...guard.norms, gradNorm], inARow: 1 });
    // Without `spike` it is taken.
    const plain = await updateWith(trainerWith(model, { 1: 100 }), [BATCH, BATCH], OPTIONS);
    expect(plain.skipped).toBe(0);
  });
});

describe('a run', () => {
  const experiment = experimentSchema.parse({
    ...SFT,
    optimiser: { learningRate: 10, clipNorm: 0 },
    steps: 12,
    checkpointEvery: 4,
    guard: { spike: 10 },
  });
  /** A spike in step 6 and gradients that are no numbers in step 8: a checkpoint lies between them. */
  const factors = { 6: 1e4, 8: Number.NaN };
  let whole: MemoryRunStore;

  async function run(store: MemoryRunStore, bad: Record<number, number>, resumeAt?: number) {
    const model = fresh();
    const runtime = { ...runtimeOf(model), trainer: trainerWith(model, bad, resumeAt) };
    const warnings: string[] = [];
    const lab = runExperiment({
      ...{ experiment, runtime, store, resume: resumeAt !== undefined },
      onProgress: (told) => {
        if (told.kind === 'warning') warnings.push(`${told.step}: ${told.text}`);
      },
    });
    return { metrics: await collect(lab), warnings };
  }

  beforeAll(async () => {
    whole = new MemoryRunStore();
    const { metrics, warnings } = await run(whole, factors);
    expect(metrics.filter(({ tokens }) => tokens === 0).map(({ step }) => step)).toEqual([6, 8]);
    expect(warnings[0]).toMatch(/^6: update 1 of 1 was skipped for a gradient norm of .*, above /);
    expect(warnings[1]).toBe('8: update 1 of 1 was skipped for a gradient norm of NaN');
    expect(warnings).toHaveLength(2);
  }, HOOK_MS);

  it('goes on after a death with what the guard remembered', async () => {
    // 12 steps of a few traces each, and three checkpoints: somewhere in each third.
    for (const share of [0.45, 0.6, 0.9]) {
      const store = new MemoryRunStore();
      store.dieAt = Math.floor(share * whole.operations);
      await expect(run(store, factors)).rejects.toThrow('the process died');
      store.dieAt = Number.POSITIVE_INFINITY;
      await run(store, factors, 4 * store.checkpoints);
      expect(store.checkpoints).toBe(3);
      expect(remains(store)).toEqual(remains(whole));
    }
  });

  it('ends at the third update in a row, also when a death lies between them', async () => {
    const bad = { 6: Number.NaN, 7: Number.NaN, 8: Number.NaN };
    const store = new MemoryRunStore();
    await expect(run(store, bad)).rejects.toThrow(/3 in a row/);
    expect(store.logs.metrics).toHaveLength(8);
    const kept = sha(store.checkpoint?.['trainer/table.f64'] ?? '');
    await expect(run(store, bad, 8)).rejects.toThrow(/3 in a row/);
    expect(sha(store.checkpoint?.['trainer/table.f64'] ?? '')).toBe(kept);
  });

  it('takes a checkpoint from before there was a guard', async () => {
    const store = new MemoryRunStore();
    store.dieAt = Math.floor(0.6 * whole.operations);
    await expect(run(store, {})).rejects.toThrow('the process died');
    store.dieAt = Number.POSITIVE_INFINITY;
    const text = new TextDecoder().decode(store.checkpoint?.['state.json']);
    const { guard, ...older } = JSON.parse(text);
    expect(guard.norms.length).toBeGreaterThan(0);
    if (store.checkpoint !== null) {
      store.checkpoint['state.json'] = new TextEncoder().encode(JSON.stringify(older));
    }
    const { metrics } = await run(store, {}, 4 * store.checkpoints);
    expect(metrics.at(-1)?.step).toBe(11);
  });
});

it('pretraining skips such updates too, and says so', async () => {
  const experiment = pretrainSchema.parse({
    v: 1,
    name: 'guarded',
    seed: 2,
    phases: [{ kind: 'primer', tokens: 900, tokensPerStep: 200, lossOn: 'policy' }],
    optimiser: { learningRate: 20, clipNorm: 0 },
  });
  const told: [number, string][] = [];
  const store = new MemoryRunStore();
  const trainer = trainerWith(fresh(), { 1: Number.NaN });
  const onWarning = (step: number, text: string) => told.push([step, text]);
  const runtime = { ...episodes, trainer };
  const metrics = await collect(runPretrain({ experiment, runtime, store, onWarning }));
  expect(told).toEqual([[1, 'update 1 of 1 was skipped for a gradient norm of NaN']]);
  expect(metrics.map(({ tokens }) => tokens === 0).indexOf(true)).toBe(1);
  expect(metrics.length).toBeGreaterThan(2);
});
