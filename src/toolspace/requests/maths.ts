// Requests to the calculator. Knows nothing of how parts are combined.
import type { Rng } from '../../base/rng.ts';
import { type Family, Rejected } from '../draft.ts';
import { asking, field, readNumber } from '../parts.ts';
import type { MathsState } from '../servers/maths.ts';

const BASES = [2, 3, 5, 8, 12, 16] as const;
const ORDINALS = ['3rd', '4th', '5th'] as const;

/** Two to four numbers as they stand in a sentence. */
function listed(numbers: readonly number[]): string {
  return `${numbers.slice(0, -1).join(', ')} and ${numbers.at(-1)}`;
}

const cents = (rng: Rng, low: number, high: number) => rng.int(low * 100, high * 100) / 100;

/** The coefficients of scale * (x - root) * ..., highest power first. */
function expanded(scale: number, roots: readonly number[]): number[] {
  let coefficients = [scale];
  for (const root of roots) {
    const before = [0, ...coefficients];
    coefficients = [...coefficients, 0].map((c, i) => c - root * (before[i] ?? 0));
  }
  return coefficients;
}

export const MATHS_REQUESTS: readonly Family[] = [
  {
    name: 'maths_power',
    tools: ['maths:power'],
    byName: false,
    takes: 'number',
    gives: 'number',
    phrasings: {
      train: [
        'What is {n} [|raised ]to the power of {k}?',
        '[Raise|Take] {n} to the power of {k}[|, please].',
        '[Calculate|Compute|Work out] {n} to the power of {k}.',
      ],
      heldOut: [
        'I need {n} with the exponent {k}.',
        'If {n} is the base and {k} the exponent, what comes out?',
      ],
    },
    draw(draft) {
      const { rng } = draft;
      const draw = () => (rng.chance(0.6) ? rng.int(3, 48) : rng.int(11, 99) / 10);
      const { value: base, shown } = draft.given('number', draw);
      const exponent = rng.int(3, 5);
      const result = readNumber(draft, 'maths:power', { base, exponent }, 'result');
      const slots = { n: shown, k: String(exponent) };
      return { ...asking(slots, [result], `${base} to the power of ${exponent}`), gives: result };
    },
  },
  {
    name: 'maths_square_root',
    tools: ['maths:nth_root'],
    byName: false,
    takes: 'number',
    gives: 'number',
    phrasings: {
      train: [
        'What is the square root of {n}?',
        '[Calculate|Compute|Work out|Find|Give me] the square root of {n}.',
        '[Tell me|State] the square root of {n}.',
      ],
      heldOut: [
        'Which positive number, squared, is {n}?',
        'I need to know the square root of {n}.',
      ],
    },
    draw(draft) {
      const { value, shown } = draft.given('number', () => draft.rng.int(12, 9870));
      const root = readNumber(draft, 'maths:nth_root', { value }, 'root');
      return { ...asking({ n: shown }, [root], `the square root of ${value}`), gives: root };
    },
  },
  {
    name: 'maths_constant_root',
    tools: ['maths:get_constant', 'maths:nth_root'],
    byName: true,
    gives: 'number',
    phrasings: {
      train: [
        'What is the {degree} root of the constant {name}?',
        '[Look up|Read|Take] the constant {name} and [give me|tell me|calculate] its {degree} root.',
        'Look up [the constant |]{name} in the table of constants; what is its {degree} root?',
      ],
      heldOut: [
        'The table has a constant {name}: state the {degree} root of its value.',
        'I need the {degree} root of whatever value the constant {name} has.',
      ],
    },
    draw(draft) {
      const { constants } = draft.state<MathsState>('maths');
      const name = draft.fresh(draft.rng.pick(constants).name);
      const degree = draft.rng.pick(ORDINALS);
      const spelled = draft.spelled(name);
      const found = draft.find('maths:get_constant', 'name', spelled, name);
      const args = { value: field(found, 'value'), degree: Number.parseInt(degree, 10) };
      const root = readNumber(draft, 'maths:nth_root', args, 'root');
      const slots = { name: `'${spelled}'`, degree };
      return { ...asking(slots, [root], `the ${degree} root of '${name}'`), gives: root };
    },
  },
  {
    name: 'maths_multiple_factor',
    tools: ['maths:gcd_lcm', 'maths:prime_factors'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        '[Find|Calculate|Work out] the least common multiple of {list} and its largest prime factor.',
        'What is the least common multiple of {list}, and what is the largest prime factor of that multiple?',
        '[Give|Tell] me the least common multiple of {list}, and the largest prime that divides it.',
      ],
      heldOut: [
        'State the smallest number that {list} all divide, and the greatest prime factor it has.',
        'For {list}, name the lowest common multiple and the biggest of its prime factors.',
      ],
    },
    draw(draft) {
      const { rng } = draft;
      const scale = rng.int(2, 9);
      const numbers = rng.sample([3, 4, 5, 7, 8, 9, 11, 13, 14, 17], 3).map((n) => n * scale);
      const lcm = readNumber(draft, 'maths:gcd_lcm', { numbers }, 'lcm');
      const largest = readNumber(draft, 'maths:prime_factors', { n: lcm }, 'largest');
      const list = listed(numbers);
      const what = `the least common multiple of ${list} and its largest prime factor`;
      return { ...asking({ list }, [lcm, largest], what), gives: lcm };
    },
  },
  {
    name: 'maths_percent_of',
    tools: ['maths:percentage'],
    byName: false,
    takes: 'amount',
    gives: 'amount',
    phrasings: {
      train: [
        'What is {percent} percent of {amount}?',
        '[Calculate|Compute|Work out|Find] {percent} percent of {amount}.',
        '[Tell me|Give me] {percent} percent of {amount}.',
        'How much is {percent} percent of {amount}?',
      ],
      heldOut: [
        'I have to pay {percent} percent of {amount}; how much is that?',
        'State what {percent} percent of {amount} comes to.',
      ],
    },
    draw(draft) {
      const percent = draft.rng.int(3, 97);
      const { value: amount, shown } = draft.given('amount', () => cents(draft.rng, 12, 980));
      const args = { mode: 'part', a: percent, b: amount };
      const result = readNumber(draft, 'maths:percentage', args, 'result');
      const slots = { percent: String(percent), amount: shown };
      return { ...asking(slots, [result], `${percent} percent of ${amount}`), gives: result };
    },
  },
  {
    name: 'maths_percent_change',
    tools: ['maths:percentage'],
    byName: false,
    takes: 'amount',
    gives: 'number',
    phrasings: {
      train: [
        'By how many percent does a price change that goes from {amount} to {b}?',
        'What is the change from {amount} to {b} in percent?',
        '[Calculate|Work out|Give me] the change from {amount} to {b} in percent.',
        'How large is the change from {amount} to {b}, in percent of the former?',
      ],
      heldOut: [
        'A price went from {amount} to {b}; state the change in percent.',
        'Express the step from {amount} to {b} as a change in percent.',
      ],
    },
    draw(draft) {
      const { value: a, shown } = draft.given('amount', () => cents(draft.rng, 12, 480));
      const b = cents(draft.rng, 490, 980);
      const result = readNumber(draft, 'maths:percentage', { mode: 'change', a, b }, 'result');
      const slots = { amount: shown, b: String(b) };
      return { ...asking(slots, [result], `the change from ${a} to ${b}`), gives: result };
    },
  },
  {
    name: 'maths_base',
    tools: ['maths:convert_base'],
    byName: false,
    phrasings: {
      train: [
        '[Convert|Translate] the number {digits} from base {from} to base {to}.',
        'The number {digits} is written in base {from}; [write|give] it in base {to}.',
        'What is the base {from} number {digits} in base {to}?',
        '[Write|Give me] the base {from} number {digits} in base {to}.',
      ],
      heldOut: [
        'How does one write {digits}, a number in base {from}, in base {to}?',
        'I have {digits} in base {from} and need it in base {to}.',
      ],
    },
    draw(draft) {
      const [from = 2, to = 16] = draft.rng.sample(BASES, 2);
      const digits = draft.rng.int(20, 4000).toString(from);
      const result = field(draft.call('maths:convert_base', { digits, from, to }), 'digits');
      const slots = { digits, from: String(from), to: String(to) };
      return asking(slots, [result], `${digits} of base ${from} in base ${to}`);
    },
  },
  {
    name: 'maths_determinant',
    tools: ['maths:determinant'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'What is the determinant of the matrix {matrix}?',
        '[Calculate|Compute|Work out|Find] the determinant of [|the matrix ]{matrix}.',
        'The [rows|matrix rows] are {matrix}; [give me|tell me] the determinant.',
      ],
      heldOut: [
        'Which determinant does {matrix} have?',
        'I need the determinant of the rows {matrix}.',
      ],
    },
    draw(draft) {
      const { rng } = draft;
      const size = rng.int(2, 3);
      const matrix = Array.from({ length: size }, () =>
        Array.from({ length: size }, () => rng.int(-9, 12)),
      );
      const result = readNumber(draft, 'maths:determinant', { matrix }, 'determinant');
      const shown = JSON.stringify(matrix).replaceAll(',', ', ');
      const part = asking({ matrix: shown }, [result], `the determinant of ${shown}`);
      return { ...part, gives: result };
    },
  },
  {
    name: 'maths_polynomial',
    tools: ['maths:polynomial_roots'],
    byName: false,
    phrasings: {
      train: [
        'What are the real roots of the polynomial with the coefficients {list}, highest power first?',
        '[Find|Calculate|List|Give me] the real roots of the polynomial whose coefficients are {list}, highest power first.',
        'A polynomial has the coefficients {list}, starting with the highest power; [name|state] its real roots.',
      ],
      heldOut: [
        'For which real x is the polynomial with the coefficients {list} (highest power first) zero?',
        'Where does the polynomial with the coefficients {list}, from the highest power down, cross or touch zero?',
      ],
    },
    draw(draft) {
      const { rng } = draft;
      const span = Array.from({ length: 19 }, (_, i) => i - 9);
      const coefficients = expanded(rng.int(1, 3), rng.sample(span, rng.int(2, 3)));
      const found = draft.call('maths:polynomial_roots', { coefficients });
      const roots = field(found, 'roots');
      if (!Array.isArray(roots)) throw new Rejected('no roots');
      const list = listed(coefficients);
      return asking({ list }, roots, `the real roots of the coefficients ${list}`);
    },
  },
];
