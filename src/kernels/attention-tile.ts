// How the attention kernels lay query rows and heads over the lanes of a workgroup. Knows no kernel.
import { ShapeError } from '../base/errors.ts';
import type { Caps } from '../gpu/caps.ts';
import type { ShaderVariant } from '../gpu/shaders.ts';
import { lanesOf } from './launch.ts';

/**
 * Keys of a chunk: every attention kernel sums a row chunk by chunk, so one that computes chunks side by side has the bits of
 * one that does not. A multiple of the block of 16. Another number is another result beyond this many keys.
 */
export const ATTENTION_CHUNK = 256;

/** The largest head that the kernels hold in registers. */
const MAX_HEAD_DIM = 128;

/** Sizes of one attention call: rows, query heads, key heads, head size. */
export interface AttentionSize {
  readonly H: number;
  readonly G: number;
  readonly D: number;
}

export interface AttentionTile {
  readonly lanes: number;
  /** Heads of one group in a tile, and rows of a tile. */
  readonly heads: number;
  readonly rows: number;
  /** Tiles that the heads of a group need. */
  readonly parts: number;
  /** Rows of a block of 16 that a lane loads. */
  readonly loads: number;
  readonly variant: Required<ShaderVariant>;
  readonly overrides: { readonly WG_SIZE: number };
}

/** Checks head counts and head size. @throws {ShapeError} for heads that no kernel can hold. */
export function assertHeads({ H, G, D }: AttentionSize, name: string): void {
  if (H % G !== 0) {
    throw new ShapeError('shape', `${name}: got ${H} query heads over ${G}, need a multiple`);
  }
  if (D % 4 !== 0 || D > MAX_HEAD_DIM) {
    throw new ShapeError(
      'shape',
      `${name}: got heads of ${D}, need a multiple of 4 up to ${MAX_HEAD_DIM}`,
    );
  }
}

/**
 * A tile whose lanes are all heads of a group (as many as fit) times neighbouring rows: at most `maxRows` of them where
 * the lanes load keys together.
 */
export function attentionTile(
  caps: Pick<Caps, 'subgroupSize' | 'software'>,
  { H, G, D }: AttentionSize,
  maxRows = Number.POSITIVE_INFINITY,
): AttentionTile {
  const size = caps.subgroupSize;
  const lanes = lanesOf(caps);
  const heads = Math.min(H / G, lanes);
  return {
    lanes,
    heads,
    rows: Math.min(Math.floor(lanes / heads), size > 0 ? maxRows : lanes),
    parts: Math.ceil(H / G / heads),
    loads: Math.max(16 / Math.max(size, 1), 1),
    variant: {
      on: size > 0 ? ['subgroups'] : [],
      constants: {
        SG_SIZE: Math.max(size, 1),
        HEAD_DIM: D,
        UNROLL: caps.software ? 0 : 1,
        CHUNK: ATTENTION_CHUNK,
      },
    },
    overrides: { WG_SIZE: lanes },
  };
}

/** Operations of the attention of `count` values of queries over so many keys. */
export function attentionWork(count: number, keys: number): number {
  return 4 * count * keys;
}
