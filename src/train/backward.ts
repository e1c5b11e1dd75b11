// The backward pass of a packed row: gradients of the adapter, or of all weights, from the gradient of the residual stream.
import { defined } from '../base/assert.ts';
import type { LayerWeights } from '../engine/model.ts';
import type { KernelPass } from '../gpu/pass.ts';
import { type GpuTensor, reshape } from '../gpu/tensor.ts';
import { encodeAttentionGrad } from '../kernels/attention.ts';
import { encodeLinearInputGrad, encodeLinearWeightGrad } from '../kernels/linear.ts';
import { encodeQkNormRopeGrad, encodeQkNormWeightGrad } from '../kernels/qk-norm-rope.ts';
import { encodeRmsNormGrad, encodeRmsNormWeightGrad } from '../kernels/rms-norm.ts';
import { encodeSwigluGrad } from '../kernels/swiglu.ts';
import type { WeightMatrix } from '../kernels/weight-matrix.ts';
import { encodeRecompute, headViews, type RowContext } from './forward.ts';
import type { Parameters } from './parameters.ts';
import type { LayerActivations } from './workspace.ts';

export interface BackwardContext extends RowContext {
  readonly parameters: Parameters;
  /** True when all weights are trained, false when only the adapter is. */
  readonly full: boolean;
}

/** Turns dx, the gradient of the residual stream after the last layer, into that before the first. */
export function encodeBackward(pass: KernelPass, context: BackwardContext, dx: GpuTensor): void {
  for (let l = context.model.layers.length - 1; l >= 0; l--) {
    const weights = defined(context.model.layers[l], `layer ${l}`);
    encodeRecompute(pass, context, l, weights);
    const a = context.space.layer(l, context.M);
    encodeFfnBackward(pass, context, l, weights, a, dx);
    encodeAttentionBackward(pass, context, l, weights, a, dx);
  }
}

function encodeFfnBackward(
  pass: KernelPass,
  context: BackwardContext,
  l: number,
  weights: LayerWeights,
  a: LayerActivations,
  dx: GpuTensor,
): void {
  const { space, M } = context;
  const [dh, dIn] = [space.rows('dh', M), space.rows('dIn', M)];
  const back = projectionBackward(pass, context, l, a);
  back('ffn_down', { dy: dx, x: a.h, w: weights.down, dx: dh });
  encodeSwigluGrad(pass, { dh, gate: a.gate, up: a.up });
  back('ffn_gate', { dy: a.gate, x: a.ffnIn, w: weights.gate, dx: dIn });
  back('ffn_up', { dy: a.up, x: a.ffnIn, w: weights.up, dx: dIn, accumulate: true });
  encodeNormBackward(pass, context, `blk.${l}.ffn_norm.weight`, {
    dy: dIn,
    x: a.xMid,
    w: weights.ffnNorm,
    rstd: a.ffnRstd,
    dx,
  });
}

function encodeAttentionBackward(
  pass: KernelPass,
  context: BackwardContext,
  l: number,
  weights: LayerWeights,
  a: LayerActivations,
  dx: GpuTensor,
): void {
  const { space, M, model, row } = context;
  const { heads: H, kvHeads: G, headDim: D } = model.config;
  const heads = (name: string, count: number) => reshape(space.rows(name, M), [M, count, D]);
  const [dAtt, dq, dk, dv] = [heads('dAtt', H), heads('dq', H), heads('dk', G), heads('dv', G)];
  const [dqRaw, dkRaw] = [heads('dqRaw', H), heads('dkRaw', G)];
  const flat = (tensor: GpuTensor) => reshape(tensor, [M, (tensor.shape[1] ?? 0) * D]);
  const back = projectionBackward(pass, context, l, a);
  back('attn_output', { dy: dx, x: a.att, w: weights.o, dx: flat(dAtt) });
  const views = headViews(context, a);
  encodeAttentionGrad(pass, {
    q: views.q,
    k: views.k,
    v: views.v,
    o: views.att,
    lse: a.lse,
    dO: dAtt,
    tree: row.tree,
    row: space.rows('attentionRow', M),
    dq,
    dk,
    dv,
  });
  encodeRopeBackward(pass, context, l, weights.qNorm, 'q', {
    dy: dq,
    x: views.qRaw,
    dx: dqRaw,
    rstd: a.qRstd,
  });
  encodeRopeBackward(pass, context, l, weights.kNorm, 'k', {
    dy: dk,
    x: views.kRaw,
    dx: dkRaw,
    rstd: a.kRstd,
  });
  const dIn = space.rows('dIn', M);
  back('attn_q', { dy: flat(dqRaw), x: a.attnIn, w: weights.q, dx: dIn });
  back('attn_k', { dy: flat(dkRaw), x: a.attnIn, w: weights.k, dx: dIn, accumulate: true });
  back('attn_v', { dy: flat(dv), x: a.attnIn, w: weights.v, dx: dIn, accumulate: true });
  encodeNormBackward(pass, context, `blk.${l}.attn_norm.weight`, {
    dy: dIn,
    x: a.x,
    w: weights.attnNorm,
    rstd: a.attnRstd,
    dx,
  });
}

interface RopeGrads {
  readonly dy: GpuTensor;
  readonly x: GpuTensor;
  readonly dx: GpuTensor;
  readonly rstd: GpuTensor;
}

function encodeRopeBackward(
  pass: KernelPass,
  context: BackwardContext,
  l: number,
  w: GpuTensor | null,
  which: 'q' | 'k',
  { dy, x, dx, rstd }: RopeGrads,
): void {
  const { model, row, space, full, parameters } = context;
  const rope = { cosSin: model.cosSin, positions: row.positions };
  const norm = w === null ? null : { w, rstd };
  const interleaved = model.config.interleavedRope;
  encodeQkNormRopeGrad(pass, { ...rope, dy, x, norm, dx, interleaved });
  if (!full || w === null) return;
  const partial = space.partial(model.config.headDim);
  const dw = parameters.grad(`blk.${l}.attn_${which}_norm.weight`);
  encodeQkNormWeightGrad(pass, { ...rope, dy, x, rstd, partial, dw });
}

/** dx += gradient through a norm; the norm's own weights too in `full` training. */
export function encodeNormBackward(
  pass: KernelPass,
  { space, full, parameters }: Pick<BackwardContext, 'space' | 'full' | 'parameters'>,
  name: string,
  args: { dy: GpuTensor; x: GpuTensor; w: GpuTensor; rstd: GpuTensor; dx: GpuTensor },
  accumulate = true,
): void {
  encodeRmsNormGrad(pass, { ...args, accumulate });
  if (!full) return;
  const { dy, x, rstd } = args;
  const partial = space.partial(args.w.shape[0] ?? 0);
  encodeRmsNormWeightGrad(pass, { dy, x, rstd, partial, dw: parameters.grad(name) });
}

interface ProjectionGrads {
  readonly dy: GpuTensor;
  readonly x: GpuTensor;
  readonly w: WeightMatrix;
  readonly dx: GpuTensor;
  readonly accumulate?: boolean;
}

/**
 * Backward of y = x wᵀ + s (x Aᵀ) Bᵀ for one layer: dx, and the gradients of w, or of A and B. With t = x Aᵀ kept by
 * the forward pass, dt = s dy B, dB += s dyᵀ t, dA += dtᵀ x, dx += dt A; dw of the base is never formed.
 */
function projectionBackward(
  pass: KernelPass,
  context: BackwardContext,
  l: number,
  a: LayerActivations,
): (stem: string, grads: ProjectionGrads) => void {
  const { adapter, full, parameters, space, M } = context;
  return (stem, { dy, x, w, dx, accumulate = false }) => {
    encodeLinearInputGrad(pass, { dy, w, dx, accumulate });
    const name = `blk.${l}.${stem}`;
    if (full) encodeLinearWeightGrad(pass, { dy, x, dw: parameters.grad(`${name}.weight`) });
    const pair = adapter?.pairs.get(name);
    if (adapter === null || pair === undefined) return;
    const t = defined(a.low[stem], `${name} activations`);
    const dt = space.rows('dt', M);
    const scale = adapter.scale;
    encodeLinearWeightGrad(pass, { dy, x: t, dw: parameters.grad(`${name}.lora_b`), scale });
    encodeLinearInputGrad(pass, { dy, w: pair.b, dx: dt, scale });
    encodeLinearWeightGrad(pass, { dy: dt, x, dw: parameters.grad(`${name}.lora_a`) });
    encodeLinearInputGrad(pass, { dy: dt, w: pair.a, dx, accumulate: true });
  };
}
