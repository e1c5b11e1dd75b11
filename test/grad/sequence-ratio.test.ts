import { expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { type LossKind, type TokenLossInput, tokenLoss } from '../../src/kernels/cpu/grpo-loss.ts';
import { sequenceRatio } from '../../src/kernels/cpu/sequence-ratio.ts';
import { worstError } from '../support/guarded.ts';
import { slopes } from '../support/slopes.ts';
import { TOLERANCES } from '../support/tolerances.ts';

type Grpo = Extract<LossKind, { kind: 'grpo' }>;
const OBJECTIVES: Grpo[] = [
  { kind: 'grpo', clipLow: 0.05, clipHigh: 0.1, kl: 0, bonus: 0 },
  { kind: 'grpo', clipLow: 0.05, clipHigh: 0.1, kl: 0.3, bonus: 0.2 },
];

/** A token as it stands, at a log-probability. */
const at = (tokens: readonly TokenLossInput[], x: Float64Array): TokenLossInput[] =>
  tokens.map((token, t) => ({ ...token, logprob: x[t] ?? 0 }));

it.each(OBJECTIVES)('coefs of a sequence are minus the slopes of its loss: %o', (objective) => {
  const rng = new Rng(5);
  let clipped = 0;
  let free = 0;
  for (let i = 0; i < 60; i++) {
    const drift = 0.15 * rng.normal();
    // Half of the sequences have one advantage, as rewards give it, half have one for each token, as a KL in the reward does.
    const shared = rng.normal();
    const tokens = Array.from({ length: 1 + (i % 7) }, () => {
      const logprob = -2 * rng.next();
      return {
        logprob,
        old: logprob + 0.1 * rng.normal() + drift,
        ref: logprob + 0.4 * rng.normal(),
        advantage: i % 2 === 0 ? shared : rng.normal(),
        weight: rng.next(),
        entropy: 3 * rng.next(),
      };
    });
    const x = Float64Array.from(tokens, ({ logprob }) => logprob);
    const terms = (list: readonly TokenLossInput[]) => {
      const joint = sequenceRatio(list, objective);
      return list.map((token) => tokenLoss(token, objective, joint));
    };
    const loss = (point: Float64Array) =>
      terms(at(tokens, point)).reduce((sum, term) => sum + term.loss, 0);
    const got = terms(tokens);
    const want = slopes(loss, x).map((slope) => -slope);
    const coefs = got.map(({ coef }) => coef);
    expect(worstError(coefs, want)).toBeLessThan(TOLERANCES.differences);
    for (const term of got) term.clipped === 1 ? clipped++ : free++;
  }
  expect(clipped).toBeGreaterThan(20);
  expect(free).toBeGreaterThan(20);
});

it('is the geometric mean of the ratios, with the slope of a token mean', () => {
  // s = exp((0.04 + 0.02) / 2) = 1.030455; weights 1/2 of a sequence mean: slope s / 2 (1/2 + 1/2) 3 = 1.545682.
  const tokens = [0.04, 0.02].map((d) => ({ logprob: -1, old: -1 - d, advantage: 3, weight: 0.5 }));
  const { ratio, pull } = sequenceRatio(tokens, { clipLow: 0.2, clipHigh: 0.2 });
  expect(ratio).toBeCloseTo(1.030455, 6);
  expect(pull).toBeCloseTo(1.545682, 6);
});
