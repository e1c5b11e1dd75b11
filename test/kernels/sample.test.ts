import { describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import type { GpuTensor } from '../../src/gpu/tensor.ts';
import { filterThreshold, type SampleRow, sample } from '../../src/kernels/cpu/sample.ts';
import { encodeSample, sampleScratchShapes } from '../../src/kernels/sample.ts';
import { testGpu } from '../support/gpu.ts';
import { guarded, normals, valuesOf, worstError } from '../support/guarded.ts';
import { TOLERANCES } from '../support/tolerances.ts';

const gpu = await testGpu();
/** Scores nearer than this may be settled either way: two rounded logarithms and a quotient. */
const TIE = 1e-5;
const SENTINEL = 0xfeedf00d;

const SIZES: [number, number][] = [
  [1, 1],
  [1, 7],
  [7, 256],
  [65, 257],
  [16, 1000],
  [2, 151_936],
];

function rowsOf(B: number, make: (rng: Rng, b: number) => Partial<SampleRow>): SampleRow[] {
  const rng = new Rng(B);
  return Array.from({ length: B }, (_, b) => ({
    temperature: 1,
    topK: 0,
    topP: 1,
    seed: rng.nextU32(),
    position: rng.int(0, 4000),
    ...make(rng, b),
  }));
}

function uploadRows(rows: readonly SampleRow[]) {
  const B = rows.length;
  const words = (pick: (row: SampleRow) => number): GpuTensor =>
    gpu.upload('words', [B], Uint32Array.from(rows, pick));
  const floats = (pick: (row: SampleRow) => number): GpuTensor =>
    gpu.upload('floats', [B], Float32Array.from(rows, pick));
  return {
    temperature: floats((row) => row.temperature),
    topP: floats((row) => row.topP),
    topK: words((row) => row.topK),
    seed: words((row) => row.seed),
    position: words((row) => row.position),
  };
}

/** Rows that are free get random bits, which must not matter. */
function uploadMasks(rows: readonly SampleRow[], V: number) {
  const words = Math.ceil(V / 32);
  const rng = new Rng(V);
  const bits = rows.flatMap((row) => [
    ...(row.mask ?? Uint32Array.from({ length: words }, () => rng.nextU32())),
  ]);
  const held = Uint32Array.from(rows, (row) => (row.mask === undefined ? 0 : 1));
  return {
    held: gpu.upload('held', [rows.length], held),
    mask: gpu.upload('mask', [rows.length, words], Uint32Array.from(bits)),
  };
}

/** Bits of which one in `rarity` is set, at least one. */
function maskOf(rng: Rng, V: number, rarity: number): Uint32Array {
  const mask = new Uint32Array(Math.ceil(V / 32));
  const set = (id: number) => {
    mask[id >>> 5] = (mask[id >>> 5] ?? 0) | (1 << (id & 31));
  };
  for (let id = 0; id < V; id++) if (rng.int(0, rarity - 1) === 0) set(id);
  set(rng.int(0, V - 1));
  return mask;
}

async function sampled(logits: Float32Array, rows: readonly SampleRow[]) {
  const B = rows.length;
  const V = logits.length / B;
  const { topK, topP, ...given } = uploadRows(rows);
  const shapes = sampleScratchShapes(B, V);
  const useTopK = rows.some((row) => row.topK > 0);
  const useTopP = rows.some((row) => row.topP < 1);
  const state = gpu.tensor('state', shapes.state, 'u32');
  const bins = guarded(gpu, shapes.bins);
  const partial = guarded(gpu, shapes.partial);
  const logprobs = guarded(gpu, [B]);
  const useMask = rows.some((row) => row.mask !== undefined);
  const ids = gpu.upload('ids', [B + 64], new Uint32Array(B + 64).fill(SENTINEL));
  const pass = gpu.pass();
  encodeSample(pass, {
    ...given,
    logits: gpu.upload('logits', [B, V], logits),
    filter: useTopK || useTopP ? { topK, topP, state, bins: bins.view, useTopK, useTopP } : null,
    masked: useMask ? uploadMasks(rows, V) : null,
    partial: partial.view,
    ids: { ...ids, shape: [B] },
    logprobs: logprobs.view,
  });
  gpu.submit(pass);
  const words = await gpu.readU32(ids);
  expect(words.subarray(B).every((word) => word === SENTINEL)).toBe(true);
  await valuesOf(gpu, bins);
  await valuesOf(gpu, partial);
  return { ids: [...words.subarray(0, B)], logprobs: await valuesOf(gpu, logprobs) };
}

async function compare(logits: Float32Array, rows: readonly SampleRow[]): Promise<void> {
  const V = logits.length / rows.length;
  const got = await sampled(logits, rows);
  // The kernel reads rounded temperatures and masses, so the twin gets the same.
  const wants = rows.map((row, b) =>
    sample(logits.subarray(b * V, (b + 1) * V), {
      ...row,
      temperature: Math.fround(row.temperature),
      topP: Math.fround(row.topP),
    }),
  );
  let exact = 0;
  wants.forEach((want, b) => {
    const { temperature } = rows[b] as SampleRow;
    if (temperature > 0 && want.best - want.second < TIE * (1 + Math.abs(want.best))) return;
    exact += 1;
    expect(got.ids[b], `row ${b}`).toBe(want.id);
    expect(worstError([got.logprobs[b] ?? Number.NaN], [want.logprob])).toBeLessThan(
      TOLERANCES.reduction,
    );
  });
  expect(exact).toBeGreaterThan(0.9 * rows.length - 1);
}

describe('sample', () => {
  for (const [B, V] of SIZES) {
    const logits = () => normals(B * 31 + V, B * V, 3);
    it(`${B} rows of ${V}: greedy and at many temperatures`, async () => {
      await compare(
        logits(),
        rowsOf(B, (rng, b) => ({ temperature: b % 4 === 0 ? 0 : 0.3 + 2 * rng.next() })),
      );
    });

    it(`${B} rows of ${V}: top-k`, async () => {
      await compare(
        logits(),
        rowsOf(B, (rng, b) => ({ temperature: 3, topK: b % 3 === 1 ? 0 : rng.int(1, 20) })),
      );
    });

    it(`${B} rows of ${V}: top-p, and top-k with top-p`, async () => {
      await compare(
        logits(),
        rowsOf(B, (rng, b) => ({
          temperature: 0.5 + rng.next(),
          topP: b % 5 === 1 ? 1 : 0.05 + 0.9 * rng.next(),
          topK: b % 2 === 0 ? 0 : rng.int(1, 12),
        })),
      );
    });

    it(`${B} rows of ${V}: some held to a mask, with and without filters`, async () => {
      for (const filters of [false, true]) {
        const rows = rowsOf(B, (rng, b) => ({
          temperature: b % 4 === 3 ? 0 : 0.3 + 2 * rng.next(),
          ...(filters ? { topP: b % 3 === 1 ? 1 : 0.3 + 0.7 * rng.next(), topK: b % 7 } : {}),
          ...(b % 2 === 0 ? { mask: maskOf(rng, V, 1 + 3 * (b % 5) ** 3) } : {}),
        }));
        await compare(logits(), rows);
      }
    });
  }

  it('masks leave log-probabilities, and rows without one, as they are', async () => {
    const [B, V] = [6, 700];
    const logits = normals(5, B * V, 2);
    const plain = rowsOf(B, (_, b) => (b < 3 ? {} : { topK: 40, topP: 0.9 }));
    const free = await sampled(logits, plain);
    const held = plain.map((row, b): SampleRow => {
      const mask = new Uint32Array(Math.ceil(V / 32));
      // Row 0 may only take what it takes anyway, row 1 only id 699, whose logit is far below the best.
      const id = b === 0 ? (free.ids[0] ?? 0) : V - 1;
      mask[id >>> 5] = 1 << (id & 31);
      return b < 2 || b === 4 ? { ...row, mask } : row;
    });
    for (const b of [1, 4]) logits[b * V + V - 1] = -90;
    const again = await sampled(logits, plain);
    const got = await sampled(logits, held);
    expect(got.ids).toEqual(again.ids.map((id, b) => (b === 1 || b === 4 ? V - 1 : id)));
    for (const b of [0, 2, 3, 5]) expect(got.logprobs[b]).toBe(again.logprobs[b]);
    for (const b of [1, 4]) {
      const row = logits.subarray(b * V, (b + 1) * V);
      const want = -90 - Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
      expect(got.logprobs[b]).toBeCloseTo(want, 3);
    }
  });

  it('top-p chooses among what a mask leaves, however unlikely that is', async () => {
    // Of the two ids left one has 1 / (1 + e^-0.15) = 0.537 of their mass: top-p 0.53 keeps it alone, 0.55 both.
    const [B, V] = [32, 300];
    const logits = normals(9, B * V, 1);
    for (let b = 0; b < B; b++) logits.set([-200, -200.15], b * V + 70);
    const mask = new Uint32Array(Math.ceil(V / 32));
    mask[2] = (1 << (70 - 64)) | (1 << (71 - 64));
    const idsAt = async (topP: number) =>
      (
        await sampled(
          logits,
          rowsOf(B, () => ({ topP, mask })),
        )
      ).ids;
    expect(new Set(await idsAt(0.53))).toEqual(new Set([70]));
    expect(new Set(await idsAt(0.55))).toEqual(new Set([70, 71]));
  });

  it('makes the inputs of the next step, where a row is sampled', async () => {
    // 7 fields of 8 words; ids 0 and 1 belong to rows 2 and 0, ids 2 and 3 to none.
    const [B, V, stride, NONE] = [4, 300, 8, 0xffffffff];
    const before = Uint32Array.from({ length: 7 * stride }, (_, i) => 1000 + i);
    before.set([2, 0, NONE, NONE], 4 * stride);
    const logits = new Float32Array(B * V);
    const best = [17, 299, 5, 6];
    best.forEach((id, b) => {
      logits[b * V + id] = 9;
    });
    const rows = gpu.upload('rows', [7, stride], before);
    const { temperature, seed, position } = uploadRows(rowsOf(B, () => ({ temperature: 0 })));
    const pass = gpu.pass();
    encodeSample(pass, {
      ...{ temperature, seed, position },
      ...{ logits: gpu.upload('logits', [B, V], logits), filter: null, masked: null, rows },
      partial: gpu.tensor('partial', sampleScratchShapes(B, V).partial),
      ids: gpu.tensor('ids', [B], 'u32'),
      logprobs: gpu.tensor('logprobs', [B]),
    });
    expect(pass.entries.length).toBe(2);
    gpu.submit(pass);
    const want = before.slice();
    want[2] = 17;
    want[0] = 299;
    for (const [field, at] of [
      ...[
        [2, 0],
        [2, 2],
      ],
      ...[
        [3, 0],
        [3, 2],
      ],
      ...[
        [6, 0],
        [6, 1],
      ],
    ] as [number, number][]) {
      want[field * stride + at] = (before[field * stride + at] ?? 0) + 1;
    }
    expect(await gpu.readU32(rows)).toEqual(want);
  });

  it('takes the lowest id among equal logits at temperature 0', async () => {
    const logits = new Float32Array(600).fill(-2);
    for (const v of [70, 300, 599]) logits[v] = 1.5;
    const got = await sampled(
      logits,
      rowsOf(1, () => ({ temperature: 0 })),
    );
    expect(got.ids).toEqual([70]);
    // 3 e^1.5 + 597 e^-2 in the sum.
    const want = 1.5 - Math.log(3 * Math.exp(1.5) + 597 * Math.exp(-2));
    expect(got.logprobs[0]).toBeCloseTo(want, 5);
  });

  it('gives a row the same id and bits alone and among others', async () => {
    const [B, V] = [9, 700];
    const logits = normals(3, B * V, 2);
    const rows = rowsOf(B, (_, b) => ({ topK: b === 4 ? 5 : 0, topP: b === 4 ? 0.8 : 1 }));
    const all = await sampled(logits, rows);
    for (const b of [0, 4, 8]) {
      const one = await sampled(logits.slice(b * V, (b + 1) * V), rows.slice(b, b + 1));
      expect(one.ids[0]).toBe(all.ids[b]);
      expect(one.logprobs[0]).toBe(all.logprobs[b]);
    }
  });

  it('draws ids as often as their probabilities say', async () => {
    // Four ids with p = 0.1, 0.2, 0.3, 0.4, 4000 draws: three standard deviations
    // are at most 0.0233.
    const p = [0.1, 0.2, 0.3, 0.4];
    const B = 4000;
    const logits = Float32Array.from({ length: B * 4 }, (_, i) => Math.log(p[i % 4] ?? 0));
    const { ids } = await sampled(
      logits,
      rowsOf(B, (_, b) => ({ seed: 11, position: b })),
    );
    p.forEach((want, id) => {
      const share = ids.filter((got) => got === id).length / B;
      expect(Math.abs(share - want)).toBeLessThan(0.0233);
    });
  });
});

describe('twin of the filter', () => {
  const row = { temperature: 1, topK: 0, topP: 1, seed: 0, position: 0 };
  // p = 0.4, 0.3, 0.2, 0.1.
  const logits = Float64Array.from([0.2, 0.4, 0.1, 0.3], Math.log);

  it('keeps the smallest set that reaches top-p, of what top-k left', () => {
    expect(filterThreshold(logits, { ...row, topP: 0.69 })).toBe(Math.log(0.3));
    expect(filterThreshold(logits, { ...row, topP: 0.71 })).toBe(Math.log(0.2));
    expect(filterThreshold(logits, { ...row, topK: 3 })).toBe(Math.log(0.2));
    // Of 0.4 and 0.3 the first has 0.571 of the mass.
    expect(filterThreshold(logits, { ...row, topK: 2, topP: 0.55 })).toBe(Math.log(0.4));
    expect(filterThreshold(logits, { ...row, topK: 2, topP: 0.6 })).toBe(Math.log(0.3));
  });
});
