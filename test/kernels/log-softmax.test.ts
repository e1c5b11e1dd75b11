import { describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { logitsGrad, logSoftmax } from '../../src/kernels/cpu/log-softmax.ts';
import {
  encodeLogitsGrad,
  encodeLogSoftmax,
  logSoftmaxScratchShape,
} from '../../src/kernels/log-softmax.ts';
import { testGpu } from '../support/gpu.ts';
import { guarded, normals, valuesOf, worstError } from '../support/guarded.ts';
import { TOLERANCES } from '../support/tolerances.ts';

const gpu = await testGpu();

const SIZES: [number, number][] = [
  [1, 1],
  [1, 7],
  [7, 255],
  [7, 257],
  [33, 512],
  [65, 1000],
  [2, 70_001],
];

async function forward(logits: Float32Array, targets: Uint32Array, C: number, V: number) {
  const outs = { logprob: guarded(gpu, [C]), lse: guarded(gpu, [C]), entropy: guarded(gpu, [C]) };
  const pass = gpu.pass();
  encodeLogSoftmax(pass, {
    logits: gpu.upload('logits', [C, V], logits),
    targets: gpu.upload('targets', [C], targets),
    partial: gpu.tensor('partial', logSoftmaxScratchShape(C, V)),
    logprob: outs.logprob.view,
    lse: outs.lse.view,
    entropy: outs.entropy.view,
  });
  gpu.submit(pass);
  return {
    logprob: await valuesOf(gpu, outs.logprob),
    lse: await valuesOf(gpu, outs.lse),
    entropy: await valuesOf(gpu, outs.entropy),
  };
}

describe('log-softmax', () => {
  for (const [C, V] of SIZES) {
    it(`of ${C} rows of ${V} is its twin's`, async () => {
      const rng = new Rng(C * 31 + V);
      const logits = normals(C + V, C * V, 5);
      const targets = Uint32Array.from({ length: C }, () => rng.int(0, V - 1));
      const got = await forward(logits, targets, C, V);
      const want = logSoftmax(logits, targets, [C, V]);
      for (const name of ['logprob', 'lse', 'entropy'] as const) {
        expect(worstError(got[name], want[name]), name).toBeLessThan(TOLERANCES.reduction);
      }
    });
  }

  it('gives the numbers of two equal logits far from zero', async () => {
    // p = 1/2 each: log p = -ln 2, entropy ln 2, lse 1000 + ln 2.
    const got = await forward(new Float32Array([1000, 1000]), new Uint32Array([1]), 1, 2);
    expect(got.logprob[0]).toBeCloseTo(-Math.LN2, 6);
    expect(got.entropy[0]).toBeCloseTo(Math.LN2, 6);
    expect(got.lse[0]).toBeCloseTo(1000 + Math.LN2, 3);
  });

  it('gives a row the same bits alone and among others', async () => {
    const [C, V] = [20, 600];
    const logits = normals(9, C * V, 4);
    const targets = Uint32Array.from({ length: C }, (_, c) => (c * 37) % V);
    const all = await forward(logits, targets, C, V);
    const one = await forward(logits.slice(13 * V, 14 * V), targets.slice(13, 14), 1, V);
    for (const name of ['logprob', 'lse', 'entropy'] as const) {
      expect(one[name][0]).toBe(all[name][13]);
    }
  });
});

interface GradientCase {
  values: Float32Array;
  targets: Uint32Array;
  coef: Float32Array;
  /** An entropy bonus: its coefficient, and the weight of each row. */
  bonus: { coefficient: number; weight: Float32Array } | null;
}

function gradientCase(C: number, V: number, withBonus: boolean): GradientCase {
  const rng = new Rng(C * 17 + V);
  const values = normals(C * 3 + V, C * V, 3);
  const targets = Uint32Array.from({ length: C }, () => rng.int(0, V - 1));
  const zeroed = (x: number, c: number) => (c % 5 === 4 ? 0 : x);
  const coef = normals(C, C).map(zeroed);
  const weight = normals(C + 7, C).map(zeroed);
  return { values, targets, coef, bonus: withBonus ? { coefficient: 0.25, weight } : null };
}

async function gradient({ values, targets, coef, bonus }: GradientCase, C: number, V: number) {
  const { lse, entropy } = logSoftmax(values, targets, [C, V]);
  const logits = guarded(gpu, [C, V], values);
  const up = (name: string, list: Float32Array) => gpu.upload(name, [C], list);
  const pass = gpu.pass();
  encodeLogitsGrad(pass, {
    logits: logits.view,
    targets: gpu.upload('targets', [C], targets),
    lse: up('lse', Float32Array.from(lse)),
    coef: up('coef', coef),
    bonus:
      bonus === null
        ? null
        : {
            coefficient: bonus.coefficient,
            entropy: up('entropy', Float32Array.from(entropy)),
            weight: up('weight', bonus.weight),
          },
  });
  gpu.submit(pass);
  return await valuesOf(gpu, logits);
}

describe.each([false, true])('gradient of the logits, entropy bonus %s', (withBonus) => {
  for (const [C, V] of SIZES) {
    it(`of ${C} rows of ${V} is its twin's`, async () => {
      const given = gradientCase(C, V, withBonus);
      const { values, targets, coef, bonus } = given;
      const want = Float64Array.from(values);
      const spread = coef.map((_, c) => (bonus?.coefficient ?? 0) * (bonus?.weight[c] ?? 0));
      logitsGrad(want, targets, coef, [C, V], spread);
      const got = await gradient(given, C, V);
      expect(worstError(got, want)).toBeLessThan(TOLERANCES.elementwise);
      if (C > 4) expect(got.subarray(4 * V, 5 * V).every((x) => x === 0)).toBe(true);
    });
  }
});

it('pushes two logits towards each other by the entropy bonus', async () => {
  // p = 3/4, 1/4: H = 0.562335, dH/dz_0 = -p_0 (log p_0 + H) = -0.75 (-0.287682 + 0.562335) = -0.205990 = -dH/dz_1.
  const given: GradientCase = {
    values: new Float32Array([Math.log(3), 0]),
    targets: new Uint32Array([0]),
    coef: new Float32Array([0]),
    bonus: { coefficient: 0.5, weight: new Float32Array([2]) },
  };
  const got = await gradient(given, 1, 2);
  expect(worstError(got, [0.20599, -0.20599])).toBeLessThan(TOLERANCES.elementwise);
});
