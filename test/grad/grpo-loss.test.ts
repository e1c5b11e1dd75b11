import { expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.ts';
import { type LossKind, tokenLoss } from '../../src/kernels/cpu/grpo-loss.ts';
import { TOLERANCES } from '../support/tolerances.ts';

const H = 1e-5;
const OBJECTIVES: LossKind[] = [
  { kind: 'sft' },
  { kind: 'grpo', clipLow: 0.2, clipHigh: 0.28, kl: 0, bonus: 0 },
  { kind: 'grpo', clipLow: 0.1, clipHigh: 0.3, kl: 0.15, bonus: 0.2 },
];

it.each(OBJECTIVES)('coef is minus the slope of the loss: %o', (objective) => {
  const rng = new Rng(11);
  let steep = 0;
  for (let i = 0; i < 200; i++) {
    const logprob = -2 * rng.next();
    const token = {
      logprob,
      old: logprob + 0.4 * rng.normal(),
      ref: logprob + 0.4 * rng.normal(),
      advantage: rng.normal(),
      weight: rng.next(),
      entropy: 3 * rng.next(),
    };
    const at = (x: number) => tokenLoss({ ...token, logprob: x }, objective).loss;
    const slope = (at(logprob + H) - at(logprob - H)) / (2 * H);
    const { coef } = tokenLoss(token, objective);
    expect(Math.abs(coef + slope)).toBeLessThan(TOLERANCES.differences);
    if (coef !== 0) steep++;
  }
  expect(steep).toBeGreaterThan(50);
});
