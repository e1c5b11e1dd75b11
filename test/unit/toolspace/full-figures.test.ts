import { describe, expect, test } from 'vitest';
import { FIGURES } from '../../../src/toolspace/full/figures.ts';
import type { JsonObject } from '../../../src/trajectory/json.ts';
import { keepsTheRules } from '../../support/built-in-rules.ts';

keepsTheRules(FIGURES, 8);

/** What a tool answers on a state. */
function answer(server: string, tool: string, args: JsonObject, state: JsonObject = {}) {
  const def = FIGURES.find((item) => item.server.name === server)?.server;
  const outcome = def?.tools
    .find(({ name }) => name === tool)
    ?.run(state, args, '2026-03-14T10:30');
  if (outcome === undefined) throw new Error(`${server}:${tool}`);
  return 'error' in outcome ? outcome.error : outcome.value;
}

describe('maths reckons', () => {
  test.each([
    // Along the first row: -2 * (-1) - 2 * (-5) - 3 * (-2) = 18.
    [
      'determinant',
      {
        matrix: [
          [-2, 2, -3],
          [-1, 1, 3],
          [2, 0, -1],
        ],
      },
      { determinant: 18 },
    ],
    [
      'determinant',
      {
        matrix: [
          [0, 1],
          [1, 0],
        ],
      },
      { determinant: -1 },
    ],
    [
      'determinant',
      {
        matrix: [
          [1, 2],
          [2, 4],
        ],
      },
      { determinant: 0 },
    ],
    // (x - 1)^2 (x + 2): the double root touches zero without a change of sign.
    ['polynomial_roots', { coefficients: [1, 0, -3, 2] }, { roots: [-2, 1], count: 2 }],
    ['polynomial_roots', { coefficients: [1, -3, 3, -1] }, { roots: [1], count: 1 }],
    ['polynomial_roots', { coefficients: [1, 0, 1] }, { roots: [], count: 0 }],
    [
      'polynomial_roots',
      { coefficients: [1, 0, -5, 0, 4, 0] },
      { roots: [-2, -1, 0, 1, 2], count: 5 },
    ],
    ['gcd_lcm', { numbers: [84, 126, 210] }, { gcd: 42, lcm: 1260 }],
    [
      'prime_factors',
      { n: 999_999_937 },
      { factors: [999_999_937], largest: 999_999_937, prime: true },
    ],
    ['prime_factors', { n: 360 }, { factors: [2, 2, 2, 3, 3, 5], largest: 5, prime: false }],
    ['convert_base', { digits: 'FF', from: 16, to: 2 }, { digits: '11111111' }],
    ['nth_root', { value: -27, degree: 3 }, { root: -3 }],
    ['power', { base: 2, exponent: -2 }, { result: 0.25 }],
    ['percentage', { mode: 'change', a: 80, b: 60 }, { result: -25 }],
  ])('%s %j', (tool, args, value) => {
    expect(answer('maths', tool, args)).toEqual(value);
  });
});

describe('statistics reckons', () => {
  const set = (id: string, values: number[]) => ({ id, name: id, unit: 'cm', values });
  const state = {
    sets: [set('DS-1', [1, 2, 3, 4]), set('DS-2', [3, 5, 7, 9]), set('DS-3', [2, 1, 4, 3])],
  };
  test.each([
    ['summarise', { id: 'DS-1' }, { mean: 2.5, median: 2.5, variance: 1.6667, deviation: 1.291 }],
    ['summarise', { id: 'DS-1', population: true }, { variance: 1.25 }],
    // Type 7: 0.25 * 3 = 0.75 of the way from 1 to 2.
    ['quantile', { id: 'DS-1', p: 0.25 }, { value: 1.75 }],
    ['correlation', { x: 'DS-1', y: 'DS-2' }, { r: 1, count: 4 }],
    // Sum of products 3 over sums of squares 5 and 5.
    ['correlation', { x: 'DS-1', y: 'DS-3' }, { r: 0.6 }],
    [
      'linear_regression',
      { x: 'DS-1', y: 'DS-2', at: 10 },
      { slope: 2, intercept: 1, predicted: 21 },
    ],
    ['histogram', { id: 'DS-1', bins: 3 }, { fullest: { from: 3, to: 4, count: 2 } }],
  ])('%s %j', (tool, args, value) => {
    expect(answer('statistics', tool, args, state)).toMatchObject(value);
  });
});

describe('dates reckons', () => {
  const state = { holidays: [{ name: 'x', date: '2026-03-18' }], countdowns: [] };
  test.each([
    // ISO 8601: 2021 begins in week 53 of 2020, and 2024-12-30 is in week 1 of 2025.
    ['date_info', { date: '2021-01-03' }, { weekday: 'Sunday', isoYear: 2020, isoWeek: 53 }],
    ['date_info', { date: '2024-12-30' }, { weekday: 'Monday', isoYear: 2025, isoWeek: 1 }],
    ['date_info', { date: '2000-12-31' }, { dayOfYear: 366, daysInYear: 366 }],
    ['date_info', { date: '1900-03-01' }, { dayOfYear: 60, daysInYear: 365 }],
    // From a Friday over a weekend and a holiday on Wednesday.
    ['add_working_days', { date: '2026-03-13', days: 3 }, { date: '2026-03-19' }],
    ['add_working_days', { date: '2026-03-19', days: -3 }, { date: '2026-03-13' }],
    ['difference', { from: '2026-03-13', to: '2026-03-19', unit: 'working_days' }, { count: 3 }],
    ['difference', { from: '2026-03-19', to: '2026-03-13', unit: 'working_days' }, { count: -3 }],
    ['now', { offset: '+14:00' }, { date: '2026-03-15', time: '00:30', weekday: 'Sunday' }],
    [
      'convert_time',
      { moment: { date: '2026-03-01', time: '00:15' }, from: '+05:45', to: '-03:30' },
      { date: '2026-02-28', time: '15:00' },
    ],
  ])('%s %j', (tool, args, value) => {
    expect(answer('dates', tool, args, state)).toMatchObject(value);
  });
});

describe('text_tools writes', () => {
  const state = { documents: [{ id: 'TX-1', title: 'x', lines: ['b a a', 'a b'] }] };
  test.each([
    ['change_case', { text: 'Blue rice, hot', style: 'camel' }, { text: 'blueRiceHot' }],
    ['change_case', { text: 'blue rice, hot', style: 'title' }, { text: 'Blue Rice, Hot' }],
    ['slugify', { text: ' Crème brûlée #2 ' }, { slug: 'creme-brulee-2', length: 14 }],
    ['compare_texts', { a: 'kitten', b: 'sitting' }, { edits: 3, similarity: 0.571 }],
    ['count_words', { id: 'TX-1', phrase: 'A' }, { words: 5, characters: 8, occurrences: 3 }],
    ['replace_text', { id: 'TX-1', search: 'a', replacement: 'aa' }, { replaced: 3 }],
    [
      'replace_text',
      { id: 'TX-1', search: 'a', replacement: 'c', firstOnly: true },
      { replaced: 1 },
    ],
  ])('%s %j', (tool, args, value) => {
    expect(answer('text_tools', tool, args, state)).toMatchObject(value);
  });
});
