import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layOutRows, sharedLength } from '../../../src/train/prefix-tree.ts';

/** Sequences over three ids, so that many begin alike. */
const sequences = fc.array(
  fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 9 }),
  {
    minLength: 1,
    maxLength: 8,
  },
);

/** Rows that a row sees, as the attention kernels see them. */
function seenBy(tree: readonly number[], m: number): number[] {
  const rows: number[] = [];
  for (let j = tree[4 * m] ?? 0; j <= m; j++) if ((tree[4 * j + 2] ?? 0) > m) rows.push(j);
  return rows;
}

describe('rows of sequences', () => {
  it('see the ids of their own sequence, whatever is shared', () => {
    fc.assert(
      fc.property(sequences, fc.boolean(), (given, share) => {
        const { ids, positions, tree, rowsOf } = layOutRows(given, share);
        given.forEach((own, i) => {
          own.forEach((_, t) => {
            const row = rowsOf[i]?.[t] ?? Number.NaN;
            expect(seenBy(tree, row).map((j) => ids[j])).toEqual(own.slice(0, t + 1));
            expect(positions[row]).toBe(t);
          });
        });
      }),
    );
  });

  it('hold each beginning once, in segments of neighbours with what is below them behind', () => {
    fc.assert(
      fc.property(sequences, (given) => {
        const { ids, tree } = layOutRows(given, true);
        const beginnings = new Set(
          given.flatMap((own) => own.map((_, t) => own.slice(0, t + 1).join(' '))),
        );
        expect(ids.length).toBe(beginnings.size);
        ids.forEach((_, row) => {
          const [first = 0, segmentEnd = 0, treeEnd = 0] = tree.slice(4 * row);
          expect(first <= row && row < segmentEnd && segmentEnd <= treeEnd).toBe(true);
          const next = tree.slice(4 * (row + 1));
          if (row + 1 < segmentEnd) expect(next.slice(0, 3)).toEqual([first, segmentEnd, treeEnd]);
        });
      }),
    );
  });

  it('are all there without sharing', () => {
    const { ids, tree, rowsOf } = layOutRows(
      [
        [1, 2],
        [1, 2, 3],
      ],
      false,
    );
    expect(ids).toEqual([1, 2, 1, 2, 3]);
    expect(tree.filter((_, i) => i % 4 < 3)).toEqual([0, 2, 2, 0, 2, 2, 2, 5, 5, 2, 5, 5, 2, 5, 5]);
    expect(rowsOf).toEqual([
      [0, 1],
      [2, 3, 4],
    ]);
  });
});

it('the shared length of two sequences stops at the first difference or end', () => {
  expect(sharedLength([1, 2, 3], [1, 2, 4, 5])).toBe(2);
  expect(sharedLength([1, 2], [1, 2, 4])).toBe(2);
  expect(sharedLength([7], [1])).toBe(0);
});
