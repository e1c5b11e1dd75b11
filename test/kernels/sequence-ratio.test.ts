import { describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { sequenceRatio } from '../../src/kernels/cpu/sequence-ratio.ts';
import { encodeSequenceRatio } from '../../src/kernels/sequence-ratio.ts';
import { testGpu } from '../support/gpu.ts';
import { guarded, normals, valuesOf, worstError } from '../support/guarded.ts';
import { TOLERANCES } from '../support/tolerances.ts';

const gpu = await testGpu();
const CLIP = { clipLow: 0.05, clipHigh: 0.1 };

/** C tokens and the lengths of the sequences that they are in; tokens left over are in none. */
const CASES: [number, number[]][] = [
  [1, [1]],
  [7, [3, 4]],
  [20, [1, 0, 12, 2]],
  [700, [...Array.from({ length: 65 }, (_, i) => 1 + (i % 5)), 300]],
  [2049, [2048]],
];

interface Case {
  values: Record<'logprob' | 'old' | 'advantage' | 'weight', Float32Array>;
  order: Uint32Array;
  offsets: Uint32Array;
}

function caseOf(C: number, lengths: readonly number[]): Case {
  const logprob = normals(C, C).map((x) => -Math.abs(x));
  const noise = normals(C + 1, C, 0.1);
  const total = lengths.reduce((sum, n) => sum + n, 0);
  const shuffled = new Rng(C).shuffle(Array.from({ length: C }, (_, c) => c));
  let end = 0;
  return {
    values: {
      logprob,
      // A drift of its own in each sequence, so that some are clipped and some are not.
      old: logprob.map((x, c) => x - (noise[c] ?? 0) - 0.05),
      advantage: normals(C + 2, C, 2),
      weight: normals(C + 3, C).map((x, c) => (c % 6 === 5 ? 0 : Math.abs(x))),
    },
    order: Uint32Array.from(shuffled.slice(0, total)),
    offsets: Uint32Array.from([0, ...lengths.map((n) => (end += n))]),
  };
}

async function run({ values, order, offsets }: Case, clip = CLIP): Promise<Float32Array> {
  const C = values.logprob.length;
  const joint = guarded(gpu, [C, 2], new Float32Array(2 * C));
  const up = (name: keyof Case['values']) => gpu.upload(name, [C], values[name]);
  const pass = gpu.pass();
  encodeSequenceRatio(pass, {
    logprob: up('logprob'),
    old: up('old'),
    advantage: up('advantage'),
    weight: up('weight'),
    order: gpu.upload('order', [order.length], order),
    offsets: gpu.upload('offsets', [offsets.length], offsets),
    joint: joint.view,
    ...clip,
  });
  gpu.submit(pass);
  return await valuesOf(gpu, joint);
}

function twin({ values, order, offsets }: Case): number[] {
  const want = new Array<number>(2 * values.logprob.length).fill(0);
  for (let s = 0; s + 1 < offsets.length; s++) {
    const members = order.slice(offsets[s], offsets[s + 1]);
    const tokens = [...members].map((c) => ({
      logprob: values.logprob[c] ?? 0,
      old: values.old[c] ?? 0,
      advantage: values.advantage[c] ?? 0,
      weight: values.weight[c] ?? 0,
    }));
    const { ratio, pull } = sequenceRatio(tokens, CLIP);
    for (const c of members) want.splice(2 * c, 2, ratio, pull);
  }
  return want;
}

describe('sequence ratio', () => {
  for (const [C, lengths] of CASES) {
    it(`of ${lengths.length} sequences in ${C} tokens is its twin's`, async () => {
      const given = caseOf(C, lengths);
      expect(worstError(await run(given), twin(given))).toBeLessThan(TOLERANCES.reduction);
    });
  }

  it('gives the numbers of the formula, with a clipped sequence beside a free one', async () => {
    // Tokens 0 and 2: mean 0.3, s = e^0.3 = 1.349859 > 1.1. A = 1 is clipped, A = -2 is not: s / 2 (0.5 (-2)) = -0.674929.
    // Token 1: s = e^-0.01 = 0.990050, A = 3: s / 1 (0.25 * 3) = 0.742537.
    const given: Case = {
      values: {
        logprob: new Float32Array([-1, -1, -1]),
        old: new Float32Array([-1.2, -0.99, -1.4]),
        advantage: new Float32Array([1, 3, -2]),
        weight: new Float32Array([0.5, 0.25, 0.5]),
      },
      order: new Uint32Array([0, 2, 1]),
      offsets: new Uint32Array([0, 2, 3]),
    };
    const want = [1.349859, -0.674929, 0.99005, 0.742537, 1.349859, -0.674929];
    expect(worstError(await run(given), want)).toBeLessThan(TOLERANCES.elementwise);
  });
});
