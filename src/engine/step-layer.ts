// One layer of a decoding step, recorded: the short way where the weights allow it, else projection by projection.
import { defined } from '../base/assert.ts';
import type { KernelPass } from '../gpu/pass.ts';
import { type GpuTensor, reshape, shape2 } from '../gpu/tensor.ts';
import { encodeAttentionCached, encodeKvWrite } from '../kernels/attention-cached.ts';
import { isBlocks } from '../kernels/launch.ts';
import { encodeLinear } from '../kernels/linear.ts';
import {
  encodeMatvec,
  fitsMatvec,
  isFew,
  type MatvecArgs,
  type MatvecLora,
} from '../kernels/matvec.ts';
import { encodeQkNormRope } from '../kernels/qk-norm-rope.ts';
import { encodeQuantizeRows } from '../kernels/quantize-rows.ts';
import { encodeRmsNorm, encodeRmsScale } from '../kernels/rms-norm.ts';
import { encodeRopeKv } from '../kernels/rope-kv.ts';
import { encodeSwiglu, encodeSwigluRows } from '../kernels/swiglu.ts';
import { amongRows, isScaled, rowsOf, type WeightMatrix } from '../kernels/weight-matrix.ts';
import { type AdapterWeights, encodeProjection } from './adapter-weights.ts';
import { type JoinedAdapter, type JoinedPair, tensorOf } from './joined-adapter.ts';
import type { KvCache } from './kv-cache.ts';
import type { JoinedWeights, LayerWeights, Model } from './model.ts';

/**
 * `prefill`: rows of prompts, any number of a sequence. `decode`: one row of each sequence, behind its prompt. Kernels may
 * differ between the two, so a row's bits depend on which it is, never on the rows beside it.
 */
export type StepKind = 'prefill' | 'decode';

export const ACTIVATIONS = ['f32', 'int8'] as const;
export type Activations = (typeof ACTIVATIONS)[number];

/** A step of R rows while it is recorded. */
export interface StepContext {
  readonly pass: KernelPass;
  readonly R: number;
  readonly rows: StepKind;
  /** Chunks in which attention is computed side by side; 1: in one dispatch. */
  readonly chunks: number;
  /** What rows of continuations are rounded to before products with weights in blocks. */
  readonly activations: Activations;
  readonly model: Model;
  readonly adapter: AdapterWeights | null;
  /** The adapter as the joined weights take it; null without one, or without those. */
  readonly joinedAdapter: JoinedAdapter | null;
  readonly cache: KvCache;
  /** (fields, stride) u32: ids, slots, positions, positions of RoPE, and more. */
  readonly inputs: GpuTensor;
  /** (R) of a field. */
  input(field: number): GpuTensor;
  /** Scratch by name; its first axis counts rows. */
  view(name: string, shape: readonly number[], type?: 'f32' | 'u32'): GpuTensor;
}

/** x (R, C) through layer l, whose keys and values go to the cache. */
export function encodeLayer(context: StepContext, l: number, x: GpuTensor): void {
  const { model } = context;
  const weights = defined(model.layers[l], `layer ${l}`);
  if (weights.joined === null || !takesJoined(model)) encodeApart(context, l, weights, x);
  else encodeJoined(context, l, weights, weights.joined, x);
}

/** Whether all rows of a model can be read in the blocks of the joined kernels. */
export function takesJoined({ config }: Model): boolean {
  const { hidden, heads, headDim, ffn } = config;
  return [hidden, heads * headDim, ffn].every(isBlocks);
}

/**
 * A layer in 6 dispatches for few rows (10 with an adapter), more for many, where attention is split and where q, k and v
 * differ in format; the same bits for any number of rows.
 */
function encodeJoined(
  context: StepContext,
  l: number,
  { attnNorm, ffnNorm, o, down }: LayerWeights,
  { qkv, qkvBias, qkNorms, gateUp }: JoinedWeights,
  x: GpuTensor,
): void {
  const { pass, R, rows, model, inputs, joinedAdapter, cache } = context;
  const { config, cosSin } = model;
  const { heads: H, headDim: D, ffn: F, eps, interleavedRope: interleaved } = config;
  const view = (name: string, width: number) => context.view(name, [R, width]);
  const raw = view('qkv', (H + 2 * config.kvHeads) * D);
  const att = view('att', H * D);
  const q = reshape(view('q', H * D), [R, H, D]);
  const kept = layerCache(context, l);
  const pairs = joinedAdapter?.layer(l) ?? null;
  const first = { ws: qkv, y: raw, bias: qkvBias, pair: pairs?.qkv ?? null };
  encodeNormed(context, x, attnNorm, first);
  const rope = { norms: qkNorms, eps, cosSin, interleaved };
  encodeRopeKv(pass, { qkv: raw, ...rope, rows: inputs, ...kept, q });
  const place = { rowSlot: context.input(1), rowPosition: context.input(2) };
  const split = cache.split(R, context.chunks);
  encodeAttentionCached(pass, { q, ...kept, ...place, o: reshape(att, [R, H, D]), rows, split });
  encodeResidual(context, `blk.${l}.attn_output`, att, o, x);
  const h = view('h', F);
  const pair = pairs?.gateUp ?? null;
  if (takesMatvec(context, R, config.hidden)) {
    encodeNormed(context, x, ffnNorm, { ws: [gateUp], y: h, swiglu: true, pair });
  } else {
    const both = view('gateUp', 2 * F);
    encodeNormed(context, x, ffnNorm, { ws: [gateUp], y: both, pair });
    encodeSwigluRows(pass, { both, h });
  }
  encodeResidual(context, `blk.${l}.ffn_down`, h, down, x);
}

interface NormedProduct {
  /** Parts of one matrix: each writes its columns of y. */
  readonly ws: readonly WeightMatrix[];
  readonly y: GpuTensor;
  readonly bias?: GpuTensor | null;
  readonly swiglu?: boolean;
  /** Adapters of the projections in ws. */
  readonly pair?: JoinedPair | null;
}

/** y = norm(x) wᵀ (+ bias), and the adapter's part: the same bits for any number of rows. */
export function encodeNormed(
  context: Pick<StepContext, Products | 'model' | 'joinedAdapter'>,
  x: GpuTensor,
  gains: GpuTensor,
  product: NormedProduct,
): void {
  const { pass, model, view } = context;
  const { hidden: C, eps } = model.config;
  const M = x.shape[0] ?? 0;
  const { ws, y, bias = null, pair = null, swiglu = false } = product;
  const scale = context.joinedAdapter?.adapter.scale ?? 1;
  if (takesMatvec(context, M, C)) {
    const norm = { w: gains, eps };
    const input = { x, norm, ...rounded(context, x, gains, ws) };
    let lora: MatvecLora | null = null;
    if (pair !== null) {
      const low = view('lows', [M, pair.a.N]);
      encodeMatvec(pass, { ...input, w: pair.a, y: low });
      lora = { low, b: tensorOf(pair.b), cuts: pair.cuts, scale };
    }
    for (const w of ws) encodeMatvec(pass, { ...input, w, y, bias, swiglu, lora });
    return;
  }
  const norm = { x, w: gains, y: view('normed', [M, C]), rstd: view('rstd', [M]), eps };
  if (isBlocks(C)) encodeRmsScale(pass, norm);
  else encodeRmsNorm(pass, norm);
  const rowScale = isBlocks(C) ? norm.rstd : null;
  for (const w of ws) encodeLinear(pass, { x: norm.y, w, y, rowScale, bias });
  if (pair === null) return;
  const rank = pair.b.K;
  const firsts = [0, ...pair.cuts, pair.b.N];
  for (let i = 0; i < firsts.length - 1; i++) {
    const [from = 0, to = 0] = firsts.slice(i);
    const low = view('low', [M, rank]);
    encodeLinear(pass, { x: norm.y, w: rowsOf(pair.a, i * rank, rank), y: low, rowScale });
    const w = amongRows(rowsOf(pair.b, from, to - from), from, pair.b.N);
    encodeLinear(pass, { x: low, w, y, scale, accumulate: true });
  }
}

/** x += input wᵀ, and the adapter's part. */
function encodeResidual(
  context: StepContext,
  stem: string,
  input: GpuTensor,
  w: WeightMatrix,
  x: GpuTensor,
): void {
  const { pass, R, adapter, view } = context;
  const pair = adapter?.pairs.get(stem);
  const t = adapter === null ? null : view('low', [R, adapter.paddedRank]);
  if (!takesMatvec(context, R, w.K)) {
    encodeProjection(pass, { x: input, w, y: x, stem, adapter, t, accumulate: true });
    return;
  }
  const rows = { x: input, ...rounded(context, input, null, [w]) };
  let lora: MatvecLora | null = null;
  if (adapter !== null && pair !== undefined) {
    const low = defined(t, `${stem} scratch`);
    encodeMatvec(pass, { ...rows, w: pair.a, y: low });
    lora = { low, b: tensorOf(pair.b), cuts: [], scale: adapter.scale };
  }
  encodeMatvec(pass, { ...rows, w, y: x, accumulate: true, lora });
}

/** What of a step decides how products are computed. */
type Products = 'pass' | 'rows' | 'activations' | 'view';

/** Whether products of M rows of K values go row by row. Prompts do so only where that gives the bits of tiles. */
function takesMatvec(
  { pass: { caps }, rows, activations }: Pick<StepContext, Products>,
  M: number,
  K: number,
): boolean {
  if (!fitsMatvec(M, K)) return false;
  const exact = caps.family === 'cpu' && activations === 'f32';
  return exact ? isFew(M) : rows === 'decode';
}

/** x rounded as the step wants it, for products with these weights. */
function rounded(
  { pass, activations, view }: Pick<StepContext, Products>,
  x: GpuTensor,
  gains: GpuTensor | null,
  ws: readonly WeightMatrix[],
): Pick<MatvecArgs, 'x8'> {
  if (activations === 'f32' || !ws.some(isScaled)) return {};
  const [M, K] = shape2(x, 'rounded rows');
  const x8 = {
    q: view(`x8.${K}`, [M, K / 4], 'u32'),
    scale: view(`x8Scale.${K}`, [M, K / 32, 4]),
  };
  encodeQuantizeRows(pass, { x, gains, to: x8 });
  return { x8 };
}

function layerCache({ cache }: StepContext, l: number) {
  return {
    pageTable: cache.pageTable,
    kCache: defined(cache.k[l], 'layer cache'),
    vCache: defined(cache.v[l], 'layer cache'),
  };
}

function encodeApart(context: StepContext, l: number, weights: LayerWeights, x: GpuTensor): void {
  const { pass, R, rows, model } = context;
  const { hidden: C, heads: H, kvHeads: G, headDim: D, ffn: F, eps } = model.config;
  const view = (name: string, width: number) => context.view(name, [R, width]);
  const normed = view('normed', C);
  const [qRaw, kRaw, v] = [view('qRaw', H * D), view('kRaw', G * D), view('v', G * D)];
  const att = view('att', H * D);
  const [gate, up, h] = [view('gate', F), view('up', F), view('h', F)];
  const rstd = context.view('rstd', [R]);
  const project = projector(context, l);
  encodeRmsNorm(pass, { x, w: weights.attnNorm, y: normed, rstd, eps });
  project('attn_q', normed, weights.q, qRaw, { bias: weights.qBias });
  project('attn_k', normed, weights.k, kRaw, { bias: weights.kBias });
  project('attn_v', normed, weights.v, v, { bias: weights.vBias });
  const q = encodeRope(context, 'q', qRaw, weights.qNorm, H);
  const k = encodeRope(context, 'k', kRaw, weights.kNorm, G);
  const rowPlace = { rowSlot: context.input(1), rowPosition: context.input(2) };
  const place = { ...layerCache(context, l), ...rowPlace };
  encodeKvWrite(pass, { k, v: reshape(v, [R, G, D]), ...place });
  const split = context.cache.split(R, context.chunks);
  encodeAttentionCached(pass, { q, ...place, o: reshape(att, [R, H, D]), rows, split });
  project('attn_output', att, weights.o, x, { accumulate: true });
  encodeRmsNorm(pass, { x, w: weights.ffnNorm, y: normed, rstd, eps });
  project('ffn_gate', normed, weights.gate, gate);
  project('ffn_up', normed, weights.up, up);
  encodeSwiglu(pass, { gate, up, h });
  project('ffn_down', h, weights.down, x, { accumulate: true });
}

function encodeRope(
  { pass, R, model, view, input }: StepContext,
  which: 'q' | 'k',
  raw: GpuTensor,
  w: GpuTensor | null,
  heads: number,
): GpuTensor {
  const { headDim: D, eps, interleavedRope: interleaved } = model.config;
  const y = reshape(view(which, [R, heads * D]), [R, heads, D]);
  encodeQkNormRope(pass, {
    x: reshape(raw, [R, heads, D]),
    norm: w === null ? null : { w, rstd: view('headRstd', [R, heads]) },
    ...{ cosSin: model.cosSin, positions: input(3), y, eps, interleaved },
  });
  return y;
}

function projector({ pass, R, adapter, view }: StepContext, l: number) {
  const t = adapter === null ? null : view('low', [R, adapter.paddedRank]);
  return (
    stem: string,
    x: GpuTensor,
    w: WeightMatrix,
    y: GpuTensor,
    how: { accumulate?: boolean; bias?: GpuTensor | null } = {},
  ) => {
    encodeProjection(pass, { x, w, y, stem: `blk.${l}.${stem}`, adapter, t, ...how });
  };
}
