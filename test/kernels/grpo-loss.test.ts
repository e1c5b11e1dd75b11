import { describe, expect, it } from 'vitest';
import { type Joint, type LossKind, tokenLoss } from '../../src/kernels/cpu/grpo-loss.ts';
import { encodeGrpoLoss, encodeSftLoss } from '../../src/kernels/grpo-loss.ts';
import { testGpu } from '../support/gpu.ts';
import { guarded, normals, valuesOf, worstError } from '../support/guarded.ts';
import { TOLERANCES } from '../support/tolerances.ts';

const gpu = await testGpu();

const OBJECTIVES: [string, LossKind][] = [
  ['sft', { kind: 'sft' }],
  ['grpo', { kind: 'grpo', clipLow: 0.2, clipHigh: 0.28, kl: 0, bonus: 0 }],
  ['grpo with kl', { kind: 'grpo', clipLow: 0.2, clipHigh: 0.2, kl: 0.15, bonus: 0 }],
  ['grpo with a bonus', { kind: 'grpo', clipLow: 0.2, clipHigh: 0.28, kl: 0, bonus: 0.3 }],
  ['grpo with both', { kind: 'grpo', clipLow: 0.2, clipHigh: 0.28, kl: 0.15, bonus: 0.01 }],
];

interface Inputs {
  logprob: Float32Array;
  old: Float32Array;
  ref: Float32Array;
  advantage: Float32Array;
  weight: Float32Array;
  entropy: Float32Array;
}

function inputs(C: number): Inputs {
  const logprob = normals(C, C).map((x) => -Math.abs(x));
  const noise = normals(C + 1, C, 0.4);
  const drift = normals(C + 2, C, 0.5);
  return {
    logprob,
    old: logprob.map((x, c) => x - (noise[c] ?? 0)),
    ref: logprob.map((x, c) => x + (drift[c] ?? 0)),
    advantage: normals(C + 3, C, 2),
    weight: normals(C + 4, C).map((x, c) => (c % 6 === 5 ? 0 : Math.abs(x))),
    entropy: normals(C + 5, C, 3).map((x) => Math.abs(x)),
  };
}

async function run(given: Inputs, objective: LossKind, joints: readonly Joint[] | null = null) {
  const C = given.logprob.length;
  const coef = guarded(gpu, [C]);
  const stats = guarded(gpu, [C, 4]);
  const up = (name: keyof Inputs) => gpu.upload(name, [C], given[name]);
  const common = {
    logprob: up('logprob'),
    weight: up('weight'),
    coef: coef.view,
    stats: stats.view,
  };
  const pass = gpu.pass();
  if (objective.kind === 'sft') encodeSftLoss(pass, common);
  else {
    const { clipLow, clipHigh, kl, bonus: coefficient } = objective;
    const ref = kl > 0 ? up('ref') : null;
    const bonus = coefficient > 0 ? { coefficient, entropy: up('entropy') } : null;
    const rest = { old: up('old'), advantage: up('advantage') };
    const pairs = joints?.flatMap(({ ratio, pull }) => [ratio, pull]) ?? null;
    const joint = pairs && gpu.upload('joint', [C, 2], Float32Array.from(pairs));
    encodeGrpoLoss(pass, { ...common, ...rest, joint, ref, clipLow, clipHigh, kl, bonus });
  }
  gpu.submit(pass);
  return { coef: await valuesOf(gpu, coef), stats: await valuesOf(gpu, stats) };
}

function twin(given: Inputs, objective: LossKind, joints: readonly Joint[] | null = null) {
  return [...given.logprob].map((logprob, c) =>
    tokenLoss(
      {
        logprob,
        old: given.old[c] ?? 0,
        ref: given.ref[c] ?? 0,
        advantage: given.advantage[c] ?? 0,
        weight: given.weight[c] ?? 0,
        entropy: given.entropy[c] ?? 0,
      },
      objective,
      joints?.[c] ?? null,
    ),
  );
}

describe.each(OBJECTIVES)('%s', (_name, objective) => {
  for (const C of [1, 7, 64, 333]) {
    it(`of ${C} tokens is its twin's`, async () => {
      const given = inputs(C);
      const got = await run(given, objective);
      const want = twin(given, objective);
      const stats = want.flatMap(({ loss, kl, clipped, ratio }) => [loss, kl, clipped, ratio]);
      expect(worstError(got.stats, stats)).toBeLessThan(TOLERANCES.elementwise);
      const coef = want.map((token) => token.coef);
      expect(worstError(got.coef, coef)).toBeLessThan(TOLERANCES.elementwise);
      if (C > 60 && objective.kind === 'grpo') {
        const clipped = want.filter((token) => token.clipped === 1).length;
        expect(clipped).toBeGreaterThan(0);
        expect(clipped).toBeLessThan(C);
      }
    });
  }
});

describe('with ratios of whole sequences', () => {
  for (const [name, objective] of OBJECTIVES.slice(1)) {
    for (const C of [1, 7, 333]) {
      it(`${name} of ${C} tokens is its twin's`, async () => {
        const given = inputs(C);
        // Whatever the sequences are: the terms of a token follow from its pair.
        const pulls = normals(C + 9, C);
        const joints = [...normals(C + 8, C, 0.3)].map((x, c) => ({
          ratio: Math.fround(Math.exp(x)),
          pull: pulls[c] ?? 0,
        }));
        const got = await run(given, objective, joints);
        const want = twin(given, objective, joints);
        const stats = want.flatMap(({ loss, kl, clipped, ratio }) => [loss, kl, clipped, ratio]);
        expect(worstError(got.stats, stats)).toBeLessThan(TOLERANCES.elementwise);
        const coef = want.map((token) => token.coef);
        expect(worstError(got.coef, coef)).toBeLessThan(TOLERANCES.elementwise);
      });
    }
  }
});

it('clips at the numbers of the formula', async () => {
  // r = e^0.5 = 1.648721 > 1.28 with A = 2: term -2.56, no slope. r = e^0.5 with A = -1: term r, slope of -term is -r.
  const two = (a: number, b: number) => new Float32Array([a, b]);
  const given = {
    logprob: two(-1, -1),
    old: two(-1.5, -1.5),
    ref: two(0, 0),
    advantage: two(2, -1),
    weight: two(0.5, 0.5),
    entropy: two(1, 1),
  };
  const objective: LossKind = { kind: 'grpo', clipLow: 0.2, clipHigh: 0.28, kl: 0, bonus: 0 };
  const { coef, stats } = await run(given, objective);
  const want = [-1.28, 0, 1, Math.exp(0.5), 0.5 * Math.exp(0.5), 0, 0, Math.exp(0.5)];
  expect(worstError(stats, want)).toBeLessThan(TOLERANCES.elementwise);
  expect(worstError(coef, [0, -0.5 * Math.exp(0.5)])).toBeLessThan(TOLERANCES.elementwise);
});
