// Objectives through the whole trainer, on a golden model with its adapter: losses against the float64 twins of the token
// terms, gradients against those of batches that mean the same.
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { Adapter } from '../../src/adapter/adapter.ts';
import { defined } from '../../src/base/assert.ts';
import { adapterTarget, type GradientTensor, gradientTensors } from '../../src/train/targets.ts';
import { GpuTrainer } from '../../src/train/trainer.ts';
import { type Batch, batchSchema } from '../../src/trajectory/batch.ts';
import { experimentSchema } from '../../src/trajectory/experiment.ts';
import { goldenAdapter, goldenEngine, goldenPath } from '../support/golden-engine.ts';

const optimiser = experimentSchema.shape.optimiser.parse({ learningRate: 1e-3 });
const { gpu, model } = await goldenEngine('f32');
const adapter = await goldenAdapter('f32');

function trainerOf(start: Adapter = adapter) {
  return new GpuTrainer(gpu, adapterTarget(gpu, model, start), { optimiser });
}

/** Loss and gradients of a batch at an adapter. */
async function gradientsOf(
  batch: Batch,
  start: Adapter = adapter,
  options: { maxTokens?: number; everyToken?: boolean } = {},
) {
  const target = adapterTarget(gpu, model, start);
  const trainer = new GpuTrainer(gpu, target, { optimiser, ...options });
  const result = await trainer.accumulate(batch);
  const tensors = await gradientTensors(target);
  trainer.free();
  return { result, tensors };
}

/** Σ squares of all gradients, or of their difference. */
function squares(of: readonly GradientTensor[], less: readonly GradientTensor[] = []): number {
  let sum = 0;
  of.forEach(({ values }, i) => {
    values.forEach((value, j) => {
      sum += (value - (less[i]?.values[j] ?? 0)) ** 2;
    });
  });
  return sum;
}

/** The golden adapter, moved along gradients. */
function moved(tensors: readonly GradientTensor[], step: number): Adapter {
  const matrices = new Map(
    [...adapter.matrices].map(([stem, { a, b }]) => [stem, { a: a.slice(), b: b.slice() }]),
  );
  for (const { stem, matrix, values } of tensors) {
    const pair = defined(matrices.get(stem), stem);
    const list = matrix === 'A' ? pair.a : pair.b;
    values.forEach((value, j) => {
      list[j] = (list[j] ?? 0) + step * value;
    });
  }
  return { ...adapter, matrices };
}

async function goldenBatch(name: string): Promise<Batch> {
  return batchSchema.parse(
    JSON.parse(await readFile(goldenPath(`f32.${name}.batch.json`), 'utf8')),
  );
}

/** Sequence and position of every trained token. */
function trainedTokens({ sequences }: Batch): [number, number][] {
  return sequences.flatMap(({ mask }, i) =>
    mask.flatMap((m, t): [number, number][] => (t > 0 && m !== 0 ? [[i, t]] : [])),
  );
}

describe('ratio', () => {
  it('is that of the trained tokens: the mean and the largest', async () => {
    const trainer = trainerOf();
    const batch = await goldenBatch('grpo');
    const { ratio, tokenLogprobs } = await trainer.accumulate(batch);
    const ratios = trainedTokens(batch).map(([i, t]) => {
      const old = defined(batch.sequences[i]?.old_logprobs?.[t], 'old');
      return Math.exp(defined(tokenLogprobs[i]?.[t], 'log-probability') - old);
    });
    expect(ratio.mean).toBeCloseTo(ratios.reduce((sum, r) => sum + r, 0) / ratios.length, 5);
    expect(ratio.max).toBeCloseTo(Math.max(...ratios), 5);
    expect(ratio.max).toBeGreaterThan(1.1);
    trainer.free();
  });

  it('is 1 where the objective has none', async () => {
    const trainer = trainerOf();
    const { ratio } = await trainer.accumulate(await goldenBatch('sft'));
    expect(ratio).toEqual({ mean: 1, max: 1 });
    trainer.free();
  });
});

describe('entropy', () => {
  it('is a bonus whose gradient is the slope of the loss', async () => {
    const golden = await goldenBatch('grpo');
    // Without advantages the loss is the bonus alone: -0.5 times the mean entropy, as the aggregate is the token mean.
    const sequences = golden.sequences.map((sequence) => ({ ...sequence, advantage: 0 }));
    const batch = batchSchema.parse({
      objective: { ...golden.objective, entropy: 0.5 },
      sequences,
    });
    const { result, tensors } = await gradientsOf(batch);
    expect(result.entropy).toBeGreaterThan(0.5);
    expect(result.loss).toBeCloseTo(-0.5 * result.entropy, 5);
    const size = Math.sqrt(squares(tensors));
    const H = 0.01;
    const up = await gradientsOf(batch, moved(tensors, H / size));
    const down = await gradientsOf(batch, moved(tensors, -H / size));
    const slope = (up.result.loss - down.result.loss) / (2 * H);
    expect(Math.abs(slope / size - 1)).toBeLessThan(0.01);
  });

  it('is added to the other terms', async () => {
    const golden = await goldenBatch('grpo-kl-seqmean');
    const { objective, sequences } = golden;
    const withBonus = batchSchema.parse({ ...golden, objective: { ...objective, entropy: 0.3 } });
    const without = sequences.map((sequence) => ({ ...sequence, advantage: 0 }));
    const alone = { ...objective, entropy: 0.3, kl: 0 };
    const bonusAlone = batchSchema.parse({ objective: alone, sequences: without });
    const [both, terms, bonus] = [
      await gradientsOf(withBonus),
      await gradientsOf(golden),
      await gradientsOf(bonusAlone),
    ];
    expect(both.result.loss).toBeCloseTo(terms.result.loss + bonus.result.loss, 5);
    const sum = terms.tensors.map((tensor, i) => ({
      ...tensor,
      values: tensor.values.map((value, j) => value + (bonus.tensors[i]?.values[j] ?? 0)),
    }));
    expect(squares(bonus.tensors)).toBeGreaterThan(0);
    expect(Math.sqrt(squares(both.tensors, sum) / squares(sum))).toBeLessThan(1e-4);
  });
});

describe('kl_estimate k1', () => {
  it('is the gradient of the lessened advantages, and reports log-probability - reference', async () => {
    // Sequences of one trained token, whose own advantage can be written down.
    const golden = await goldenBatch('grpo-kl-seqmean');
    const { objective } = golden;
    const sequences = golden.sequences.map((sequence) => {
      const last = sequence.mask.lastIndexOf(1);
      return { ...sequence, mask: sequence.mask.map((_, t) => (t === last ? 1 : 0)) };
    });
    const k1 = batchSchema.parse({
      objective: { ...objective, kl: 0.4, kl_estimate: 'k1' },
      sequences,
    });
    const written = sequences.map((sequence) => {
      const t = sequence.mask.indexOf(1);
      const distance = (sequence.old_logprobs?.[t] ?? 0) - (sequence.ref_logprobs?.[t] ?? 0);
      return { ...sequence, advantage: sequence.advantage - 0.4 * distance };
    });
    const plain = batchSchema.parse({ objective: { ...objective, kl: 0 }, sequences: written });
    const [got, want] = [await gradientsOf(k1), await gradientsOf(plain)];
    expect(got.result.loss).toBeCloseTo(want.result.loss, 6);
    expect(squares(want.tensors)).toBeGreaterThan(0);
    expect(Math.sqrt(squares(got.tensors, want.tensors) / squares(want.tensors))).toBeLessThan(
      1e-5,
    );
    const distances = trainedTokens(k1).map(([i, t]) => {
      const reference = defined(k1.sequences[i]?.ref_logprobs?.[t], 'reference');
      return defined(got.result.tokenLogprobs[i]?.[t], 'log-probability') - reference;
    });
    const mean = distances.reduce((sum, d) => sum + d, 0) / distances.length;
    expect(got.result.kl).toBeCloseTo(mean, 5);
  });
});

describe('truncate', () => {
  it('is the gradient of the weighted sum of the tokens alone', async () => {
    // One trained token a sequence: the factor of a sequence then is a factor of its advantage, as kl is 0.
    const golden = await goldenBatch('dr-grpo');
    const offsets = [0.1, -0.3, 0.9, 0];
    const sequences = golden.sequences.map((sequence, i) => {
      const last = sequence.mask.lastIndexOf(1);
      const mask = sequence.mask.map((_, t) => (t === last ? 1 : 0));
      const sampler_logprobs = sequence.old_logprobs?.map((lp) => lp - (offsets[i] ?? 0));
      return { ...sequence, mask, sampler_logprobs };
    });
    const objective = { ...golden.objective, truncate: 1.5 };
    const corrected = batchSchema.parse({ objective, sequences });
    const written = sequences.map((sequence, i) => ({
      ...sequence,
      advantage: sequence.advantage * Math.min(Math.exp(offsets[i] ?? 0), 1.5),
    }));
    const plain = batchSchema.parse({ objective: golden.objective, sequences: written });
    const [got, want] = [await gradientsOf(corrected), await gradientsOf(plain)];
    expect(got.result.loss).toBeCloseTo(want.result.loss, 6);
    expect(squares(want.tensors)).toBeGreaterThan(0);
    expect(Math.sqrt(squares(got.tensors, want.tensors) / squares(want.tensors))).toBeLessThan(
      1e-5,
    );
  });
});

describe('ratio of sequences', () => {
  const GSPO = {
    kind: 'grpo',
    kl: 0,
    aggregate: 'seq-mean-token-mean',
    ratio: 'sequence',
  } as const;

  /** Mean of (log-probability - old) of each sequence. */
  function distances(batch: Batch, tokenLogprobs: number[][]): number[] {
    return batch.sequences.map(({ mask, old_logprobs }, i) => {
      const trained = mask.flatMap((m, t) => (t > 0 && m !== 0 ? [t] : []));
      const differences = trained.map(
        (t) => (tokenLogprobs[i]?.[t] ?? Number.NaN) - (old_logprobs?.[t] ?? Number.NaN),
      );
      return differences.reduce((sum, d) => sum + d, 0) / trained.length;
    });
  }

  /** The golden sequences, with old log-probabilities that make ratios of these logarithms. */
  async function batchAt(logRatios: readonly number[], clip: number): Promise<Batch> {
    const { sequences } = await goldenBatch('grpo');
    const trainer = trainerOf();
    const logprobs = await trainer.policyLogprobs(sequences);
    trainer.free();
    // Up and down by turns round the wanted mean: tokens are clipped with their sequence, whatever their own ratios are.
    const shifted = sequences.map((sequence, i) => {
      const trained = sequence.mask.reduce((n, m) => n + (m === 0 ? 0 : 1), 0);
      let seen = 0;
      const old_logprobs = sequence.mask.map((m, t) => {
        if (m === 0) return 0;
        const paired = seen < trained - (trained % 2);
        const turn = paired ? (seen % 2 === 0 ? 0.5 : -0.5) : 0;
        seen += 1;
        return (logprobs[i]?.[t] ?? 0) - (logRatios[i] ?? 0) - turn;
      });
      return { ...sequence, old_logprobs };
    });
    const objective = { ...GSPO, clip_low: clip, clip_high: clip };
    return batchSchema.parse({ objective, sequences: shifted });
  }

  /** What has the same gradient: token ratios of 1, and s A as the advantage of sequences that are not clipped. */
  async function sameGradient(batch: Batch, clipped: readonly boolean[]): Promise<Batch> {
    const trainer = trainerOf();
    const logprobs = await trainer.policyLogprobs(batch.sequences);
    trainer.free();
    const ratios = distances(batch, logprobs).map(Math.exp);
    const sequences = batch.sequences.map((sequence, i) => ({
      ...sequence,
      advantage: clipped[i] === true ? 0 : sequence.advantage * (ratios[i] ?? Number.NaN),
      old_logprobs: logprobs[i],
    }));
    const { ratio: _, ...objective } = { ...GSPO, clip_low: 0.2, clip_high: 0.2 };
    return batchSchema.parse({ objective, sequences });
  }

  // Advantages 1.3, -0.8, 0.5, -1: above 1 + 0.02 the first is clipped, the second is not, below 1 - 0.02 the last is.
  const LOG_RATIOS = [0.05, 0.04, -0.01, -0.03];
  const CLIPPED = [true, false, false, true];

  it('has the loss of the formula', async () => {
    const batch = await batchAt(LOG_RATIOS, 0.02);
    const { result } = await gradientsOf(batch);
    const ratios = distances(batch, result.tokenLogprobs).map(Math.exp);
    const held = ratios.map((s) => Math.min(Math.max(s, 0.98), 1.02));
    const terms = batch.sequences.map(({ advantage: a }, i) =>
      Math.min((ratios[i] ?? 0) * a, (held[i] ?? 0) * a),
    );
    ratios.forEach((s, i) => {
      expect(Math.log(s)).toBeCloseTo(LOG_RATIOS[i] ?? Number.NaN, 4);
    });
    expect(result.loss).toBeCloseTo(-terms.reduce((sum, term) => sum + term, 0) / 4, 5);
    expect(result.ratio.max).toBeCloseTo(Math.max(...ratios), 5);
    // 20 and 2 of 107 trained tokens are in the two clipped sequences.
    expect(result.clipFraction).toBeCloseTo(22 / 107, 6);
  });

  it('has the gradient of s A in place of the advantages', async () => {
    const batch = await batchAt(LOG_RATIOS, 0.02);
    const want = await gradientsOf(await sameGradient(batch, CLIPPED));
    const [together, apart, every] = [
      await gradientsOf(batch),
      await gradientsOf(batch, adapter, { maxTokens: 8 }),
      await gradientsOf(batch, adapter, { everyToken: true }),
    ];
    for (const got of [together, apart, every]) {
      expect(Math.sqrt(squares(got.tensors, want.tensors) / squares(want.tensors))).toBeLessThan(
        1e-4,
      );
      expect(got.result.loss).toBeCloseTo(together.result.loss, 6);
    }
  });

  it('leaves nothing of an earlier row on tokens that are only looked at', async () => {
    const batch = await batchAt(LOG_RATIOS, 0.02);
    const sequences = batch.sequences.map((sequence) => ({
      ...sequence,
      mask: sequence.mask.map(() => 1),
    }));
    const target = adapterTarget(gpu, model, adapter);
    const trainer = new GpuTrainer(gpu, target, { optimiser, everyToken: true });
    await trainer.accumulate({ ...batch, sequences });
    const before = await gradientTensors(target);
    await trainer.accumulate(batch);
    const got = (await gradientTensors(target)).map((tensor, i) => ({
      ...tensor,
      values: tensor.values.map((value, j) => value - (before[i]?.values[j] ?? 0)),
    }));
    trainer.free();
    const { tensors: want } = await gradientsOf(batch);
    expect(Math.sqrt(squares(got, want) / squares(want))).toBeLessThan(1e-3);
  });

  it('holds over more loss tokens than one chunk of logits has', async () => {
    // The mean over copies of sequences is that of the sequences; 60 copies have 9,060 entries, a chunk has 2^20 / 128.
    const batch = await batchAt(LOG_RATIOS, 0.02);
    const want = await gradientsOf(batch);
    const copies = Array.from({ length: 60 }, () => batch.sequences).flat();
    const options = { maxTokens: 16_384, everyToken: true };
    const got = await gradientsOf({ ...batch, sequences: copies }, adapter, options);
    expect(got.result.loss).toBeCloseTo(want.result.loss, 5);
    expect(got.result.clipFraction).toBeCloseTo(22 / 107, 6);
    expect(Math.sqrt(squares(got.tensors, want.tensors) / squares(want.tensors))).toBeLessThan(
      1e-4,
    );
  });
});
