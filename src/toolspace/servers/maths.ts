// The built-in calculator, with a table of measured constants. Knows nothing of tasks or transports.
import { z } from 'zod';
import { defined } from '../../base/assert.ts';
import { byName, defineTool, type ServerDef } from '../server.ts';
import { distinct, pairName, rounded, words } from '../values.ts';

export type Constant = { name: string; value: number; unit: string };
export type MathsState = { constants: Constant[] };

/** Results are rounded to this many decimals. */
const DIGITS = 6;
/** Beyond this, a double no longer holds whole numbers with some decimals to spare. */
const LARGEST = 1e15;
const UNITS = ['m/s', 'kg/m3', 'W/m2', 'N/m', 'J/kg', 'mol/s'] as const;

const QUALITIES = words(`
  elastic thermal optical viscous magnetic acoustic nominal residual specific radial axial static
  dynamic critical reduced modal lateral ambient
`);
const QUANTITIES = words(`
  gain drag stiffness friction decay flux density slope yield damping drift ratio inertia porosity
  loss recoil tension strain
`);

/** The outcome of a computation: its number under a key, or why there is none. */
function resultOf<K extends string>(key: K, value: number) {
  if (Number.isNaN(value)) return { error: 'the result is not a real number' };
  if (Math.abs(value) > LARGEST) return { error: `the result is larger than ${LARGEST}` };
  // Adding zero turns a negative zero into a plain one.
  const result = { [key]: rounded(value, DIGITS) + 0 } as Record<K, number>;
  return { value: result };
}

/** By squaring, so that whole numbers stay exact on every machine. */
function wholePower(base: number, exponent: number): number {
  let result = 1;
  for (let square = base, left = Math.abs(exponent); left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result *= square;
    square *= square;
  }
  return exponent < 0 ? 1 / result : result;
}

const power = defineTool({
  name: 'power',
  description:
    'Raises a base to an exponent, rounded to six decimals. Fails when the result is not real or too large.',
  input: z.strictObject({ base: z.number(), exponent: z.number().min(-64).max(64) }),
  output: z.strictObject({ result: z.number() }),
  kind: 'reads',
  run(_state: MathsState, { base, exponent }) {
    if (base === 0 && exponent < 0) return { error: 'base: 0 has no negative powers' };
    const whole = Number.isInteger(exponent);
    return resultOf('result', whole ? wholePower(base, exponent) : base ** exponent);
  },
});

const nthRoot = defineTool({
  name: 'nth_root',
  description:
    'Takes the real root of a number, the square root unless another degree is given, rounded to six decimals. Fails for an even root of a negative number.',
  input: z.strictObject({ value: z.number(), degree: z.int().min(2).max(12).default(2) }),
  output: z.strictObject({ root: z.number() }),
  kind: 'reads',
  run(_state: MathsState, { value, degree }) {
    if (value < 0 && degree % 2 === 0) {
      return { error: `value: got ${value}, a root of degree ${degree} needs 0 or more` };
    }
    return resultOf('root', Math.sign(value) * Math.abs(value) ** (1 / degree));
  },
});

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

const gcd = defineTool({
  name: 'gcd_lcm',
  description:
    'Gives the greatest common divisor and the least common multiple of two to six positive whole numbers.',
  input: z.strictObject({ numbers: z.array(z.int().min(1).max(1_000_000)).min(2).max(6) }),
  output: z.strictObject({ gcd: z.int(), lcm: z.int() }),
  kind: 'reads',
  run(_state: MathsState, { numbers }) {
    const lcm = numbers.reduce((a, b) => (a / commonDivisor(a, b)) * b);
    if (lcm > LARGEST) return { error: `the least common multiple is larger than ${LARGEST}` };
    return { value: { gcd: numbers.reduce(commonDivisor), lcm } };
  },
});

const primeFactors = defineTool({
  name: 'prime_factors',
  description:
    'Splits a whole number above 1 into its prime factors, smallest first; a prime has one, itself.',
  input: z.strictObject({ n: z.int().min(2).max(1_000_000_000) }),
  output: z.strictObject({ factors: z.array(z.int()), largest: z.int(), prime: z.boolean() }),
  kind: 'reads',
  run(_state: MathsState, { n }) {
    const factors: number[] = [];
    let left = n;
    for (let p = 2; p * p <= left; p++) {
      for (; left % p === 0; left /= p) factors.push(p);
    }
    if (left > 1) factors.push(left);
    return {
      value: { factors, largest: defined(factors.at(-1), 'factor'), prime: factors.length === 1 },
    };
  },
});

const percentage = defineTool({
  name: 'percentage',
  description:
    'Reckons with percentages: `part` is a percent of b, `share` is how many percent of b a is, `change` is the change from a to b in percent. Fails on a division by 0.',
  input: z.strictObject({
    mode: z.enum(['part', 'share', 'change']),
    a: z.number(),
    b: z.number(),
    digits: z.int().min(0).max(6).default(2).describe('decimals of the result'),
  }),
  output: z.strictObject({ result: z.number() }),
  kind: 'reads',
  run(_state: MathsState, { mode, a, b, digits }) {
    if (mode === 'share' && b === 0) return { error: 'b: got 0, a share needs another number' };
    if (mode === 'change' && a === 0) return { error: 'a: got 0, a change needs another number' };
    const value = {
      part: () => (a * b) / 100,
      share: () => (a / b) * 100,
      change: () => ((b - a) / Math.abs(a)) * 100,
    }[mode]();
    return resultOf('result', rounded(value, digits));
  },
});

const base = z.int().min(2).max(36);

const convertBase = defineTool({
  name: 'convert_base',
  description:
    'Writes a whole number in another base, from 2 to 36, with the digits 0-9 and a-z. Fails when a digit does not belong to the base.',
  input: z.strictObject({
    digits: z.string().describe('the number as it is written in base `from`, such as 2f'),
    from: base.default(10),
    to: base.default(10),
  }),
  output: z.strictObject({ digits: z.string() }),
  kind: 'reads',
  run(_state: MathsState, { digits, from, to }) {
    const text = digits.trim().toLowerCase();
    if (!/^[0-9a-z]+$/.test(text)) {
      return { error: `digits: got '${digits}', need only 0-9 and a-z` };
    }
    const odd = [...text].find((digit) => Number.parseInt(digit, 36) >= from);
    if (odd !== undefined) return { error: `digits: '${odd}' is no digit of base ${from}` };
    const value = Number.parseInt(text, from);
    if (value > LARGEST) return { error: `digits: the number is larger than ${LARGEST}` };
    return { value: { digits: value.toString(to) } };
  },
});

/** By elimination with the largest pivot of each column. */
function determinantOf(matrix: readonly (readonly number[])[]): number {
  const [first, ...rest] = matrix
    .map((row) => [...row])
    .sort((a, b) => Math.abs(b[0] ?? 0) - Math.abs(a[0] ?? 0));
  const pivot = first?.[0] ?? 1;
  if (first === undefined || pivot === 0) return pivot;
  const smaller = rest.map((row) => {
    const factor = (row[0] ?? 0) / pivot;
    return row.slice(1).map((value, i) => value - factor * (first[i + 1] ?? 0));
  });
  return parityOfSort(matrix) * pivot * determinantOf(smaller);
}

/** 1 or -1: the sign that putting the rows in order of their first numbers gives the determinant. */
function parityOfSort(matrix: readonly (readonly number[])[]): number {
  const sizes = matrix.map((row) => Math.abs(row[0] ?? 0));
  const inversions = sizes.flatMap((size, i) => sizes.slice(i + 1).filter((next) => next > size));
  return inversions.length % 2 === 0 ? 1 : -1;
}

const determinant = defineTool({
  name: 'determinant',
  description: 'Gives the determinant of a square matrix of two to five rows.',
  input: z.strictObject({
    matrix: z.array(z.array(z.number()).min(2).max(5)).min(2).max(5).describe('its rows'),
  }),
  output: z.strictObject({ determinant: z.number() }),
  kind: 'reads',
  run(_state: MathsState, { matrix }) {
    const odd = matrix.find((row) => row.length !== matrix.length);
    if (odd !== undefined) {
      return {
        error: `matrix: got ${matrix.length} rows and one of ${odd.length} numbers, need a square`,
      };
    }
    return resultOf('determinant', determinantOf(matrix));
  },
});

const valueAt = (coefficients: readonly number[], x: number): number =>
  coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);

/** The sign of a polynomial; 0 where its value is lost in rounding. */
function signAt(coefficients: readonly number[], x: number): number {
  const value = valueAt(coefficients, x);
  const size = valueAt(coefficients.map(Math.abs), Math.abs(x));
  return Math.abs(value) <= 1e-11 * size ? 0 : Math.sign(value);
}

function bisect(coefficients: readonly number[], from: number, to: number): number {
  const sign = Math.sign(valueAt(coefficients, from));
  let [low, high] = [from, to];
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return middle;
    if (Math.sign(valueAt(coefficients, middle)) === sign) low = middle;
    else high = middle;
  }
}

/** The real roots, in order: between its turning points a polynomial rises or falls throughout. */
function realRoots(coefficients: readonly number[]): number[] {
  const [lead = 1, next = 0] = coefficients;
  const degree = coefficients.length - 1;
  if (degree === 1) return [-next / lead];
  const turns = realRoots(coefficients.slice(0, -1).map((c, i) => c * (degree - i)));
  // Cauchy's bound: no root is farther from 0.
  const bound = 1 + Math.max(...coefficients.map((c) => Math.abs(c / lead)));
  const marks = [-bound, ...turns, bound];
  return marks.slice(1).flatMap((mark, i) => {
    const before = defined(marks[i], 'mark');
    const here = signAt(coefficients, mark);
    if (here === 0) return [mark];
    return here * signAt(coefficients, before) < 0 ? [bisect(coefficients, before, mark)] : [];
  });
}

const polynomialRoots = defineTool({
  name: 'polynomial_roots',
  description:
    'Finds the different real roots of a polynomial of degree 1 to 5 from its coefficients, smallest root first.',
  input: z.strictObject({
    coefficients: z.array(z.number()).min(2).max(6).describe('highest power first'),
  }),
  output: z.strictObject({ roots: z.array(z.number()), count: z.int() }),
  kind: 'reads',
  run(_state: MathsState, { coefficients }) {
    if (coefficients[0] === 0) return { error: 'coefficients: the first must not be 0' };
    const roots = [...new Set(realRoots(coefficients).map((root) => rounded(root, DIGITS) + 0))];
    return { value: { roots, count: roots.length } };
  },
});

const getConstant = defineTool({
  name: 'get_constant',
  description: 'Reads the value and the unit of a measured constant by its name.',
  input: z.strictObject({ name: z.string() }),
  output: z.strictObject({ value: z.number(), unit: z.string() }),
  kind: 'reads',
  run(state: MathsState, { name }) {
    const constant = byName(state.constants, name, (item) => item.name);
    if (typeof constant === 'string') return { error: constant };
    const { value, unit } = constant;
    return { value: { value, unit } };
  },
});

/** The calculator server. Its state is `{constants: [{name, value, unit}]}` and never changes. */
export const maths: ServerDef = {
  name: 'maths',
  description: 'A calculator, with a table of measured constants.',
  tools: [
    power,
    nthRoot,
    gcd,
    primeFactors,
    percentage,
    convertBase,
    determinant,
    polynomialRoots,
    getConstant,
  ],
  initial(rng, pool): MathsState {
    const names = distinct(8, () => pairName(rng, pool, 'constant', [QUALITIES, QUANTITIES]));
    const constants = names.map((name) => ({
      name,
      value: rng.int(105, 3990) / 100,
      unit: rng.pick(UNITS),
    }));
    return { constants };
  },
};
