import { describe, expect, it } from 'vitest';
import { Gpu } from '../../src/gpu/device.ts';
import { encodeAttention } from '../../src/kernels/attention.ts';
import { attention } from '../../src/kernels/cpu/attention.ts';
import {
  type AttentionCase,
  attentionCase,
  attentionInput,
  TREE_CASES,
  uploadAttention,
} from '../support/attention-case.ts';
import { testGpu } from '../support/gpu.ts';
import { guarded, valuesOf, withSubgroups, worstError } from '../support/guarded.ts';
import { TOLERANCES } from '../support/tolerances.ts';

const real = await testGpu();
const plain = withSubgroups(real, Gpu, 0);

const CASES: AttentionCase[] = [
  attentionCase([1], [1, 1, 4]),
  attentionCase([7], [4, 2, 32]),
  attentionCase([3, 1, 21, 1, 1, 40], [4, 2, 32]),
  attentionCase([33, 50], [6, 2, 20]),
  attentionCase([18, 5], [14, 2, 64]),
  attentionCase([20], [20, 1, 8]),
  attentionCase([17, 4], [4, 1, 128]),
  attentionCase([100, 156], [4, 2, 32]),
  // Chunks of 256 keys: one, one and a key, several.
  attentionCase([256, 257, 3, 600], [2, 1, 32]),
  ...TREE_CASES,
];

async function run(gpu: Gpu, { shape }: AttentionCase, input: ReturnType<typeof attentionInput>) {
  const { M, H, D } = shape;
  const o = guarded(gpu, [M, H, D]);
  const lse = guarded(gpu, [M, H]);
  const pass = gpu.pass();
  encodeAttention(pass, {
    ...uploadAttention(gpu, shape, input),
    o: o.view,
    lse: lse.view,
  });
  gpu.submit(pass);
  return { o: await valuesOf(gpu, o), lse: await valuesOf(gpu, lse) };
}

/** The build for hardware, whose loops have constant bounds. */
const unrolled = new Gpu(real.device, { ...real.caps, software: false });

describe.each([
  ['with the subgroups of the device', real],
  ['without subgroups', plain],
] as const)('attention %s', (_name, gpu) => {
  it.each(CASES)('of $name is its twin', async (given) => {
    const input = attentionInput(given);
    const got = await run(gpu, given, input);
    const want = attention(input, given.shape);
    expect(worstError(got.o, want.o)).toBeLessThan(TOLERANCES.reduction);
    expect(worstError(got.lse, want.lse)).toBeLessThan(TOLERANCES.reduction);
  });

  it.each([37, 300])('gives %i rows the same bits alone and among others', async (length) => {
    const { H, G, D } = { H: 4, G: 2, D: 32 };
    const many = attentionCase([5, length, 3, 20], [H, G, D]);
    const input = attentionInput(many);
    const all = await run(gpu, many, input);
    const [from, to] = [5, 5 + length];
    const alone = await run(gpu, attentionCase([length], [H, G, D]), {
      ...attentionInput(attentionCase([length], [H, G, D])),
      q: input.q.slice(from * H * D, to * H * D),
      k: input.k.slice(from * G * D, to * G * D),
      v: input.v.slice(from * G * D, to * G * D),
    });
    expect(alone.o).toEqual(all.o.slice(from * H * D, to * H * D));
    expect(alone.lse).toEqual(all.lse.slice(from * H, to * H));
  });
});

it.each([attentionCase([3, 1, 21, 300], [4, 2, 8]), attentionCase([7], [1, 1, 4]), ...TREE_CASES])(
  'unrolled attention of $name has the bits of the other build',
  async (given) => {
    const input = attentionInput(given);
    const want = await run(real, given, input);
    expect(await run(unrolled, given, input)).toEqual(want);
  },
);

it.each([4, 8, 32, 64])('attention compiles for subgroups of %i', async (subgroupSize) => {
  const gpu = withSubgroups(real, Gpu, subgroupSize);
  const given = attentionCase([3], [2, 1, 8]);
  const { M, H, D } = given.shape;
  encodeAttention(gpu.pass(), {
    ...uploadAttention(gpu, given.shape, attentionInput(given)),
    o: gpu.tensor('o', [M, H, D]),
    lse: gpu.tensor('lse', [M, H]),
  });
  await gpu.pipelines.settled();
  expect(gpu.failure).toBeNull();
});

it('averages the values of equal keys', async () => {
  // Equal scores: o[m] = mean of v[0..m] = m / 2 for v[j] = j; lse = score + ln(m + 1), score = 4 / sqrt(4) = 2.
  const given = attentionCase([40], [1, 1, 4]);
  const ones = new Float32Array(160).fill(1);
  const v = Float32Array.from({ length: 160 }, (_, i) => Math.floor(i / 4));
  const got = await run(real, given, { ...attentionInput(given), q: ones, k: ones, v });
  const rows = Array.from({ length: 40 }, (_, m) => m);
  const means = rows.flatMap((m) => [m / 2, m / 2, m / 2, m / 2]);
  expect(worstError(got.o, means)).toBeLessThan(TOLERANCES.reduction);
  const lse = rows.map((m) => 2 + Math.log(m + 1));
  expect(worstError(got.lse, lse)).toBeLessThan(TOLERANCES.reduction);
});
