import { describe, expect, it } from 'vitest';
import { Gpu } from '../../src/gpu/device.ts';
import { IDLE_POSITION, KV_TYPES, PAGE, splitChunks } from '../../src/kernels/attention-cached.ts';
import { attention, cacheRow } from '../../src/kernels/cpu/attention.ts';
import {
  Cache,
  type How,
  IDLE,
  LONG,
  pageTableOf,
  type Row,
  SHORT,
  writeRows,
} from '../support/attention-cache.ts';
import { testGpu } from '../support/gpu.ts';
import { guarded, normals, valuesOf, withSubgroups, worstError } from '../support/guarded.ts';
import { TOLERANCES } from '../support/tolerances.ts';

const real = await testGpu();
const plain = withSubgroups(real, Gpu, 0);

describe.each([
  ['with the subgroups of the device', real],
  ['without subgroups', plain],
] as const)('cached attention %s', (_name, gpu) => {
  it.each([
    [[4, 2, 32], SHORT, []],
    [[3, 1, 20], SHORT, []],
    [[4, 1, 128], SHORT, []],
    [[4, 2, 32], LONG, ['split']],
  ] as const)('of heads %j is that over the sequences', async (heads, layout, more) => {
    const cache = new Cache(gpu, heads, layout);
    cache.write();
    const want = attention(cache.input, cache.shape).o;
    const uncached = await cache.uncached();
    for (const how of ['prefill', 'decode', ...more] as const) {
      const got = await cache.read(layout.rows, how);
      expect(worstError(got, want), how).toBeLessThan(TOLERANCES.reduction);
      expect(worstError(got, uncached), how).toBeLessThan(TOLERANCES.sameArithmetic);
    }
  });

  it.each([
    ['f32', SHORT],
    ['f32', LONG],
    ['f16', SHORT],
    ['f16', LONG],
    ['int8', SHORT],
    ['int8', LONG],
  ] as const)('gives a row the same bits in any batch, %s', async (type, layout) => {
    const cache = new Cache(gpu, [4, 2, 32], layout, type);
    cache.write();
    const { rows: all, lengths } = layout;
    const bits = await cache.read(all, 'prefill');
    const decode = lengths.map((length, slot) => ({ slot, position: length - 1 }));
    const batches: [Row[], How][] = [
      [[...all], 'decode'],
      [[...all], 'split'],
      [decode, 'decode'],
      [decode, 'split'],
      [[...decode].reverse(), 'prefill'],
      [[IDLE, ...decode].reverse(), 'split'],
      [decode.slice(2, 3), 'decode'],
      [decode.slice(-1), 'split'],
      [all.slice(5, 30), 'prefill'],
      [all.slice(5, 30).reverse(), 'prefill'],
      [all.slice(-290), 'prefill'],
    ];
    for (const [i, [rows, how]] of batches.entries()) {
      const live = rows.filter((row) => row !== IDLE);
      const got = (await cache.read(rows, how)).slice(0, live.length * 128);
      expect(got, `batch ${i}`).toEqual(cache.gather(bits, live, 128));
    }
  });

  it('leaves idle rows alone and does not count them', async () => {
    const cache = new Cache(gpu, [4, 2, 32]);
    cache.write([...SHORT.rows, IDLE]);
    const width = 4 * 32;
    const rows = [IDLE, { slot: 0, position: 20 }, IDLE, { slot: 2, position: 3 }, IDLE];
    const want = cache.gather(await cache.read(SHORT.rows, 'prefill'), rows, width);
    const before = normals(1, rows.length * width);
    for (const how of ['prefill', 'decode', 'split'] as const) {
      const got = await cache.read(rows, how);
      rows.forEach((row, i) => {
        const source = row === IDLE ? before : want;
        const [from, to] = [i * width, (i + 1) * width];
        expect(got.slice(from, to)).toEqual(source.slice(from, to));
      });
    }
  });
});

describe('splitting', () => {
  it('takes a power of two of chunks that holds the longest row, where it is worth it', () => {
    const size = { H: 32, G: 8, D: 128 };
    const caps = { subgroupSize: 32, software: false };
    const chunks = (rows: number, keys: number) => splitChunks(caps, size, rows, keys);
    expect([1, 256, 257, 512, 513, 1025, 4096, 4097].map((keys) => chunks(1, keys))).toEqual([
      1, 1, 2, 2, 4, 8, 16, 32,
    ]);
    // 8 workgroups a row: from 64 rows there are 512.
    expect([32, 63, 64, 256].map((rows) => chunks(rows, 4096))).toEqual([16, 16, 1, 1]);
    // 2 a row, for the few threads of a software adapter.
    const software = { subgroupSize: 16, software: true };
    const few = (rows: number) => splitChunks(software, { H: 4, G: 2, D: 32 }, rows, 600);
    expect([few(1), few(2)]).toEqual([4, 1]);
  });
});

describe('writing of the cache', () => {
  it('puts rows into their pages and touches nothing else', async () => {
    const [G, D, B] = [2, 20, 5];
    const rows = [
      { slot: 1, position: 15 },
      { slot: 1, position: 16 },
      IDLE,
      { slot: 3, position: 63 },
      { slot: 0, position: 0 },
    ];
    const { lengths, maxPages } = SHORT;
    const table = pageTableOf(SHORT);
    const positions = lengths.length * maxPages * PAGE;
    const old = normals(8, positions * G * D);
    const [k, v] = [normals(9, B * G * D), normals(10, B * G * D)];
    const kCache = guarded(real, [positions, G, D], old);
    const vCache = guarded(real, [positions, G, D], old);
    writeRows(real, rows, [G, D], {
      k,
      v,
      pageTable: real.upload('table', [lengths.length, maxPages], table),
      kCache: kCache.view,
      vCache: vCache.view,
    });
    for (const [cache, values] of [
      [kCache, k],
      [vCache, v],
    ] as const) {
      const want = old.slice();
      rows.forEach(({ slot, position }, i) => {
        if (position === IDLE_POSITION) return;
        const to = cacheRow(table, maxPages, slot, position);
        want.set(values.subarray(i * G * D, (i + 1) * G * D), to * G * D);
      });
      expect(await valuesOf(real, cache)).toEqual(want);
    }
  });
});

it.each([8, 32, 64])('compiles for hardware with subgroups of %i', async (subgroupSize) => {
  const gpu = new Gpu(real.device, { ...real.caps, subgroupSize, software: false });
  for (const type of KV_TYPES) {
    const cache = new Cache(gpu, [2, 1, 8], SHORT, type);
    for (const how of ['decode', 'split'] as const) cache.attend([IDLE], how);
  }
  await gpu.pipelines.settled();
  expect(gpu.failure).toBeNull();
});
