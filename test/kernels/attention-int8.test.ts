// The KV cache as int8: what is written, what attention over it is, and how far that is from f32.
import { describe, expect, it } from 'vitest';
import { IDLE_POSITION, kvLayout, PAGE } from '../../src/kernels/attention-cached.ts';
import { attention, cacheRow, quantised } from '../../src/kernels/cpu/attention.ts';
import { Cache, IDLE, pageTableOf, SHORT, writeRows } from '../support/attention-cache.ts';
import { testGpu } from '../support/gpu.ts';
import { guarded, normals, valuesOf, worstError } from '../support/guarded.ts';
import { TOLERANCES } from '../support/tolerances.ts';

const real = await testGpu();

describe('an int8 cache', () => {
  it.each([
    [4, 2, 32],
    [3, 1, 20],
    [2, 1, 72],
    [4, 1, 128],
  ] as const)(
    'of %i/%i heads of %i differs from f32 by no more than its rounding',
    async (H, G, D) => {
      const cache = new Cache(real, [H, G, D], SHORT, 'int8');
      cache.write();
      const { input, shape } = cache;
      const kept = { k: quantised(input.k, D), v: quantised(input.v, D) };
      const got = await cache.read(SHORT.rows, 'decode');
      // The attention of what the cache gives back.
      const { o: rounded } = attention({ ...input, k: kept.k.values, v: kept.v.values }, shape);
      expect(worstError(got, rounded)).toBeLessThan(TOLERANCES.reduction);
      const { o: exact } = attention(input, shape);
      let [seen, foreseen] = [0, 0];
      for (let m = 0; m < shape.M; m++) {
        for (let h = 0; h < H; h++) {
          const { bound, variances } = roundingOf(cache, kept.k.steps, kept.v.steps, m, h);
          variances.forEach((variance, d) => {
            const i = (m * H + h) * D + d;
            const error = Math.abs((got[i] ?? Number.NaN) - (exact[i] ?? 0));
            expect(error).toBeLessThan(bound + TOLERANCES.reduction);
            seen += error * error;
            foreseen += variance;
          });
        }
      }
      // Thousands of outputs, though those of a sequence share keys: within a quarter of what independent errors would give.
      expect(Math.sqrt(seen / foreseen)).toBeGreaterThan(0.75);
      expect(Math.sqrt(seen / foreseen)).toBeLessThan(1.25);
    },
  );

  it('has 3.6 times fewer bytes at heads of 128', () => {
    // 32 words of bytes and 4 scales for 128 floats.
    expect(kvLayout('int8', 128)).toEqual({ width: 36, element: 'u32' });
    expect(kvLayout('int8', 20)).toEqual({ width: 6, element: 'u32' });
    expect(kvLayout('f32', 128)).toEqual({ width: 128, element: 'f32' });
  });
});

/**
 * How far o of row m and head h may be from that of unrounded keys and values, and the variance of each of its values. An
 * element is off by half a step at most. So a score is off by e = Σ_d |q_d| step_d / 2 / √D at most, a weight by a factor
 * from exp(-2 e) to exp(2 e), and o by (exp(2 e) - 1) max |v| + max step / 2. Errors that are independent and uniform
 * have the variance step² / 12; to first order o is off by Σ_j p_j (δs_j (v_j - o) + δv_j).
 */
function roundingOf(
  { input, shape: { H, G, D } }: Cache,
  kSteps: Float64Array,
  vSteps: Float64Array,
  m: number,
  h: number,
): { bound: number; variances: number[] } {
  const g = Math.floor((h * G) / H);
  const q = input.q.subarray((m * H + h) * D, (m * H + h + 1) * D);
  const keys = Array.from({ length: m + 1 - (input.tree[4 * m] ?? 0) }, (_, j) => {
    const from = (((input.tree[4 * m] ?? 0) + j) * G + g) * D;
    const part = <T extends Float32Array | Float64Array>(x: T) => x.subarray(from, from + D);
    return { k: part(input.k), v: part(input.v), dk: part(kSteps), dv: part(vSteps) };
  });
  const sum = (values: Float32Array, term: (value: number, d: number) => number) =>
    values.reduce((total, value, d) => total + term(value, d), 0);
  const exps = keys.map(({ k }) => Math.exp(sum(q, (x, d) => x * (k[d] ?? 0)) / Math.sqrt(D)));
  const total = exps.reduce((a, b) => a + b);
  const worst = keys.map(({ dk }) => sum(q, (x, d) => Math.abs(x) * (dk[d] ?? 0)) / 2);
  const spread = keys.map(({ dk }) => sum(q, (x, d) => (x * (dk[d] ?? 0)) ** 2) / 12 / D);
  const largest = Math.max(...keys.flatMap(({ v }) => [...v].map(Math.abs)));
  const step = Math.max(...keys.flatMap(({ dv }) => [...dv]));
  const variances = Array.from(q, (_, d) => {
    const p = exps.map((value) => value / total);
    const o = keys.reduce((mean, { v }, j) => mean + (p[j] ?? 0) * (v[d] ?? 0), 0);
    return keys.reduce((all, { v, dv }, j) => {
      const ofScore = (spread[j] ?? 0) * ((v[d] ?? 0) - o) ** 2;
      return all + (p[j] ?? 0) ** 2 * (ofScore + (dv[d] ?? 0) ** 2 / 12);
    }, 0);
  });
  const e = Math.max(...worst) / Math.sqrt(D);
  return { bound: (Math.exp(2 * e) - 1) * largest + step / 2, variances };
}

describe('writing of the cache', () => {
  it.each([20, 32, 72, 128])(
    'as int8, heads of %i: bytes within half a step, nothing else',
    async (D) => {
      const [G, B] = [2, 3];
      const rows = [{ slot: 1, position: 15 }, IDLE, { slot: 3, position: 63 }];
      const { lengths, maxPages } = SHORT;
      const table = pageTableOf(SHORT);
      const { width } = kvLayout('int8', D);
      const shape = [lengths.length * maxPages * PAGE, G, width];
      const old = normals(
        8,
        shape.reduce((a, b) => a * b),
      );
      const [k, v] = [normals(9, B * G * D), normals(10, B * G * D)];
      // A block of zeros, and one that ends in its largest value.
      k.fill(0, 0, Math.min(32, D));
      v[Math.min(32, D) - 1] = -9;
      const caches = { k: guarded(real, shape, old), v: guarded(real, shape, old) };
      writeRows(real, rows, [G, D], {
        k,
        v,
        pageTable: real.upload('table', [lengths.length, maxPages], table),
        kCache: { ...caches.k.view, type: 'u32' },
        vCache: { ...caches.v.view, type: 'u32' },
      });
      for (const [cache, x] of [
        [caches.k, k],
        [caches.v, v],
      ] as const) {
        const all = await valuesOf(real, cache);
        const words = new Int8Array(all.buffer);
        const want = quantised(x, D);
        const rest = new Float32Array(old);
        rows.forEach(({ slot, position }, b) => {
          if (position === IDLE_POSITION) return;
          const to = cacheRow(table, maxPages, slot, position) * G * width;
          rest.set(all.subarray(to, to + G * width), to);
          for (let i = 0; i < G * D; i++) {
            const [g, d] = [Math.floor(i / D), i % D];
            const base = to + g * width;
            const scale = all[base + D / 4 + Math.floor(d / 32)] ?? Number.NaN;
            const [value, step] = [x[b * G * D + i] ?? 0, want.steps[b * G * D + i] ?? 0];
            expect(Math.abs(scale - step)).toBeLessThanOrEqual(1e-6 * step);
            const error = Math.abs((words[4 * base + d] ?? 0) * scale - value);
            expect(error).toBeLessThanOrEqual((step / 2) * (1 + 1e-5));
          }
        });
        expect(all).toEqual(rest);
      }
    },
  );
});
