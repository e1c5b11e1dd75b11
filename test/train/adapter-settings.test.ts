// What an experiment says of its adapter: the choice of projections, and rsLoRA, in training and in decoding.
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { fitAdapter, readAdapter } from '../../src/adapter/adapter.ts';
import { uploadAdapter } from '../../src/engine/adapter-weights.ts';
import { adapterTarget, freshAdapter } from '../../src/train/targets.ts';
import { GpuTrainer } from '../../src/train/trainer.ts';
import { batchSchema } from '../../src/trajectory/batch.ts';
import { experimentSchema } from '../../src/trajectory/experiment.ts';
import { goldenAdapter, goldenEngine, goldenPath } from '../support/golden-engine.ts';

const optimiser = experimentSchema.shape.optimiser.parse({ learningRate: 0.05 });

/** The first sequence of a golden batch. */
async function batchOf(name: string) {
  const text = await readFile(goldenPath(`${name}.sft.batch.json`), 'utf8');
  const batch = batchSchema.parse(JSON.parse(text));
  return { ...batch, sequences: batch.sequences.slice(0, 1) };
}

describe('a choice of projections', () => {
  it('trains these alone, and decodes as the trainer computes', async () => {
    const { gpu, model, decoder, policy } = await goldenEngine('q8_0');
    const settings = { rank: 4, alpha: 8, targets: ['attn_v', 'ffn_down'] } as const;
    const target = adapterTarget(gpu, model, freshAdapter(model.config, settings, 3, null));
    const trainer = new GpuTrainer(gpu, target, { optimiser, everyToken: true });
    const batch = await batchOf('q8_0');
    const losses: number[] = [];
    for (let step = 0; step < 3; step++) {
      losses.push((await trainer.accumulate(batch)).loss);
      expect((await trainer.apply({ learningRate: 0.05, clipNorm: 0 })).gradNorm).toBeGreaterThan(
        0,
      );
    }
    expect(losses.at(-1)).toBeLessThan(losses[0] ?? 0);
    const trained = readAdapter(await trainer.exportWeights());
    expect([...trained.matrices.keys()]).toEqual(
      Array.from({ length: model.config.layers }, (_, l) => [
        `blk.${l}.attn_v`,
        `blk.${l}.ffn_down`,
      ]).flat(),
    );
    // B began as zero.
    for (const [stem, { b }] of trained.matrices) {
      expect(Math.max(...b.map(Math.abs)), stem).toBeGreaterThan(0);
    }
    decoder.setAdapter(uploadAdapter(gpu, trained));
    const prompt = batch.sequences[0]?.ids.slice(0, 8) ?? [];
    const request = { ids: prompt, sequence: 'one', maxTokens: 12, temperature: 1, seed: 5 };
    const { ids, logprobs } = await policy.generate({ ...request, ignoreEos: true });
    const [whole = []] = await trainer.policyLogprobs([{ ids: [...prompt, ...ids] }]);
    const [bare = []] = await trainer.referenceLogprobs([{ ids: [...prompt, ...ids] }]);
    const off = (list: readonly number[]) =>
      Math.max(...logprobs.map((value, i) => Math.abs(value - (list[prompt.length + i] ?? 9))));
    expect(off(whole)).toBeLessThan(1e-4);
    expect(off(bare)).toBeGreaterThan(1e-2);
  });
});

describe('rsLoRA', () => {
  it('is plain LoRA with another alpha: the same losses, gradients and steps', async () => {
    const plain = await goldenAdapter('f16');
    // Rank 16: alpha / sqrt(16) = (4 alpha) / 16.
    const { rank, alpha } = plain;
    expect(rank).toBe(16);
    const batch = await batchOf('f16');
    const run = async (adapter: typeof plain) => {
      const { gpu, model } = await goldenEngine('f16');
      const trainer = new GpuTrainer(gpu, adapterTarget(gpu, model, adapter), { optimiser });
      const { loss } = await trainer.accumulate(batch);
      const { gradNorm } = await trainer.apply({ learningRate: 0.01, clipNorm: 0 });
      const { matrices, ...settings } = readAdapter(await trainer.exportWeights());
      return { loss, gradNorm, matrices, settings };
    };
    const ranked = await run({ ...plain, rslora: true });
    const { settings: _, ...same } = await run({ ...plain, alpha: 4 * alpha });
    const { settings: __, ...other } = await run(plain);
    expect(ranked).toMatchObject(same);
    expect(ranked.settings).toMatchObject({ rank, alpha, rslora: true });
    expect(other.loss).not.toBe(ranked.loss);
  });
});

describe('an adapter of a Llama model', () => {
  it('is written with its rows as PEFT has them, and fits again as it was', async () => {
    const { gpu, model } = await goldenEngine('llama');
    const golden = await goldenAdapter('llama');
    const written = readAdapter(await adapterTarget(gpu, model, golden).exportWeights());
    expect(written.rows).toBe('hugging-face');
    const stem = 'blk.0.attn_k';
    expect(written.matrices.get(stem)?.b).not.toEqual(golden.matrices.get(stem)?.b);
    expect(fitAdapter(written, model.config).matrices).toEqual(golden.matrices);
  });
});
