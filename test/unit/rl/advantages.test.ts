import { describe, expect, it } from 'vitest';
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
