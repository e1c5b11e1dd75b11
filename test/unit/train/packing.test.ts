import { describe, expect, it } from 'vitest';
import { packBatch, packReference } from '../../../src/train/packing.ts';
import { type Batch, batchSchema } from '../../../src/trajectory/batch.ts';

const PROMPT = [5, 6, 7, 8];

function sequence(rest: readonly number[], advantage = 1) {
  const ids = [...PROMPT, ...rest];
  const mask = ids.map((_, t) => (t < PROMPT.length ? 0 : 1));
  return { ids, mask, advantage, old_logprobs: ids.map((_, t) => -t) };
}

const batchOf = (sequences: object[]): Batch =>
  batchSchema.parse({
    objective: { kind: 'grpo', clip_low: 0.2, clip_high: 0.2, aggregate: 'token-mean' },
    sequences,
  });

const OPTIONS = { maxTokens: 64, everyToken: false, scale: 1, share: true };

describe('packing', () => {
  it('puts a prompt down once, and its last row predicts the first token of each completion', () => {
    const batch = batchOf([sequence([1, 2]), sequence([3]), sequence([1, 4])]);
    const [row, ...others] = packBatch(batch, OPTIONS);
    expect(others).toEqual([]);
    expect([...(row?.ids ?? [])]).toEqual([5, 6, 7, 8, 1, 2, 4, 3]);
    expect([...(row?.positions ?? [])]).toEqual([0, 1, 2, 3, 4, 5, 5, 4]);
    const tokens = row?.origin.map(([i, t], n) => [i, t, row.lossRows[n], row.targets[n]]);
    // Sequences by their ids: 0, 2, 1.
    expect(tokens).toEqual([
      [0, 4, 3, 1],
      [0, 5, 4, 2],
      [2, 4, 3, 1],
      [2, 5, 4, 4],
      [1, 4, 3, 3],
    ]);
    expect([...(row?.weights ?? [])]).toEqual([0.2, 0.2, 0.2, 0.2, 0.2].map(Math.fround));
  });

  it('cuts where a row would have too many tokens or loss tokens', () => {
    const batch = batchOf([sequence([1, 1, 1]), sequence([2, 2, 2]), sequence([3, 3, 3])]);
    const sizes = (options: Partial<typeof OPTIONS>) =>
      packBatch(batch, { ...OPTIONS, ...options }).map(({ M, L }) => [M, L]);
    expect(sizes({})).toEqual([[13, 9]]);
    // Shared, the first two are 10 rows; apart they are 14.
    expect(sizes({ maxTokens: 10 })).toEqual([
      [10, 6],
      [7, 3],
    ]);
    expect(sizes({ maxTokens: 10, share: false })).toEqual([
      [7, 3],
      [7, 3],
      [7, 3],
    ]);
    // One sequence alone is never cut.
    expect(sizes({ maxTokens: 4 })).toEqual([
      [7, 3],
      [7, 3],
      [7, 3],
    ]);
  });

  it('looks at a shared token once', () => {
    const sequences = [sequence([1]), sequence([2])].map(({ ids }) => ({ ids }));
    const [row] = packReference(sequences, { maxTokens: 64, share: true });
    expect(row?.L).toBe(5);
    expect(row?.also.map(([entry, i, t]) => [row.targets[entry], i, t])).toEqual([
      [6, 1, 1],
      [7, 1, 2],
      [8, 1, 3],
    ]);
  });
});
