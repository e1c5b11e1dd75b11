// The KV cache as f16: what is written, what attention over it is, and how far that is from f32.
import { describe, expect, it } from 'vitest';
import { Gpu } from '../../src/gpu/device.ts';
import { IDLE_POSITION, kvLayout, PAGE } from '../../src/kernels/attention-cached.ts';
import { attention, cacheRow } from '../../src/kernels/cpu/attention.ts';
import { roundedHalf } from '../../src/kernels/cpu/round-half.ts';
import { Cache, IDLE, LONG, pageTableOf, SHORT, writeRows } from '../support/attention-cache.ts';
import { testGpu } from '../support/gpu.ts';
import { guarded, normals, valuesOf, withSubgroups, worstError } from '../support/guarded.ts';
import { halvesOf } from '../support/half.ts';
import { TOLERANCES } from '../support/tolerances.ts';

const real = await testGpu();
const plain = withSubgroups(real, Gpu, 0);

describe.each([
  ['with the subgroups of the device', real],
  ['without subgroups', plain],
] as const)('an f16 cache %s', (_name, gpu) => {
  it.each([
    [[4, 2, 32], SHORT, []],
    [[3, 1, 20], SHORT, []],
    [[2, 1, 4], SHORT, []],
    [[4, 1, 128], SHORT, []],
    [[4, 2, 32], LONG, ['split']],
  ] as const)(
    'of heads %j gives the attention of rounded keys and values',
    async (heads, layout, more) => {
      const cache = new Cache(gpu, heads, layout, 'f16');
      cache.write();
      const { input, shape } = cache;
      const kept = { k: roundedHalf(input.k), v: roundedHalf(input.v) };
      const want = attention({ ...input, ...kept }, shape).o;
      const exact = attention(input, shape).o;
      for (const how of ['prefill', 'decode', ...more] as const) {
        const got = await cache.read(layout.rows, how);
        expect(worstError(got, want), how).toBeLessThan(TOLERANCES.reduction);
        // Scores of up to some 10 off by 2⁻¹⁰ of their terms at most, values by as much: 2e-3 was seen.
        const moved = worstError(got, exact);
        expect(moved, how).toBeGreaterThan(TOLERANCES.reduction);
        expect(moved, how).toBeLessThan(1e-2);
      }
    },
  );
});

describe('writing of the cache', () => {
  it('has half the bytes', () => {
    expect(kvLayout('f16', 128)).toEqual({ width: 64, element: 'f16x2' });
    expect(kvLayout('f16', 20)).toEqual({ width: 10, element: 'f16x2' });
  });

  it.each([4, 20, 32, 128])('as f16, heads of %i: the nearest values, nothing else', async (D) => {
    const [G, B] = [2, 3];
    const rows = [{ slot: 1, position: 15 }, IDLE, { slot: 3, position: 63 }];
    const { lengths, maxPages } = SHORT;
    const table = pageTableOf(SHORT);
    const { width, element } = kvLayout('f16', D);
    const shape = [lengths.length * maxPages * PAGE, G, width];
    const old = normals(
      8,
      shape.reduce((a, b) => a * b),
    );
    const [k, v] = [normals(9, B * G * D), normals(10, B * G * D)];
    // Beyond what f16 has: held to its largest.
    k[1] = 7e4;
    v[2] = -1e30;
    const caches = { k: guarded(real, shape, old), v: guarded(real, shape, old) };
    writeRows(real, rows, [G, D], {
      k,
      v,
      pageTable: real.upload('table', [lengths.length, maxPages], table),
      kCache: { ...caches.k.view, type: element },
      vCache: { ...caches.v.view, type: element },
    });
    for (const [cache, x] of [
      [caches.k, k],
      [caches.v, v],
    ] as const) {
      const all = await valuesOf(real, cache);
      const rest = old.slice();
      rows.forEach(({ slot, position }, b) => {
        if (position === IDLE_POSITION) return;
        const to = cacheRow(table, maxPages, slot, position) * G * width;
        const words = all.subarray(to, to + G * width);
        rest.set(words, to);
        const want = roundedHalf(x.subarray(b * G * D, (b + 1) * G * D));
        expect(halvesOf(words)).toEqual(Float32Array.from(want));
      });
      expect(new Uint32Array(all.buffer)).toEqual(new Uint32Array(rest.buffer));
    }
  });
});
