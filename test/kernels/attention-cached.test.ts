import { describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { Gpu } from '../../src/gpu/device.ts';
import type { GpuTensor } from '../../src/gpu/tensor.ts';
import { encodeAttention } from '../../src/kernels/attention.ts';
import {
  encodeAttentionCached,
  encodeKvWrite,
  IDLE_POSITION,
  PAGE,
} from '../../src/kernels/attention-cached.ts';
import { attention, cacheRow } from '../../src/kernels/cpu/attention.ts';
import { attentionCase, attentionInput } from '../support/attention-case.ts';
import { testGpu } from '../support/gpu.ts';
import { guarded, normals, valuesOf, withSubgroups, worstError } from '../support/guarded.ts';
import { TOLERANCES } from '../support/tolerances.ts';

const real = await testGpu();
const plain = withSubgroups(real, Gpu, 0);

const LENGTHS = [40, 1, 17, 33];
const MAX_PAGES = 4;

interface Row {
  slot: number;
  position: number;
}

const IDLE: Row = { slot: 0, position: IDLE_POSITION };

/** Rows of all positions of all slots, in order: the rows of the packed sequences. */
const ALL: Row[] = LENGTHS.flatMap((length, slot) =>
  Array.from({ length }, (_, position) => ({ slot, position })),
);

/** Pages in an order that is not that of the slots. */
function pageTableOf(): Uint32Array {
  const pages = Array.from({ length: LENGTHS.length * MAX_PAGES }, (_, i) => i);
  return Uint32Array.from(new Rng(3).shuffle(pages));
}

function rowTensors(gpu: Gpu, rows: readonly Row[]) {
  const slots = Uint32Array.from(rows, (row) => row.slot);
  const positions = Uint32Array.from(rows, (row) => row.position);
  return {
    rowSlot: gpu.upload('rowSlot', [rows.length], slots),
    rowPosition: gpu.upload('rowPosition', [rows.length], positions),
  };
}

/** Values of some rows, in the order of `rows`; zeros for idle ones. */
function gather(values: Float32Array, rows: readonly Row[], width: number): Float32Array {
  const out = new Float32Array(rows.length * width);
  rows.forEach(({ slot, position }, i) => {
    if (position === IDLE_POSITION) return;
    const first = LENGTHS.slice(0, slot).reduce((sum, n) => sum + n, 0) + position;
    out.set(values.subarray(first * width, (first + 1) * width), i * width);
  });
  return out;
}

class Cache {
  readonly input;
  readonly shape;
  readonly table: GpuTensor;
  readonly kCache: GpuTensor;
  readonly vCache: GpuTensor;
  readonly gpu: Gpu;

  constructor(gpu: Gpu, heads: readonly [number, number, number]) {
    const given = attentionCase(LENGTHS, heads);
    const { G, D } = given.shape;
    this.gpu = gpu;
    this.shape = given.shape;
    this.input = attentionInput(given);
    const positions = LENGTHS.length * MAX_PAGES * PAGE;
    // What no row has written must not count.
    const junk = new Float32Array(positions * G * D).fill(1e20);
    this.table = gpu.upload('table', [LENGTHS.length, MAX_PAGES], pageTableOf());
    this.kCache = gpu.upload('kCache', [positions, G, D], junk);
    this.vCache = gpu.upload('vCache', [positions, G, D], junk);
  }

  write(rows: readonly Row[]): void {
    const { G, D } = this.shape;
    const pass = this.gpu.pass();
    const B = rows.length;
    encodeKvWrite(pass, {
      k: this.gpu.upload('k', [B, G, D], gather(this.input.k, rows, G * D)),
      v: this.gpu.upload('v', [B, G, D], gather(this.input.v, rows, G * D)),
      pageTable: this.table,
      ...rowTensors(this.gpu, rows),
      kCache: this.kCache,
      vCache: this.vCache,
    });
    this.gpu.submit(pass);
  }

  async read(rows: readonly Row[], how: 'decode' | 'prefill'): Promise<Float32Array> {
    const { H, D } = this.shape;
    const B = rows.length;
    const o = guarded(this.gpu, [B, H, D], normals(1, B * H * D));
    const pass = this.gpu.pass();
    encodeAttentionCached(pass, {
      q: this.gpu.upload('q', [B, H, D], gather(this.input.q, rows, H * D)),
      kCache: this.kCache,
      vCache: this.vCache,
      pageTable: this.table,
      ...rowTensors(this.gpu, rows),
      o: o.view,
      rows: how,
    });
    this.gpu.submit(pass);
    return valuesOf(this.gpu, o);
  }

  /** The uncached kernel over the same sequences. */
  async uncached(): Promise<Float32Array> {
    const { gpu, input } = this;
    const { M, H, G, D } = this.shape;
    const o = gpu.tensor('o', [M, H, D]);
    const pass = gpu.pass();
    encodeAttention(pass, {
      q: gpu.upload('q', [M, H, D], input.q),
      k: gpu.upload('k', [M, G, D], input.k),
      v: gpu.upload('v', [M, G, D], input.v),
      start: gpu.upload('start', [M], input.start),
      o,
      lse: gpu.tensor('lse', [M, H]),
    });
    gpu.submit(pass);
    return gpu.readF32(o);
  }
}

describe.each([
  ['with the subgroups of the device', real],
  ['without subgroups', plain],
] as const)('cached attention %s', (_name, gpu) => {
  it.each([
    [4, 2, 32],
    [3, 1, 20],
    [4, 1, 128],
  ] as const)('of %i/%i heads of %i is that over the sequences', async (H, G, D) => {
    const cache = new Cache(gpu, [H, G, D]);
    cache.write(ALL);
    const want = attention(cache.input, cache.shape).o;
    const uncached = await cache.uncached();
    for (const how of ['prefill', 'decode'] as const) {
      const got = await cache.read(ALL, how);
      expect(worstError(got, want)).toBeLessThan(TOLERANCES.reduction);
      expect(worstError(got, uncached)).toBeLessThan(TOLERANCES.sameArithmetic);
    }
  });

  it('gives a row the same bits in any batch', async () => {
    const cache = new Cache(gpu, [4, 2, 32]);
    cache.write(ALL);
    const width = 4 * 32;
    const all = await cache.read(ALL, 'prefill');
    const decode = LENGTHS.map((length, slot) => ({ slot, position: length - 1 }));
    const batches: [Row[], 'decode' | 'prefill'][] = [
      [ALL, 'decode'],
      [decode, 'decode'],
      [[...decode].reverse(), 'prefill'],
      [decode.slice(2, 3), 'decode'],
      [ALL.slice(5, 30), 'prefill'],
      [ALL.slice(5, 30).reverse(), 'prefill'],
    ];
    for (const [rows, how] of batches) {
      expect(await cache.read(rows, how)).toEqual(gather(all, rows, width));
    }
  });

  it('leaves idle rows alone and does not count them', async () => {
    const cache = new Cache(gpu, [4, 2, 32]);
    cache.write([...ALL, IDLE]);
    const width = 4 * 32;
    const rows = [IDLE, { slot: 0, position: 20 }, IDLE, { slot: 2, position: 3 }, IDLE];
    const want = gather(await cache.read(ALL, 'prefill'), rows, width);
    const before = normals(1, rows.length * width);
    for (const how of ['prefill', 'decode'] as const) {
      const got = await cache.read(rows, how);
      rows.forEach((row, i) => {
        const source = row === IDLE ? before : want;
        const [from, to] = [i * width, (i + 1) * width];
        expect(got.slice(from, to)).toEqual(source.slice(from, to));
      });
    }
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
    const table = pageTableOf();
    const positions = LENGTHS.length * MAX_PAGES * PAGE;
    const old = normals(8, positions * G * D);
    const [k, v] = [normals(9, B * G * D), normals(10, B * G * D)];
    const kCache = guarded(real, [positions, G, D], old);
    const vCache = guarded(real, [positions, G, D], old);
    const pass = real.pass();
    encodeKvWrite(pass, {
      k: real.upload('k', [B, G, D], k),
      v: real.upload('v', [B, G, D], v),
      pageTable: real.upload('table', [LENGTHS.length, MAX_PAGES], table),
      ...rowTensors(real, rows),
      kCache: kCache.view,
      vCache: vCache.view,
    });
    real.submit(pass);
    for (const [cache, values] of [
      [kCache, k],
      [vCache, v],
    ] as const) {
      const want = old.slice();
      rows.forEach(({ slot, position }, i) => {
        if (position === IDLE_POSITION) return;
        const to = cacheRow(table, MAX_PAGES, slot, position);
        want.set(values.subarray(i * G * D, (i + 1) * G * D), to * G * D);
      });
      expect(await valuesOf(real, cache)).toEqual(want);
    }
  });
});
