import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/base/errors.ts';
import { advantages, isZeroSpread } from '../../../src/rl/advantages.ts';

describe('advantages', () => {
  it('std: distance from the mean over the sample deviation', () => {
    // mean 2; squares 1 + 0 + 1 = 2; sample variance 2 / 2 = 1; std 1.
    const got = advantages([1, 2, 3], 'std');
    expect(got[0]).toBeCloseTo(-1 / 1.000001, 12);
    expect(got[1]).toBe(0);
    expect(got[2]).toBeCloseTo(1 / 1.000001, 12);
  });

  it('std of a binary group', () => {
    // rewards 1 0 0 0: mean 0.25; squares 0.5625 + 3 * 0.0625 = 0.75; variance 0.75 / 3 = 0.25; std
    // 0.5.
    const got = advantages([1, 0, 0, 0], 'std');
    expect(got[0]).toBeCloseTo(1.5, 5);
    expect(got[3]).toBeCloseTo(-0.5, 5);
  });

  it('mean: distance from the mean', () => {
    expect(advantages([1, 0, 0.5, 0.5], 'mean')).toEqual([0.5, -0.5, 0, 0]);
  });

  it('rloo: distance from the mean of the others', () => {
    // others of 1: (0 + 0.5 + 0.5) / 3 = 1/3; of 0: 2/3; of 0.5: 1.5 / 3 = 0.5
    const got = advantages([1, 0, 0.5, 0.5], 'rloo');
    for (const [i, want] of [2 / 3, -2 / 3, 0, 0].entries()) expect(got[i]).toBeCloseTo(want, 12);
    // Of two: the difference. A missing one is no other.
    expect(advantages([null, 1, 0.25], 'rloo')).toEqual([null, 0.75, -0.75]);
  });

  it('refuses rewards that are not finite, or too large to sum, with the name of the group', () => {
    const cases = [[Number.NaN, 1], [1, Number.POSITIVE_INFINITY], [Number.NaN], [1e308, 9e307, 0]];
    for (const rewards of cases) {
      for (const kind of ['std', 'mean', 'rloo'] as const) {
        const message = `rewards of task t1: got ${rewards.join(', ')}, need finite numbers`;
        const run = () => advantages(rewards, kind, 'task t1');
        expect(run).toThrow(InputError);
        expect(run).toThrow(message);
      }
    }
  });

  it('leaves missing rewards out of the mean and keeps their places', () => {
    // mean of 1 and 3 is 2.
    expect(advantages([null, 1, null, 3], 'mean')).toEqual([null, -1, null, 1]);
  });

  it('drops groups without spread', () => {
    for (const rewards of [[0.5, 0.5], [null, null], [1, null], []]) {
      expect(isZeroSpread(rewards)).toBe(true);
      expect(advantages(rewards, 'std')).toEqual(rewards.map(() => null));
    }
    expect(isZeroSpread([0, 0, 1e-12])).toBe(false);
  });
});
