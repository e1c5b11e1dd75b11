// The built-in unit conversion: measures, money at the world's rates, days, and a product. Knows
// nothing of tasks.
import { z } from 'zod';
import { defineTool, type Outcome, type ServerDef } from '../server.ts';
import { daysBetween, isDate, rounded, shiftDate } from '../values.ts';

export const MEASURES = ['km', 'mi', 'kg', 'lb', 'm', 'ft'] as const;
export const MONEY = ['eur', 'usd', 'gbp', 'chf'] as const;
export type Measure = (typeof MEASURES)[number];
export type Currency = (typeof MONEY)[number];

/** Units of each currency for one eur. */
export type UnitsState = { rates: Record<Currency, number> };

// International foot, mile and pound: NIST SP 811, appendix B.
const FACTORS: Readonly<Partial<Record<string, number>>> = {
  'km>mi': 1 / 1.609344,
  'mi>km': 1.609344,
  'kg>lb': 1 / 0.45359237,
  'lb>kg': 0.45359237,
  'm>ft': 1 / 0.3048,
  'ft>m': 0.3048,
};

/** The measures that convert into each other. */
export const CONVERSIONS: readonly (readonly [Measure, Measure])[] = [
  ['km', 'mi'],
  ['mi', 'km'],
  ['kg', 'lb'],
  ['lb', 'kg'],
  ['m', 'ft'],
  ['ft', 'm'],
];

const convert = defineTool({
  name: 'convert',
  description: 'Converts a measure, rounded to one decimal.',
  input: z.strictObject({ value: z.number(), from: z.enum(MEASURES), to: z.enum(MEASURES) }),
  kind: 'reads',
  run(_state: UnitsState, { value, from, to }) {
    const factor = from === to ? 1 : FACTORS[`${from}>${to}`];
    if (factor === undefined) return { error: `to: cannot convert ${from} to ${to}` };
    return { value: { value: rounded(value * factor, 1) } };
  },
});

function rate(state: UnitsState, from: Currency, to: Currency): number {
  return rounded(state.rates[to] / state.rates[from], 2);
}

const exchange = defineTool({
  name: 'exchange',
  description: 'Changes an amount of money, rounded to one decimal.',
  input: z.strictObject({ value: z.number(), from: z.enum(MONEY), to: z.enum(MONEY) }),
  kind: 'reads',
  run(state: UnitsState, { value, from, to }) {
    return { value: { value: rounded(value * rate(state, from, to), 1) } };
  },
});

const getRate = defineTool({
  name: 'get_rate',
  description: 'Reads the exchange rate of two currencies.',
  input: z.strictObject({ from: z.enum(MONEY), to: z.enum(MONEY) }),
  kind: 'reads',
  run(state: UnitsState, { from, to }) {
    return { value: { rate: rate(state, from, to) } };
  },
});

const multiply = defineTool({
  name: 'multiply',
  description: 'Multiplies two numbers.',
  input: z.strictObject({ a: z.number(), b: z.number() }),
  kind: 'reads',
  run(_state: UnitsState, { a, b }) {
    return { value: { result: rounded(a * b, 2) } };
  },
});

const addDays = defineTool({
  name: 'add_days',
  description: 'The date some days after a date.',
  input: z.strictObject({ date: z.string(), days: z.number().min(-9999).max(9999) }),
  kind: 'reads',
  run(_state: UnitsState, { date, days }): Outcome<UnitsState> {
    if (!isDate(date)) return { error: `date: got '${date}', need a date like 2026-03-14` };
    if (!Number.isInteger(days)) return { error: `days: got ${days}, need a whole number` };
    return { value: { date: shiftDate(date, days) } };
  },
});

const daysBetweenTool = defineTool({
  name: 'days_between',
  description: 'The number of days from a date to another.',
  input: z.strictObject({ from: z.string(), to: z.string() }),
  kind: 'reads',
  run(_state: UnitsState, { from, to }) {
    for (const [name, text] of Object.entries({ from, to })) {
      if (!isDate(text)) return { error: `${name}: got '${text}', need a date like 2026-03-14` };
    }
    return { value: { days: daysBetween(from, to) } };
  },
});

/** The unit conversion server. Its state is `{rates: {eur, usd, gbp, chf}}`, units for one eur. */
export const units: ServerDef = {
  name: 'units',
  description: 'Conversion of measures, money and dates.',
  tools: [convert, exchange, getRate, multiply, addDays, daysBetweenTool],
  initial(rng): UnitsState {
    const rates = {
      eur: 1,
      usd: rounded(rng.int(102, 138) / 100, 2),
      gbp: rounded(rng.int(71, 95) / 100, 2),
      chf: rounded(rng.int(88, 99) / 100, 2),
    };
    return { rates };
  },
};
