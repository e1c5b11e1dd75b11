// Attention against a paged cache of keys and values, and the writing of the cache. Knows no allocation of pages.
import { assert } from '../base/assert.ts';
import type { Caps } from '../gpu/caps.ts';
import { type KernelPass, MEMORY_WORK } from '../gpu/pass.ts';
import { kernel } from '../gpu/pipeline.ts';
import { assertShape, type GpuTensor, type GpuType, shape2, shape3 } from '../gpu/tensor.ts';
import {
  ATTENTION_CHUNK,
  type AttentionSize,
  assertHeads,
  attentionTile,
  attentionWork,
} from './attention-tile.ts';
import { groupsFor } from './launch.ts';

/** Positions of a page; the block of keys of the attention kernels. */
export const PAGE = 16;
/** `rowPosition` of a row that does nothing: it writes no key, and its output is not written. */
export const IDLE_POSITION = 0xffffffff;

/**
 * How keys and values are kept: as they are, rounded to f16 (half the bytes), or as bytes with a scale for each 32 of them (3.6
 * times fewer bytes). What is beyond f16's ±65,504 becomes that: values, and keys of models without a norm of keys, might be;
 * keys behind a norm are a gain times √D at most.
 */
export const KV_TYPES = ['f32', 'f16', 'int8'] as const;
export type KvType = (typeof KV_TYPES)[number];

/** Values that share a scale; what is left behind the last whole block has one of its own. */
const KV_BLOCK = 32;

/** Elements of a head of D in a cache of a type, which are of `element`. */
export function kvLayout(type: KvType, D: number): { width: number; element: GpuType } {
  if (type === 'f32') return { width: D, element: 'f32' };
  if (type === 'f16') return { width: D / 2, element: 'f16x2' };
  return { width: D / 4 + Math.ceil(D / KV_BLOCK), element: 'u32' };
}

const KV_OF_ELEMENT = { f32: 'f32', f16x2: 'f16', u32: 'int8' } as const;

/** How a cache tensor is laid out, and the condition of the shaders that read and write it. */
export function kvOf(cache: GpuTensor, D: number) {
  const type = KV_OF_ELEMENT[cache.type];
  const on = type === 'f32' ? [] : [type];
  return { type, width: kvLayout(type, D).width, on };
}

/** Workgroups that keep a device busy: from there on chunks follow one another. A software adapter has few threads. */
const ENOUGH_GROUPS = { hardware: 512, software: 4 };

const ATTENTION_CACHED = kernel({
  file: 'attention/attention_cached',
  params: {
    B: 'u32',
    H: 'u32',
    G: 'u32',
    maxPages: 'u32',
    tileRows: 'u32',
    tileHeads: 'u32',
    parts: 'u32',
    chunks: 'u32',
    d4: 'u32',
    loads: 'u32',
    scale: 'f32',
  },
  reads: ['q', 'kCache', 'vCache', 'pageTable', 'rowSlot', 'rowPosition'],
  writes: ['o', 'chunkSums?split'],
});

const ATTENTION_MERGE = kernel({
  file: 'attention/attention_merge',
  params: { B: 'u32', H: 'u32', D4: 'u32', chunks: 'u32' },
  reads: ['chunkSums', 'rowPosition'],
  writes: ['o'],
});

const KV_WRITE = kernel({
  file: 'attention/kv_write',
  params: { B: 'u32', G: 'u32', D4: 'u32', maxPages: 'u32' },
  reads: ['k', 'v', 'pageTable', 'rowSlot', 'rowPosition'],
  writes: ['kCache', 'vCache'],
});

/** Chunks that are computed side by side, and where their sums go. */
export interface AttentionSplit {
  /** At least those of the row with the most keys. */
  readonly chunks: number;
  /** {@link splitShape}, scratch */
  readonly sums: GpuTensor;
}

/** Shape of the sums of `chunks` chunks of B rows: of each head its values, and four words for its softmax. */
export function splitShape(B: number, { H, D }: Pick<AttentionSize, 'H' | 'D'>, chunks: number) {
  return [B, H, chunks, D + 4];
}

/**
 * Chunks in which one dispatch takes `rows` decoded rows, the longest with `keys` keys: a power of two, or 1 where
 * splitting cannot help. Only speed depends on it.
 */
export function splitChunks(
  caps: Pick<Caps, 'subgroupSize' | 'software'>,
  size: AttentionSize,
  rows: number,
  keys: number,
): number {
  const tile = attentionTile(caps, size, 1);
  const groups = Math.ceil(rows / tile.rows) * size.G * tile.parts;
  const enough = caps.software ? ENOUGH_GROUPS.software : ENOUGH_GROUPS.hardware;
  if (groups >= enough || keys <= ATTENTION_CHUNK) return 1;
  return 2 ** Math.ceil(Math.log2(keys / ATTENTION_CHUNK));
}

export interface AttentionCachedArgs {
  /** (B, H, D), D a multiple of 4 up to 128 */
  readonly q: GpuTensor;
  /** (pages · PAGE, G, width of {@link kvLayout}), of its element */
  readonly kCache: GpuTensor;
  /** as kCache */
  readonly vCache: GpuTensor;
  /** (S, maxPages) u32, page of each 16 positions of a slot */
  readonly pageTable: GpuTensor;
  /** (B) u32, slot of the row's sequence */
  readonly rowSlot: GpuTensor;
  /** (B) u32, the row's position, or {@link IDLE_POSITION} */
  readonly rowPosition: GpuTensor;
  /** (B, H, D); idle rows stay as they are */
  readonly o: GpuTensor;
  /**
   * `decode`: neighbouring rows are of different slots, so each gets a workgroup; `prefill`: neighbouring rows share a
   * slot, so they share its keys. Only speed differs: results have the same bits.
   */
  readonly rows: 'decode' | 'prefill';
  /** Null: the chunks of a row follow one another, with the same bits. */
  readonly split?: AttentionSplit | null;
}

/**
 * o[b] = Σ_j softmax_j(q[b]·k[j] / √D) v[j] over positions 0..rowPosition[b] of slot rowSlot[b], which are in the cache
 * already; the same arithmetic in the same order as encodeAttention over that sequence. One dispatch, split two
 * (flash decoding: Dao et al. 2023, pytorch.org/blog/flash-decoding).
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeAttentionCached(pass: KernelPass, args: AttentionCachedArgs): void {
  const { q, kCache, vCache, pageTable, rowSlot, rowPosition, o, split = null } = args;
  const [B, H, D] = shape3(q, 'attention-cached.q');
  const [positions, G] = shape3(kCache, 'attention-cached.kCache');
  const [, maxPages] = shape2(pageTable, 'attention-cached.pageTable');
  assertHeads({ H, G, D }, 'attention-cached.q');
  const { width, on } = kvOf(kCache, D);
  assertShape(kCache, [positions, G, width], 'attention-cached.kCache');
  assertShape(vCache, [positions, G, width], 'attention-cached.vCache');
  assertShape(rowSlot, [B], 'attention-cached.rowSlot');
  assertShape(rowPosition, [B], 'attention-cached.rowPosition');
  assertShape(o, [B, H, D], 'attention-cached.o');
  assert(vCache.type === kCache.type, 'attention-cached: keys and values of different types');
  const chunks = split?.chunks ?? 1;
  const { loads, parts, ...tile } = attentionTile(
    pass.caps,
    { H, G, D },
    args.rows === 'decode' ? 1 : undefined,
  );
  const sizes = { tileRows: tile.rows, tileHeads: tile.heads, parts, chunks, d4: D / 4, loads };
  const bind = { q, kCache, vCache, pageTable, rowSlot, rowPosition, o };
  // Keys of a row: those of its chunks, else half a context, since nobody knows.
  const keys = split === null ? (maxPages * PAGE) / 2 : chunks * ATTENTION_CHUNK;
  pass.dispatch(ATTENTION_CACHED, {
    work: attentionWork(B * H * D, keys),
    params: { B, H, G, maxPages, ...sizes, scale: 1 / Math.sqrt(D) },
    bind: split === null ? bind : { ...bind, chunkSums: split.sums },
    grid: [Math.ceil(B / tile.rows), G * parts, chunks],
    variant: {
      ...tile.variant,
      on: [...tile.variant.on, ...on, ...(split === null ? [] : ['split' as const])],
    },
    overrides: tile.overrides,
  });
  if (split === null) return;
  assertShape(split.sums, splitShape(B, { H, D }, chunks), 'attention-cached.sums');
  pass.dispatch(ATTENTION_MERGE, {
    params: { B, H, D4: D / 4, chunks },
    bind: { chunkSums: split.sums, rowPosition, o },
    grid: groupsFor((B * H * D) / 4),
    variant: { constants: tile.variant.constants },
  });
}

export interface KvWriteArgs {
  /** (B, G, D) */
  readonly k: GpuTensor;
  /** (B, G, D) */
  readonly v: GpuTensor;
  /** (S, maxPages) u32 */
  readonly pageTable: GpuTensor;
  /** (B) u32 */
  readonly rowSlot: GpuTensor;
  /** (B) u32, where the row goes, or {@link IDLE_POSITION} */
  readonly rowPosition: GpuTensor;
  /** as in {@link AttentionCachedArgs}, the rows' positions are written */
  readonly kCache: GpuTensor;
  readonly vCache: GpuTensor;
}

/**
 * Copies keys and values of rows to their positions in the cache, in its type.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeKvWrite(pass: KernelPass, args: KvWriteArgs): void {
  const { k, v, pageTable, rowSlot, rowPosition, kCache, vCache } = args;
  const [B, G, D] = shape3(k, 'kv-write.k');
  const [positions] = shape3(kCache, 'kv-write.kCache');
  const [, maxPages] = shape2(pageTable, 'kv-write.pageTable');
  assertHeads({ H: G, G, D }, 'kv-write.k');
  assertShape(v, [B, G, D], 'kv-write.v');
  const { type, width, on } = kvOf(kCache, D);
  assertShape(kCache, [positions, G, width], 'kv-write.kCache');
  assertShape(vCache, [positions, G, width], 'kv-write.vCache');
  assert(vCache.type === kCache.type, 'kv-write: keys and values of different types');
  assertShape(rowSlot, [B], 'kv-write.rowSlot');
  assertShape(rowPosition, [B], 'kv-write.rowPosition');
  const each = type === 'int8' ? Math.ceil(D / KV_BLOCK) : D / 4;
  pass.dispatch(KV_WRITE, {
    work: MEMORY_WORK * 2 * B * G * D,
    params: { B, G, D4: D / 4, maxPages },
    bind: { k, v, pageTable, rowSlot, rowPosition, kCache, vCache },
    grid: groupsFor(B * G * each),
    variant: { on },
  });
}
