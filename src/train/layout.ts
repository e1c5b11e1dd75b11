// The buffers of a training step, by name: what the workspace makes, and what a plan counts before anything is made. Pure
// host code; must not know how they are filled.
import type { GpuType } from '../gpu/tensor.ts';
import { TREE_COLUMNS } from '../kernels/attention.ts';
import { LOSS_STATS } from '../kernels/grpo-loss.ts';
import { ROW_CHUNKS } from '../kernels/launch.ts';
import { logSoftmaxScratchShape } from '../kernels/log-softmax.ts';
import type { ModelConfig } from '../weights/model-config.ts';

/**
 * What the forward pass keeps of each layer for the backward pass: everything, or its input alone (the layer is computed again
 * when its turn comes), in f32 or in f16 (rounded: gradients move by some 1e-4 of their size). The first two give the same
 * bits.
 */
export const CHECKPOINTS = ['all', 'f32', 'f16'] as const;
export type Checkpoints = (typeof CHECKPOINTS)[number];

export interface TrainSizes {
  readonly config: ModelConfig;
  /** Padded rank of the adapter; 0 without one, when all weights are trained. */
  readonly rank: number;
  /** Stems of a layer's projections that have an adapter. */
  readonly stems: readonly string[];
  /** Rows of tokens, and loss tokens, that fit. */
  readonly tokens: number;
  readonly lossTokens: number;
  readonly checkpoints: Checkpoints;
}

/** What a buffer is for. */
export type BufferPart = 'checkpoints' | 'layer' | 'head' | 'batch';

export interface BufferShape {
  /** The first number counts rows: a step uses as many as it has. */
  readonly shape: readonly number[];
  readonly type: GpuType;
  readonly part: BufferPart;
}

/** Logits held at once, in elements; a chunk has at least 128 loss tokens. */
const LOGITS_ELEMENTS = 2 ** 20;

/** Loss tokens whose logits are there at once. */
export function logitsRowsOf({ config, lossTokens }: TrainSizes): number {
  const rows = Math.floor(LOGITS_ELEMENTS / config.vocab / 64) * 64;
  return Math.min(lossTokens, Math.max(128, rows));
}

/** Buffers that a layer's forward pass fills, by their width. */
export function layerWidths(sizes: TrainSizes): Record<string, readonly number[]> {
  const { hidden: C, heads: H, kvHeads: G, headDim: D, ffn: F } = sizes.config;
  return {
    attnRstd: [],
    attnIn: [C],
    qRaw: [H * D],
    kRaw: [G * D],
    v: [G * D],
    qRstd: [H],
    kRstd: [G],
    q: [H * D],
    k: [G * D],
    att: [H * D],
    lse: [H],
    xMid: [C],
    ffnRstd: [],
    ffnIn: [C],
    gate: [F],
    up: [F],
    h: [F],
    ...Object.fromEntries(sizes.stems.map((stem) => [`low.${stem}`, [sizes.rank]])),
  };
}

/** Buffers that only a layer's backward pass needs. */
function gradientWidths({ config, rank }: TrainSizes): Record<string, readonly number[]> {
  const { hidden: C, heads: H, kvHeads: G, headDim: D, ffn: F } = config;
  return {
    dx: [C],
    dIn: [C],
    dh: [F],
    dAtt: [H * D],
    dq: [H * D],
    dk: [G * D],
    dv: [G * D],
    dqRaw: [H * D],
    dkRaw: [G * D],
    attentionRow: [H, 2],
    ...(rank > 0 ? { dt: [rank] } : {}),
  };
}

/** Every buffer of a training step but the weights, their gradients and their moments. */
export function trainLayout(sizes: TrainSizes): Map<string, BufferShape> {
  const buffers = new Map<string, BufferShape>();
  const add = (
    part: BufferPart,
    rows: number,
    widths: Readonly<Record<string, readonly number[]>>,
    type: GpuType = 'f32',
  ) => {
    for (const [name, width] of Object.entries(widths)) {
      buffers.set(name, { shape: [rows, ...width], type, part });
    }
  };
  const { config, tokens, lossTokens, checkpoints, rank } = sizes;
  const { hidden: C, layers, vocab: V } = config;
  for (let l = 0; l < layers; l++) {
    if (checkpoints === 'all') add('layer', tokens, prefixed(`${l}.`, layerWidths(sizes)));
    if (checkpoints === 'f16') {
      add('checkpoints', tokens, { [`${l}.half`]: [C / 2] }, 'u32');
      add('checkpoints', tokens, { [`${l}.halfRstd`]: [] });
    } else {
      add('checkpoints', tokens, { [`${l}.x`]: [C] });
    }
  }
  if (checkpoints !== 'all') add('layer', tokens, prefixed('layer.', layerWidths(sizes)));
  add('layer', tokens, { x: [C], ...gradientWidths(sizes) });
  add('batch', tokens, { 'row.ids': [], 'row.positions': [] }, 'u32');
  add('batch', tokens, { 'row.tree': [TREE_COLUMNS.length] }, 'u32');
  const lists = {
    'row.lossRows': [],
    'row.targets': [],
    'scatter.order': [],
    'sequences.order': [],
  };
  add('batch', lossTokens, lists, 'u32');
  add('batch', lossTokens + 1, { 'sequences.offsets': [] }, 'u32');
  add('batch', tokens + 1, { 'scatter.offsets': [] }, 'u32');
  add('batch', lossTokens, {
    'row.old': [],
    'row.ref': [],
    'row.advantages': [],
    'row.weights': [],
  });
  const wide = { 'head.x': [C], 'head.normed': [C], 'head.dNormed': [C], 'head.dGathered': [C] };
  const report = { 'head.logprob': [], 'head.entropy': [], 'head.stats': [LOSS_STATS.length] };
  add('head', lossTokens, { ...wide, 'head.rstd': [], 'head.joint': [2], ...report });
  add('head', lossTokens * (2 + LOSS_STATS.length), { report: [] });
  const most = logitsRowsOf(sizes);
  add('head', most, { 'head.logits': [V], 'head.lse': [], 'head.coef': [] });
  const [partialRows = 0, ...partial] = logSoftmaxScratchShape(most, V);
  add('head', partialRows, { 'head.partial': partial });
  if (rank === 0) {
    add('layer', ROW_CHUNKS, {
      [`partial.${C}`]: [C],
      [`partial.${config.headDim}`]: [config.headDim],
    });
    add('batch', V + 1, { 'tokens.offsets': [] }, 'u32');
    add('batch', tokens, { 'tokens.order': [] }, 'u32');
  }
  return buffers;
}

function prefixed<T>(prefix: string, entries: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(entries).map(([name, x]) => [prefix + name, x]));
}

/** Bytes of a buffer as Gpu.tensor makes it. */
export function bufferBytes(shape: readonly number[]): number {
  const elements = shape.reduce((product, n) => product * n, 1);
  return Math.max(16, Math.ceil((elements * 4) / 16) * 16);
}

/**
 * Which buffers of a layout lie in which of some lent ones, by index: the largest that fit first, one in each, since a kernel
 * may not read and write one buffer.
 */
export function lendBuffers(
  layout: ReadonlyMap<string, BufferShape>,
  lentBytes: readonly number[],
): Map<string, number> {
  const places = new Map<string, number>();
  const free = lentBytes.map((bytes, i) => ({ bytes, i })).sort((a, b) => a.bytes - b.bytes);
  const wanted = [...layout].map(([name, { shape }]) => ({ name, bytes: bufferBytes(shape) }));
  for (const { name, bytes } of wanted.sort((a, b) => b.bytes - a.bytes)) {
    const at = free.findIndex((lent) => lent.bytes >= bytes);
    const [lent] = at < 0 ? [] : free.splice(at, 1);
    if (lent !== undefined) places.set(name, lent.i);
  }
  return places;
}
