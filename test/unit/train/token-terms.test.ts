import { describe, expect, it } from 'vitest';
import { packBatch } from '../../../src/train/packing.ts';
import { isKlInReward, lossKl } from '../../../src/train/token-terms.ts';
import { type Batch, batchSchema } from '../../../src/trajectory/batch.ts';

const OPTIONS = { maxTokens: 64, everyToken: false, scale: 1, share: true };

/** Two sequences with three trained tokens. */
function batchOf(more: Record<string, unknown>): Batch {
  return batchSchema.parse({
    objective: { kind: 'grpo', clip_low: 0.2, clip_high: 0.2, aggregate: 'token-mean', ...more },
    sequences: [
      {
        ids: [1, 2, 3],
        mask: [0, 1, 1],
        advantage: 2,
        old_logprobs: [0, -1, -2],
        ref_logprobs: [0, -1.5, -1],
        sampler_logprobs: [0, -1, -2.5],
      },
      {
        ids: [4, 5],
        mask: [0, 1],
        advantage: -1,
        old_logprobs: [0, -0.25],
        ref_logprobs: [0, -0.25],
        sampler_logprobs: [0, 0.5],
      },
    ],
  });
}

describe('KL in the reward', () => {
  it('lessens the advantage of each token by kl (old - ref)', () => {
    const [row] = packBatch(batchOf({ kl: 0.5, kl_estimate: 'k1' }), OPTIONS);
    // 2 - 0.5 (-1 + 1.5), 2 - 0.5 (-2 + 1), -1 - 0.5 (-0.25 + 0.25)
    expect([...(row?.advantages ?? [])]).toEqual([1.75, 2.5, -1]);
  });

  it('leaves advantages alone under k3 and without KL', () => {
    for (const more of [{ kl: 0.5 }, { kl: 0.5, kl_estimate: 'k3' }, { kl: 0 }]) {
      const [row] = packBatch(batchOf(more), OPTIONS);
      expect([...(row?.advantages ?? [])]).toEqual([2, 2, -1]);
    }
  });

  it('is in the reward or in the loss, never in both', () => {
    const place = (more: Record<string, unknown>) => {
      const { objective } = batchOf(more);
      return [isKlInReward(objective), lossKl(objective)];
    };
    expect(place({ kl: 0.5, kl_estimate: 'k1' })).toEqual([true, 0]);
    expect(place({ kl: 0.5, kl_estimate: 'k3' })).toEqual([false, 0.5]);
    expect(place({ kl: 0.5 })).toEqual([false, 0.5]);
    expect(place({})).toEqual([false, 0]);
    const sft = { kind: 'sft', aggregate: 'token-mean' } as const;
    expect([isKlInReward(sft), lossKl(sft)]).toEqual([false, 0]);
  });

  it('refuses a reference that is not finite', () => {
    const batch = batchOf({ kl: 0.5, kl_estimate: 'k1' });
    batch.sequences[1]?.ref_logprobs?.splice(1, 1, Number.NaN);
    expect(() => packBatch(batch, OPTIONS)).toThrow('batch.sequences.1: got NaN, need finite');
  });
});

describe('truncated importance sampling', () => {
  it('multiplies advantages by min(exp(old - sampler), truncate)', () => {
    const [row] = packBatch(batchOf({ truncate: 1.25 }), OPTIONS);
    // 2, 2 and -1, times exp(0), min(exp(0.5), 1.25) and exp(-0.75).
    const want = [2, 2 * 1.25, -Math.exp(-0.75)];
    expect([...(row?.advantages ?? [])]).toEqual([...Float32Array.from(want)]);
  });

  it('leaves the weights of KL and entropy alone', () => {
    const [row] = packBatch(batchOf({ truncate: 1.25, kl: 0.5, entropy: 0.1 }), OPTIONS);
    expect([...(row?.weights ?? [])]).toEqual([...new Float32Array(3).fill(1 / 3)]);
  });

  it('multiplies what k1 takes out of the reward too', () => {
    const plain = packBatch(batchOf({ kl: 0.5, kl_estimate: 'k1' }), OPTIONS)[0];
    const [row] = packBatch(batchOf({ kl: 0.5, kl_estimate: 'k1', truncate: 1.25 }), OPTIONS);
    const factors = [1, 1.25, Math.exp(-0.75)];
    row?.advantages.forEach((advantage, i) => {
      expect(advantage).toBeCloseTo((plain?.advantages[i] ?? Number.NaN) * (factors[i] ?? 0), 6);
    });
  });

  it('leaves advantages alone without truncate, whatever the sampler said', () => {
    const [row] = packBatch(batchOf({}), OPTIONS);
    expect([...(row?.advantages ?? [])]).toEqual([2, 2, -1]);
  });

  it('is truncated where the exponential is out of range', () => {
    const batch = batchOf({ truncate: 2 });
    batch.sequences[0]?.sampler_logprobs?.splice(1, 1, -1e4);
    const [row] = packBatch(batch, OPTIONS);
    expect(row?.advantages[0]).toBe(4);
  });

  it('refuses sequences without what the sampler said, or with numbers that are not finite', () => {
    const batch = batchOf({ truncate: 2 });
    batch.sequences[1]?.sampler_logprobs?.splice(1, 1, Number.NEGATIVE_INFINITY);
    expect(() => packBatch(batch, OPTIONS)).toThrow(
      'batch.sequences.1: got -Infinity, need finite',
    );
    delete batch.sequences[1]?.sampler_logprobs;
    expect(() => packBatch(batch, OPTIONS)).toThrow('batch.sequences.1: no sampler_logprobs');
  });
});
