// The forward pass of a packed row of M tokens. What of it is kept for the backward pass is the workspace's to say: a layer
// that is not there any more is computed again from its input.
import { defined } from '../base/assert.ts';
import type { AdapterWeights } from '../engine/adapter-weights.ts';
import { encodeProjection } from '../engine/adapter-weights.ts';
import type { LayerWeights, Model } from '../engine/model.ts';
import { takesJoined } from '../engine/step-layer.ts';
import type { KernelPass } from '../gpu/pass.ts';
import { type GpuTensor, reshape } from '../gpu/tensor.ts';
import { encodeAttention } from '../kernels/attention.ts';
import { encodeEmbed } from '../kernels/embed.ts';
import { encodeHalveRows, encodeRestoreRows } from '../kernels/half-rows.ts';
import { encodeLinear } from '../kernels/linear.ts';
import { encodeQkNormRope } from '../kernels/qk-norm-rope.ts';
import { encodeRmsNorm, encodeRmsScale, type RmsNormArgs } from '../kernels/rms-norm.ts';
import { encodeRoundHalf } from '../kernels/round-half.ts';
import { encodeSwiglu } from '../kernels/swiglu.ts';
import type { WeightMatrix } from '../kernels/weight-matrix.ts';
import type { LayerActivations, UploadedRow, Workspace } from './workspace.ts';

export interface RowContext {
  readonly model: Model;
  readonly adapter: AdapterWeights | null;
  readonly space: Workspace;
  readonly row: UploadedRow;
  readonly M: number;
  /** Round keys and values to f16, as the cache that is sampled from does; their gradients pass straight through. */
  readonly halfKv: boolean;
}

/** Residual stream after the last layer, (M, C). */
export function encodeForward(pass: KernelPass, context: RowContext): GpuTensor {
  const { model, space, row, M } = context;
  encodeEmbed(pass, { ids: row.ids, table: model.embed, y: space.input(0, M) });
  model.layers.forEach((weights, l) => {
    const a = space.layer(l, M);
    const halved = space.halved(l, M);
    encodeLayerInside(pass, context, l, weights);
    if (halved !== null) encodeHalveRows(pass, { x: a.x, rstd: a.attnRstd, to: halved });
    const out = space.input(l + 1, M);
    pass.copy(a.xMid, out);
    project(pass, context, l, a)('ffn_down', a.h, weights.down, out, { accumulate: true });
  });
  return space.input(model.config.layers, M);
}

/** What the backward pass reads of layer l, where it was not kept, with the bits that it had. */
export function encodeRecompute(
  pass: KernelPass,
  context: RowContext,
  l: number,
  weights: LayerWeights,
): void {
  const { space, M, model } = context;
  if (space.sizes.checkpoints === 'all') return;
  const halved = space.halved(l, M);
  if (halved !== null) encodeRestoreRows(pass, halved, space.input(l, M));
  // The last layer's are still there.
  else if (l === model.config.layers - 1) return;
  encodeLayerInside(pass, context, l, weights);
  // Of the down projection only what its adapter's gradient reads.
  const { h, low } = space.layer(l, M);
  const pair = context.adapter?.pairs.get(`blk.${l}.ffn_down`);
  if (pair !== undefined) {
    encodeLinear(pass, { x: h, w: pair.a, y: defined(low['ffn_down'], 'low ffn_down') });
  }
}

/** y (+)= projection of x by a layer's matrix, with its adapter. */
function project(
  pass: KernelPass,
  { adapter }: Pick<RowContext, 'adapter'>,
  l: number,
  a: LayerActivations,
) {
  return (
    stem: string,
    x: GpuTensor,
    w: WeightMatrix,
    y: GpuTensor,
    how: { accumulate?: boolean; bias?: GpuTensor | null; rowScale?: GpuTensor | null } = {},
  ) => {
    const t = a.low[stem] ?? null;
    encodeProjection(pass, { x, w, y, stem: `blk.${l}.${stem}`, adapter, t, ...how });
  };
}

/** A layer up to what its down projection reads. */
function encodeLayerInside(
  pass: KernelPass,
  context: RowContext,
  l: number,
  weights: LayerWeights,
): void {
  const { model, space, M } = context;
  const { eps } = model.config;
  const a = space.layer(l, M);
  const to = project(pass, context, l, a);
  const attn = { x: a.x, w: weights.attnNorm, y: a.attnIn, rstd: a.attnRstd, eps };
  encodeNormed(pass, context, weights, attn, (rowScale) => {
    to('attn_q', a.attnIn, weights.q, a.qRaw, { bias: weights.qBias, rowScale });
    to('attn_k', a.attnIn, weights.k, a.kRaw, { bias: weights.kBias, rowScale });
    to('attn_v', a.attnIn, weights.v, a.v, { bias: weights.vBias, rowScale });
  });
  encodeAttentionPart(pass, context, weights, a);
  pass.copy(a.x, a.xMid);
  to('attn_output', a.att, weights.o, a.xMid, { accumulate: true });
  const ffn = { x: a.xMid, w: weights.ffnNorm, y: a.ffnIn, rstd: a.ffnRstd, eps };
  encodeNormed(pass, context, weights, ffn, (rowScale) => {
    to('ffn_gate', a.ffnIn, weights.gate, a.gate, { rowScale });
    to('ffn_up', a.ffnIn, weights.up, a.up, { rowScale });
  });
  encodeSwiglu(pass, { gate: a.gate, up: a.up, h: a.h });
}

/**
 * A norm and the products of its rows. Where the sampler's keys and values are rounded, a sum in another order would fall to
 * the other side of a rounding now and then: there products are summed as the decoder sums them.
 */
function encodeNormed(
  pass: KernelPass,
  { model, halfKv }: RowContext,
  { joined }: LayerWeights,
  norm: RmsNormArgs,
  encodeProducts: (rowScale: GpuTensor | null) => void,
): void {
  if (halfKv && joined !== null && takesJoined(model)) {
    encodeRmsScale(pass, norm);
    encodeProducts(norm.rstd);
    // The backward pass reads the whole norm.
    encodeRmsNorm(pass, norm);
    return;
  }
  encodeRmsNorm(pass, norm);
  encodeProducts(null);
}

function encodeAttentionPart(
  pass: KernelPass,
  context: RowContext,
  weights: LayerWeights,
  a: LayerActivations,
): void {
  const { model, row } = context;
  const views = headViews(context, a);
  const { eps, interleavedRope: interleaved } = model.config;
  const rope = { cosSin: model.cosSin, positions: row.positions, eps, interleaved };
  const qNorm = weights.qNorm === null ? null : { w: weights.qNorm, rstd: a.qRstd };
  const kNorm = weights.kNorm === null ? null : { w: weights.kNorm, rstd: a.kRstd };
  encodeQkNormRope(pass, { ...rope, x: views.qRaw, norm: qNorm, y: views.q });
  encodeQkNormRope(pass, { ...rope, x: views.kRaw, norm: kNorm, y: views.k });
  const { q, k, v, att } = views;
  if (context.halfKv) for (const x of [k, v]) encodeRoundHalf(pass, x);
  encodeAttention(pass, { q, k, v, tree: row.tree, o: att, lse: a.lse });
}

/** The (M, heads, D) views of a layer's projections. */
export function headViews({ model, M }: Pick<RowContext, 'model' | 'M'>, a: LayerActivations) {
  const { heads: H, kvHeads: G, headDim: D } = model.config;
  return {
    qRaw: reshape(a.qRaw, [M, H, D]),
    kRaw: reshape(a.kRaw, [M, G, D]),
    v: reshape(a.v, [M, G, D]),
    q: reshape(a.q, [M, H, D]),
    k: reshape(a.k, [M, G, D]),
    att: reshape(a.att, [M, H, D]),
  };
}
