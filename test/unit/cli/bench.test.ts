import { describe, expect, it } from 'vitest';
import { interleaved, median, settled } from '../../../src/cli/bench/bench.ts';
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

  it('samples until two medians in a row agree', async () => {
    const samples = [9, 9, 9, 9, 9, 5, 5, 4, 6, 5, 3, 5, 5.1, 6, 5.1, 7];
    const taken: number[] = [];
    const value = await settled(async () => {
      taken.push(samples[taken.length] ?? Number.NaN);
      return taken.at(-1) ?? Number.NaN;
    });
    // Medians 9, 5 and 5.1: the third is within 5 % of the second.
    expect(value).toBe(5.1);
    expect(taken.length).toBe(15);
  });

  it('samples no longer than it has to when they never agree', async () => {
    let taken = 0;
    const value = await settled(async () => 2 ** Math.floor(taken++ / 5));
    // Six medians: 1, 2, 4, 8, 16, 32.
    expect(value).toBe(32);
    expect(taken).toBe(30);
  });

  it('lists its names without a device, and refuses others', async () => {
    const names = [
      ...['decode', 'decode-floor', 'train', 'train-toy', 'train-memory', 'optimiser', 'linear'],
      ...[
        'matvec-q4',
        'matvec-q4-int8',
        'gemm-q4',
        'gemm-f32',
        'families',
        'generate',
        'decode-batch',
        'ahead',
        'attention',
        'mask',
        'encode',
        'episodes',
        'counts',
      ],
      'profile',
    ];
    expect(linesOf(await runHere('bench', '--list'))).toEqual([{ names }]);
    const { code, stderr } = await runHere('bench', 'lunch');
    expect(stderr).toBe(`error: bench: got "lunch", need one of ${names.join(', ')}\n`);
    expect(code).toBe(2);
  });

  it.each([{ names: [] }, { names: ['train-toy', 'linear'] }, { names: ['linear'] }])(
    'refuses a file for $names, before a device is opened',
    async ({ names }) => {
      const { code, stderr } = await runHere('bench', ...names, '--out', 'numbers.safetensors');
      const got = names.join(', ') || 'all';
      expect(stderr).toBe(`error: bench: --out: got ${got}, need one of train-toy alone\n`);
      expect(code).toBe(2);
    },
  );
});
