// What stands between the projections and the attention of a decoded row, in one dispatch: the norms of query and key heads,
// RoPE, and the writing of the cache. Knows no model.
import { assert } from '../base/assert.ts';
import { type KernelPass, MEMORY_WORK } from '../gpu/pass.ts';
import { kernel } from '../gpu/pipeline.ts';
import type { Condition } from '../gpu/shaders.ts';
import { assertShape, type GpuTensor, shape2, shape3 } from '../gpu/tensor.ts';
import { kvOf } from './attention-cached.ts';
import { groupsFor } from './launch.ts';

const ROPE_KV = kernel({
  file: 'attention/rope_kv',
  params: {
    B: 'u32',
    H: 'u32',
    G: 'u32',
    D: 'u32',
    maxPages: 'u32',
    stride: 'u32',
    eps: 'f32',
  },
  reads: ['qkv', 'norms?norm', 'cosSin', 'rows', 'pageTable'],
  writes: ['q', 'kCache', 'vCache'],
});

export interface RopeKvArgs {
  /** (B, (H + 2 G) D): raw projections */
  readonly qkv: GpuTensor;
  /** (2, D): gains of the query norm, then of the key norm; null without norms */
  readonly norms: GpuTensor | null;
  readonly eps: number;
  /** (P, D/2, 2), from ropeTable */
  readonly cosSin: GpuTensor;
  readonly interleaved: boolean;
  /** (fields, stride) u32: field 1 holds the rows' slots, 2 their positions (IDLE_POSITION: none), 3 those of RoPE */
  readonly rows: GpuTensor;
  /** (S, maxPages) u32 */
  readonly pageTable: GpuTensor;
  /** (B, H, D) */
  readonly q: GpuTensor;
  /** as in AttentionCachedArgs, the rows' positions are written */
  readonly kCache: GpuTensor;
  readonly vCache: GpuTensor;
}

/**
 * The bits of encodeQkNormRope for q and k, then of encodeKvWrite.
 * @throws {ShapeError} naming the argument, the shape it got and the shape it needs.
 */
export function encodeRopeKv(pass: KernelPass, args: RopeKvArgs): void {
  const { qkv, norms, eps, cosSin, interleaved, rows, pageTable, q, kCache, vCache } = args;
  const [B, H, D] = shape3(q, 'rope-kv.q');
  const [positions, G] = shape3(kCache, 'rope-kv.kCache');
  const [, stride] = shape2(rows, 'rope-kv.rows');
  const [, maxPages] = shape2(pageTable, 'rope-kv.pageTable');
  const [P] = shape3(cosSin, 'rope-kv.cosSin');
  assertShape(qkv, [B, (H + 2 * G) * D], 'rope-kv.qkv');
  assertShape(cosSin, [P, D / 2, 2], 'rope-kv.cosSin');
  const { width, on: kept } = kvOf(kCache, D);
  assertShape(kCache, [positions, G, width], 'rope-kv.kCache');
  assertShape(vCache, [positions, G, width], 'rope-kv.vCache');
  assert(vCache.type === kCache.type, 'rope-kv: keys and values of different types');
  if (norms !== null) assertShape(norms, [2, D], 'rope-kv.norms');
  assert(B <= stride, `rope-kv: ${B} rows in fields of ${stride}`);
  const on: Condition[] = [...kept];
  if (norms !== null) on.push('norm');
  if (interleaved) on.push('interleaved');
  pass.dispatch(ROPE_KV, {
    work: MEMORY_WORK * B * (H + 2 * G) * D,
    params: { B, H, G, D, maxPages, stride, eps },
    bind: { qkv, cosSin, rows, pageTable, q, kCache, vCache, ...(norms === null ? {} : { norms }) },
    grid: groupsFor(B * (H + 2 * G)),
    variant: { on },
  });
}
