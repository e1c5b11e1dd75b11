// Attention against a paged cache of keys and values, and the writing of the cache. Knows no allocation of pages.
import type { KernelPass } from '../gpu/pass.ts';
import { kernel } from '../gpu/pipeline.ts';
import { assertShape, type GpuTensor, shape2, shape3 } from '../gpu/tensor.ts';
import { assertHeads, attentionTile } from './attention-tile.ts';
import { groupsFor } from './launch.ts';

/** Positions of a page; the block of keys of the attention kernels. */
export const PAGE = 16;
/** `rowPosition` of a row that does nothing: it writes no key, and its output is not written. */
export const IDLE_POSITION = 0xffffffff;

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
    d4: 'u32',
    loads: 'u32',
    scale: 'f32',
  },
  reads: ['q', 'kCache', 'vCache', 'pageTable', 'rowSlot', 'rowPosition'],
  writes: ['o'],
});

const KV_WRITE = kernel({
  file: 'attention/kv_write',
  params: { B: 'u32', E: 'u32', maxPages: 'u32' },
  reads: ['k', 'v', 'pageTable', 'rowSlot', 'rowPosition'],
  writes: ['kCache', 'vCache'],
});

export interface AttentionCachedArgs {
  /** (B, H, D), D a multiple of 4 up to 128 */
  readonly q: GpuTensor;
  /** (pages · PAGE, G, D) */
  readonly kCache: GpuTensor;
  /** (pages · PAGE, G, D) */
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
}

/**
 * o[b] = Σ_j softmax_j(q[b]·k[j] / √D) v[j] over positions 0..rowPosition[b] of slot rowSlot[b], which are in the cache
 * already; the same arithmetic in the same order as encodeAttention over that sequence.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeAttentionCached(pass: KernelPass, args: AttentionCachedArgs): void {
  const { q, kCache, vCache, pageTable, rowSlot, rowPosition, o } = args;
  const [B, H, D] = shape3(q, 'attention-cached.q');
  const [positions, G] = shape3(kCache, 'attention-cached.kCache');
  const [, maxPages] = shape2(pageTable, 'attention-cached.pageTable');
  assertHeads({ H, G, D }, 'attention-cached.q');
  assertShape(kCache, [positions, G, D], 'attention-cached.kCache');
  assertShape(vCache, [positions, G, D], 'attention-cached.vCache');
  assertShape(rowSlot, [B], 'attention-cached.rowSlot');
  assertShape(rowPosition, [B], 'attention-cached.rowPosition');
  assertShape(o, [B, H, D], 'attention-cached.o');
  const tile = attentionTile(pass.caps, { H, G, D }, args.rows === 'decode' ? 1 : undefined);
  pass.dispatch(ATTENTION_CACHED, {
    params: {
      B,
      H,
      G,
      maxPages,
      tileRows: tile.rows,
      tileHeads: tile.heads,
      parts: tile.parts,
      d4: D / 4,
      loads: tile.loads,
      scale: 1 / Math.sqrt(D),
    },
    bind: { q, kCache, vCache, pageTable, rowSlot, rowPosition, o },
    grid: [Math.ceil(B / tile.rows), G * tile.parts],
    variant: tile.variant,
    overrides: tile.overrides,
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
  /** (pages · PAGE, G, D), the rows' positions are written */
  readonly kCache: GpuTensor;
  /** (pages · PAGE, G, D), the rows' positions are written */
  readonly vCache: GpuTensor;
}

/**
 * Copies keys and values of rows to their positions in the cache.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeKvWrite(pass: KernelPass, args: KvWriteArgs): void {
  const { k, v, pageTable, rowSlot, rowPosition, kCache, vCache } = args;
  const [B, G, D] = shape3(k, 'kv-write.k');
  const [positions] = shape3(kCache, 'kv-write.kCache');
  const [, maxPages] = shape2(pageTable, 'kv-write.pageTable');
  assertHeads({ H: G, G, D }, 'kv-write.k');
  assertShape(v, [B, G, D], 'kv-write.v');
  assertShape(kCache, [positions, G, D], 'kv-write.kCache');
  assertShape(vCache, [positions, G, D], 'kv-write.vCache');
  assertShape(rowSlot, [B], 'kv-write.rowSlot');
  assertShape(rowPosition, [B], 'kv-write.rowPosition');
  const E = (G * D) / 4;
  pass.dispatch(KV_WRITE, {
    params: { B, E, maxPages },
    bind: { k, v, pageTable, rowSlot, rowPosition, kCache, vCache },
    grid: groupsFor(B * E),
  });
}
