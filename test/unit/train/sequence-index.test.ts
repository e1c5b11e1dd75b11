import { expect, it } from 'vitest';
import { packBatch } from '../../../src/train/packing.ts';
import { sequenceIndex } from '../../../src/train/token-loss.ts';
import { type Batch, batchSchema } from '../../../src/trajectory/batch.ts';

function batchOf(ratio?: 'token' | 'sequence'): Batch {
  const objective = { kind: 'grpo', clip_low: 0.2, clip_high: 0.2, aggregate: 'token-mean', ratio };
  const sequences = [
    { ids: [1, 2, 3, 4], mask: [0, 1, 0, 1] },
    { ids: [5, 6], mask: [0, 0] },
    { ids: [7, 8, 9], mask: [1, 1, 1] },
  ];
  return batchSchema.parse({
    objective,
    sequences: sequences.map((s) => ({ ...s, advantage: 1, old_logprobs: s.ids.map(() => -1) })),
  });
}

/** The index of the one row that a batch makes. */
function indexOf(batch: Batch, everyToken: boolean) {
  const [row] = packBatch(batch, { maxTokens: 64, everyToken, scale: 1, share: true });
  const index = row && sequenceIndex(row, batch);
  return index && { offsets: [...index.offsets], order: [...index.order] };
}

it('lists trained loss tokens by sequence; a sequence without any has no place', () => {
  expect(indexOf(batchOf('sequence'), false)).toEqual({ offsets: [0, 2, 4], order: [0, 1, 2, 3] });
});

it('leaves out tokens that are only looked at', () => {
  // Loss tokens: 1, 2, 3 of the first sequence, 1 of the second, 1, 2 of the third.
  expect(indexOf(batchOf('sequence'), true)).toEqual({ offsets: [0, 2, 4], order: [0, 2, 4, 5] });
});

it('is not made where each token has its own ratio', () => {
  expect(indexOf(batchOf('token'), false)).toBeNull();
  expect(indexOf(batchOf(), false)).toBeNull();
});

it('numbers the sequences of each row from 0', () => {
  const batch = batchOf('sequence');
  const rows = packBatch(batch, { maxTokens: 4, everyToken: false, scale: 1, share: true });
  const offsets = rows.map((row) => [...(sequenceIndex(row, batch)?.offsets ?? [])]);
  // The second sequence has a row of its own, and nothing trained in it.
  expect(offsets).toEqual([[0, 2], [0], [0, 2]]);
});
