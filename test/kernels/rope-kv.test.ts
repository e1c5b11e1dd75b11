import { describe, expect, it } from 'vitest';
import {
  encodeKvWrite,
  IDLE_POSITION,
  KV_TYPES,
  kvLayout,
  PAGE,
} from '../../src/kernels/attention-cached.ts';
import { encodeQkNormRope, ropeTable } from '../../src/kernels/qk-norm-rope.ts';
import { encodeRopeKv } from '../../src/kernels/rope-kv.ts';
import { testGpu } from '../support/gpu.ts';
import { type Guarded, guarded, normals, valuesOf } from '../support/guarded.ts';

const gpu = await testGpu();
const EPS = 1e-6;
const STRIDE = 8;
const [SLOTS, MAX_PAGES] = [2, 2];
const PAGES = Uint32Array.from([2, 0, 3, 1]);

/** Row by row: slot and position. */
const ROWS: [number, number][] = [
  [0, 0],
  [1, 17],
  [0, IDLE_POSITION],
  [1, 3],
];

/** [H, G, D] */
const SIZES: [number, number, number][] = [
  [1, 1, 4],
  [4, 2, 32],
  [6, 3, 20],
];

const VARIANTS = KV_TYPES.flatMap((type) => [
  [type, true, false] as const,
  [type, false, false] as const,
  [type, false, true] as const,
]);

describe.each(VARIANTS)('rope-kv, %s, norm %s, interleaved %s', (type, withNorm, interleaved) => {
  it.each(SIZES)('%i heads, %i of keys, of %i: the bits of its parts', async (H, G, D) => {
    const B = ROWS.length;
    const width = (H + 2 * G) * D;
    const raw = normals(H + D, B * width);
    const part = (first: number, heads: number) =>
      Float32Array.from({ length: B * heads * D }, (_, i) => {
        const [b, at] = [Math.floor(i / (heads * D)), i % (heads * D)];
        return raw[b * width + first * D + at] ?? 0;
      });
    const gains = normals(5, 2 * D);
    const cosSin = gpu.upload(
      'cosSin',
      [32, D / 2, 2],
      ropeTable({ headDim: D, ropeTheta: 1e4 }, 32),
    );
    const fields = new Uint32Array(4 * STRIDE);
    ROWS.forEach(([slot, position], b) => {
      fields[STRIDE + b] = slot;
      fields[2 * STRIDE + b] = position;
      fields[3 * STRIDE + b] = position === IDLE_POSITION ? 0 : position;
    });
    const pageTable = gpu.upload('pages', [SLOTS, MAX_PAGES], PAGES);
    const { width: cached, element } = kvLayout(type, D);
    const cacheShape = [PAGES.length * PAGE, G, cached];
    const before = normals(6, PAGES.length * PAGE * G * cached);
    const cacheOf = (outs: Record<'k' | 'v', Guarded>) => ({
      kCache: { ...outs.k.view, type: element },
      vCache: { ...outs.v.view, type: element },
    });
    const joined = {
      q: guarded(gpu, [B, H, D]),
      k: guarded(gpu, cacheShape, before),
      v: guarded(gpu, cacheShape, before),
    };
    const apart = {
      q: guarded(gpu, [B, H, D]),
      k: guarded(gpu, cacheShape, before),
      v: guarded(gpu, cacheShape, before),
    };
    const positions = gpu.upload('positions', [B], fields.slice(3 * STRIDE, 3 * STRIDE + B));
    const rotated = gpu.tensor('k', [B, G, D]);
    const pass = gpu.pass();
    encodeRopeKv(pass, {
      qkv: gpu.upload('qkv', [B, width], raw),
      norms: withNorm ? gpu.upload('norms', [2, D], gains) : null,
      ...{ eps: EPS, cosSin, interleaved, pageTable },
      rows: gpu.upload('rows', [4, STRIDE], fields),
      q: joined.q.view,
      ...cacheOf(joined),
    });
    const rope = { cosSin, positions, eps: EPS, interleaved };
    const norm = (from: number, heads: number) =>
      withNorm
        ? {
            w: gpu.upload('w', [D], gains.slice(from, from + D)),
            rstd: gpu.tensor('r', [B, heads]),
          }
        : null;
    const [x, xk] = [part(0, H), part(H, G)];
    encodeQkNormRope(pass, {
      ...rope,
      x: gpu.upload('x', [B, H, D], x),
      norm: norm(0, H),
      y: apart.q.view,
    });
    encodeQkNormRope(pass, {
      ...rope,
      x: gpu.upload('xk', [B, G, D], xk),
      norm: norm(D, G),
      y: rotated,
    });
    encodeKvWrite(pass, {
      k: rotated,
      v: gpu.upload('v', [B, G, D], part(H + G, G)),
      pageTable,
      rowSlot: gpu.upload('slot', [B], fields.slice(STRIDE, STRIDE + B)),
      rowPosition: gpu.upload('position', [B], fields.slice(2 * STRIDE, 2 * STRIDE + B)),
      ...cacheOf(apart),
    });
    gpu.submit(pass);
    expect(await valuesOf(gpu, joined.q)).toEqual(await valuesOf(gpu, apart.q));
    // As words: bytes of int8 may be no number.
    const wordsOf = async (out: Guarded) => new Uint32Array((await valuesOf(gpu, out)).buffer);
    const written = await wordsOf(joined.k);
    expect(written).toEqual(await wordsOf(apart.k));
    expect(written).not.toEqual(new Uint32Array(before.buffer));
    expect(await wordsOf(joined.v)).toEqual(await wordsOf(apart.v));
  });
});
