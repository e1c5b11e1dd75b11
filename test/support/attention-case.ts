// Packed sequences for the attention tests.
import type { Gpu } from '../../src/gpu/device.ts';
import type { AttentionShape } from '../../src/kernels/cpu/attention.ts';
import { normals } from './guarded.ts';

/** A segment of so many rows, and those that go on from its last row. */
export interface Segment {
  readonly length: number;
  readonly below?: readonly Segment[];
}

/** Rows of trees that follow one another, as attention reads them: (M, 4). */
export function treeOf(trees: readonly Segment[]): Uint32Array {
  const rows: number[][] = [];
  const place = ({ length, below = [] }: Segment, first: number) => {
    const own = Array.from({ length }, () => [first, 0, 0, 0]);
    rows.push(...own);
    const segmentEnd = rows.length;
    for (const segment of below) place(segment, first);
    for (const row of own) row.splice(1, 2, segmentEnd, rows.length);
  };
  for (const tree of trees) place(tree, rows.length);
  return Uint32Array.from(rows.flat());
}

export interface AttentionCase {
  readonly name: string;
  readonly trees: readonly Segment[];
  readonly shape: AttentionShape;
}

type Heads = readonly [H: number, G: number, D: number];

const text = ({ length, below = [] }: Segment): string =>
  below.length === 0 ? `${length}` : `${length}(${below.map(text).join(' ')})`;

const rowsOf = (trees: readonly Segment[]): number =>
  trees.reduce((sum, { length, below = [] }) => sum + length + rowsOf(below), 0);

/** A case of trees of sequences. */
export function treeCase(trees: readonly Segment[], [H, G, D]: Heads): AttentionCase {
  const name = `${trees.map(text).join('+')} rows, ${H}/${G} heads of ${D}`;
  return { name, trees, shape: { M: rowsOf(trees), H, G, D } };
}

/** Trees whose segments end in and between blocks of keys, groups of rows and chunks; each with its heads. */
export const TREE_CASES: readonly AttentionCase[] = [
  treeCase([{ length: 3, below: [{ length: 2 }, { length: 1 }] }], [1, 1, 4]),
  treeCase(
    [{ length: 20, below: [{ length: 5 }, { length: 40 }, { length: 1 }] }, { length: 9 }],
    [4, 2, 32],
  ),
  treeCase(
    [
      {
        length: 1,
        below: [
          { length: 16, below: [{ length: 17 }, { length: 2, below: [{ length: 3 }] }] },
          { length: 30 },
        ],
      },
      { length: 33, below: [{ length: 64 }, { length: 65 }] },
    ],
    [6, 2, 20],
  ),
  treeCase(
    [
      {
        length: 250,
        below: [{ length: 20, below: [{ length: 300 }, { length: 7 }] }, { length: 90 }],
      },
    ],
    [2, 1, 32],
  ),
];

/** A case of sequences of the given lengths. */
export function attentionCase(lengths: readonly number[], heads: Heads): AttentionCase {
  return treeCase(
    lengths.map((length) => ({ length })),
    heads,
  );
}

/** Seeded q, k, v and dO of a case, with the tree of its rows. */
export function attentionInput({ trees, shape: { M, H, G, D } }: AttentionCase, seed = M + D) {
  return {
    q: normals(seed, M * H * D, 1.5),
    k: normals(seed + 1, M * G * D, 1.5),
    v: normals(seed + 2, M * G * D),
    dO: normals(seed + 3, M * H * D),
    tree: treeOf(trees),
  };
}

/** What uncached attention reads of a case: q [M, H, D], k and v [M, G, D], tree [M, 4]. */
export function uploadAttention(
  gpu: Gpu,
  { M, H, G, D }: AttentionShape,
  { q, k, v, tree }: Pick<ReturnType<typeof attentionInput>, 'q' | 'k' | 'v' | 'tree'>,
) {
  return {
    q: gpu.upload('q', [M, H, D], q),
    k: gpu.upload('k', [M, G, D], k),
    v: gpu.upload('v', [M, G, D], v),
    tree: gpu.upload('tree', [M, 4], tree),
  };
}
