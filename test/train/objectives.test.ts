// Objectives through the whole trainer, on a golden model with its adapter: losses against the float64 twins of the token
// terms, gradients against those of batches that mean the same.
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { defined } from '../../src/base/assert.ts';
import { adapterTarget } from '../../src/train/targets.ts';
import { GpuTrainer } from '../../src/train/trainer.ts';
import { type Batch, batchSchema } from '../../src/trajectory/batch.ts';
import { experimentSchema } from '../../src/trajectory/experiment.ts';
import { goldenAdapter, goldenEngine, goldenPath } from '../support/golden-engine.ts';

const optimiser = experimentSchema.shape.optimiser.parse({ learningRate: 1e-3 });
const { gpu, model } = await goldenEngine('f32');
const adapter = await goldenAdapter('f32');

function trainerOf() {
  return new GpuTrainer(gpu, adapterTarget(gpu, model, adapter), { optimiser });
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
