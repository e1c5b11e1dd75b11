import { describe, expect, it } from 'vitest';
import { interleaved, median } from '../../../src/cli/bench/bench.ts';
import { linesOf, runHere } from '../../support/command-line.ts';

describe('bench', () => {
  it('medians', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeNaN();
  });

  it('measures both sides in turn, without the first round', async () => {
    const order: string[] = [];
    const values = { a: [99, 2, 4, 30], b: [1, 1, 1, 10] };
    const take = (side: 'a' | 'b') => async () => {
      order.push(side);
      return values[side].shift() ?? Number.NaN;
    };
    const result = await interleaved(3, take('a'), take('b'));
    expect(order.join('')).toBe('abababab');
    // Ratios 2, 4, 3: the slow third round counts like the others.
    expect(result).toEqual({ first: 4, second: 1, ratio: 3 });
  });

  it('lists its names without a device, and refuses others', async () => {
    const names = ['decode', 'decode-floor', 'train', 'linear'];
    expect(linesOf(await runHere('bench', '--list'))).toEqual([{ names }]);
    const { code, stderr } = await runHere('bench', 'lunch');
    expect(stderr).toBe(`error: bench: got "lunch", need one of ${names.join(', ')}\n`);
    expect(code).toBe(2);
  });
});
