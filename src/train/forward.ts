// The forward pass of a packed row of M tokens, keeping what the backward pass needs.
import type { AdapterWeights } from '../engine/adapter-weights.ts';
import { encodeProjection } from '../engine/adapter-weights.ts';
import type { LayerWeights, Model } from '../engine/model.ts';
import type { KernelPass } from '../gpu/pass.ts';
import { type GpuTensor, reshape } from '../gpu/tensor.ts';
import { encodeAttention } from '../kernels/attention.ts';
import { encodeEmbed } from '../kernels/embed.ts';
import { encodeQkNormRope } from '../kernels/qk-norm-rope.ts';
import { encodeRmsNorm } from '../kernels/rms-norm.ts';
import { encodeSwiglu } from '../kernels/swiglu.ts';
import type { WeightMatrix } from '../kernels/weight-matrix.ts';
import { PROJECTIONS } from '../weights/model-config.ts';
import type { LayerActivations, UploadedRow, Workspace } from './workspace.ts';

export interface RowContext {
  readonly model: Model;
  readonly adapter: AdapterWeights | null;
  readonly space: Workspace;
  readonly row: UploadedRow;
  readonly M: number;
}

/** Stems of a layer's projections that the adapter has. */
export function adaptedStems(adapter: AdapterWeights | null, l: number): string[] {
  if (adapter === null) return [];
  return PROJECTIONS.filter((name) => adapter.pairs.has(`blk.${l}.${name}`));
}

/** Residual stream after the last layer, (M, C). */
export function encodeForward(pass: KernelPass, context: RowContext): GpuTensor {
  const { model, space, row, M } = context;
  const { hidden: C, layers } = model.config;
  const input = (l: number): GpuTensor => space.wide(`${l}.x`, M, C);
  encodeEmbed(pass, { ids: row.ids, table: model.embed, y: input(0) });
  model.layers.forEach((weights, l) => {
    encodeLayer(pass, context, l, weights, input(l + 1));
  });
  return input(layers);
}

function encodeLayer(
  pass: KernelPass,
  context: RowContext,
  l: number,
  weights: LayerWeights,
  out: GpuTensor,
): void {
  const { model, adapter, space, M } = context;
  const { eps } = model.config;
  const a = space.layer(l, M, adaptedStems(adapter, l));
  const project = (
    stem: string,
    x: GpuTensor,
    w: WeightMatrix,
    y: GpuTensor,
    how: { accumulate?: boolean; bias?: GpuTensor | null } = {},
  ) =>
    encodeProjection(pass, {
      x,
      w,
      y,
      stem: `blk.${l}.${stem}`,
      adapter,
      t: a.low[stem] ?? null,
      ...how,
    });
  encodeRmsNorm(pass, { x: a.x, w: weights.attnNorm, y: a.attnIn, rstd: a.attnRstd, eps });
  project('attn_q', a.attnIn, weights.q, a.qRaw, { bias: weights.qBias });
  project('attn_k', a.attnIn, weights.k, a.kRaw, { bias: weights.kBias });
  project('attn_v', a.attnIn, weights.v, a.v, { bias: weights.vBias });
  encodeAttentionPart(pass, context, weights, a);
  pass.copy(a.x, a.xMid);
  project('attn_output', a.att, weights.o, a.xMid, { accumulate: true });
  encodeRmsNorm(pass, { x: a.xMid, w: weights.ffnNorm, y: a.ffnIn, rstd: a.ffnRstd, eps });
  project('ffn_gate', a.ffnIn, weights.gate, a.gate);
  project('ffn_up', a.ffnIn, weights.up, a.up);
  encodeSwiglu(pass, { gate: a.gate, up: a.up, h: a.h });
  pass.copy(a.xMid, out);
  project('ffn_down', a.h, weights.down, out, { accumulate: true });
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
  encodeAttention(pass, { q, k, v, start: row.start, o: att, lse: a.lse });
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
