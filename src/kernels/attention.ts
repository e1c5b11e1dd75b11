// Causal attention over packed sequences, and over trees of sequences that share their beginnings, with grouped heads, forward
// and backward. Knows no cache.
import type { KernelPass } from '../gpu/pass.ts';
import { kernel } from '../gpu/pipeline.ts';
import { assertShape, type GpuTensor, shape3 } from '../gpu/tensor.ts';
import { assertHeads, attentionTile, attentionWork } from './attention-tile.ts';
import { groupsFor } from './launch.ts';

/**
 * A row of `tree` places a row of tokens: the first row of its tree, one past the last row of its own segment, one past the
 * last row of all that hangs below its segment; the fourth is not read. Trees follow one another. A tree is laid out in depth
 * first: a segment (neighbouring rows, at least one) and behind it the segments that go on from its last row, each with what
 * is below it. A row sees those of its own segment up to itself, and the segments above. A sequence alone is a tree of one.
 */
export const TREE_COLUMNS = ['first', 'segmentEnd', 'treeEnd', 'unused'] as const;

const TILE_PARAMS = {
  M: 'u32',
  H: 'u32',
  G: 'u32',
  tileRows: 'u32',
  tileHeads: 'u32',
  parts: 'u32',
  d4: 'u32',
  loads: 'u32',
  scale: 'f32',
} as const;

const ATTENTION = kernel({
  file: 'attention/attention',
  params: TILE_PARAMS,
  reads: ['q', 'k', 'v', 'tree'],
  writes: ['o', 'lse'],
});

const DELTA = kernel({
  file: 'attention/attention_delta',
  params: { N: 'u32', D4: 'u32' },
  reads: ['o', 'dO', 'lse'],
  writes: ['row'],
});

const QUERY_GRAD = kernel({
  file: 'attention/attention_query_grad',
  params: TILE_PARAMS,
  reads: ['q', 'k', 'v', 'dO', 'row', 'tree'],
  writes: ['dq'],
});

const KEY_GRAD = kernel({
  file: 'attention/attention_key_grad',
  params: { M: 'u32', H: 'u32', G: 'u32', d4: 'u32', loads: 'u32', scale: 'f32' },
  reads: ['q', 'k', 'v', 'dO', 'row', 'tree'],
  writes: ['dk', 'dv'],
});

export interface AttentionArgs {
  /** (M, H, D), D a multiple of 4 up to 128 */
  readonly q: GpuTensor;
  /** (M, G, D), H a multiple of G: query head h reads key head floor(h · G / H) */
  readonly k: GpuTensor;
  /** (M, G, D) */
  readonly v: GpuTensor;
  /** (M, 4) u32, see {@link TREE_COLUMNS} */
  readonly tree: GpuTensor;
  /** (M, H, D) */
  readonly o: GpuTensor;
  /** (M, H), natural log-sum-exp of the scaled scores, for the backward pass */
  readonly lse: GpuTensor;
}

/**
 * o[m] = Σ_j softmax_j(q[m]·k[j] / √D) v[j] over the rows j that m sees (online softmax: Milakov & Gimelshein 2018,
 * arXiv:1805.02867). A row's bits depend on what it sees alone.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeAttention(pass: KernelPass, args: AttentionArgs): void {
  const { q, k, v, tree, o, lse } = args;
  const [M, H, D] = shape3(q, 'attention.q');
  const [, G] = shape3(k, 'attention.k');
  assertHeads({ H, G, D }, 'attention.q');
  assertShape(k, [M, G, D], 'attention.k');
  assertShape(v, [M, G, D], 'attention.v');
  assertShape(tree, [M, TREE_COLUMNS.length], 'attention.tree');
  assertShape(o, [M, H, D], 'attention.o');
  assertShape(lse, [M, H], 'attention.lse');
  const tile = attentionTile(pass.caps, { H, G, D });
  pass.dispatch(ATTENTION, {
    work: attentionWork(M * H * D, M / 2),
    params: {
      M,
      H,
      G,
      tileRows: tile.rows,
      tileHeads: tile.heads,
      parts: tile.parts,
      d4: D / 4,
      loads: tile.loads,
      scale: 1 / Math.sqrt(D),
    },
    bind: { q, k, v, tree, o, lse },
    grid: [Math.ceil(M / tile.rows), G * tile.parts],
    variant: tile.variant,
    overrides: tile.overrides,
  });
}

export interface AttentionGradArgs {
  /** as in {@link AttentionArgs} */
  readonly q: GpuTensor;
  readonly k: GpuTensor;
  readonly v: GpuTensor;
  readonly tree: GpuTensor;
  /** as the forward pass wrote them */
  readonly o: GpuTensor;
  readonly lse: GpuTensor;
  /** (M, H, D) */
  readonly dO: GpuTensor;
  /** (M, H, 2), scratch: lse and Σ_d dO·o of each row and head */
  readonly row: GpuTensor;
  /** (M, H, D), written */
  readonly dq: GpuTensor;
  /** (M, G, D), written */
  readonly dk: GpuTensor;
  /** (M, G, D), written */
  readonly dv: GpuTensor;
}

/**
 * Gradients of {@link encodeAttention}: with p the recomputed weights and ds = p · (dO·v - Σ dO·o), dq = Σ_j ds k / √D,
 * dk = Σ_m ds q / √D and dv = Σ_m p dO, the last two also over the query heads of the group (Dao 2023,
 * arXiv:2307.08691, without atomics). Three dispatches.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeAttentionGrad(pass: KernelPass, args: AttentionGradArgs): void {
  const { q, k, v, tree, o, lse, dO, row, dq, dk, dv } = args;
  const [M, H, D] = shape3(q, 'attention-grad.q');
  const [, G] = shape3(k, 'attention-grad.k');
  assertHeads({ H, G, D }, 'attention-grad.q');
  for (const [name, tensor] of Object.entries({ o, dO, dq })) {
    assertShape(tensor, [M, H, D], `attention-grad.${name}`);
  }
  for (const [name, tensor] of Object.entries({ k, v, dk, dv })) {
    assertShape(tensor, [M, G, D], `attention-grad.${name}`);
  }
  assertShape(tree, [M, TREE_COLUMNS.length], 'attention-grad.tree');
  assertShape(lse, [M, H], 'attention-grad.lse');
  assertShape(row, [M, H, 2], 'attention-grad.row');
  pass.dispatch(DELTA, {
    params: { N: M * H, D4: D / 4 },
    bind: { o, dO, lse, row },
    grid: groupsFor(M * H),
  });
  const tile = attentionTile(pass.caps, { H, G, D });
  const how = { variant: tile.variant, overrides: tile.overrides };
  const params = { M, H, G, d4: D / 4, loads: tile.loads, scale: 1 / Math.sqrt(D) };
  pass.dispatch(QUERY_GRAD, {
    work: 2 * attentionWork(M * H * D, M / 2),
    params: { ...params, tileRows: tile.rows, tileHeads: tile.heads, parts: tile.parts },
    bind: { q, k, v, dO, row, tree, dq },
    grid: [Math.ceil(M / tile.rows), G * tile.parts],
    ...how,
  });
  pass.dispatch(KEY_GRAD, {
    work: 2 * attentionWork(M * H * D, M / 2),
    params,
    bind: { q, k, v, dO, row, tree, dk, dv },
    grid: [Math.ceil(M / tile.lanes), G],
    ...how,
  });
}
