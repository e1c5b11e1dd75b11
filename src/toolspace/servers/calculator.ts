// The built-in pocket calculator: expressions, memory registers, rounding, tax and tips. Knows nothing of tasks or
// transports.
import { z } from 'zod';
import { defineTool, type ServerDef } from '../server.ts';
import { rounded } from '../values.ts';

const REGISTERS = ['M1', 'M2', 'M3', 'M4', 'M5', 'M6'] as const;
const TAX_CLASSES = ['standard', 'reduced', 'exempt'] as const;
const DIRECTIONS = ['nearest', 'even', 'up', 'down'] as const;

type Register = { id: string; value: number };
export type CalculatorState = {
  registers: Register[];
  taxPercent: Record<(typeof TAX_CLASSES)[number], number>;
};

/** What a reader of expressions complains of. */
class BadExpression extends Error {}

const TOKEN = /\s*(\d+(?:\.\d+)?|[A-Za-z]\w*|[-+*/^%(),])/y;
const NUMBER = /^\d/;
/** Functions of one number, and those of any. */
const UNARY: Readonly<Record<string, (x: number) => number>> = { sqrt: Math.sqrt, abs: Math.abs };
const VARIADIC: Readonly<Record<string, (...all: number[]) => number>> = {
  min: Math.min,
  max: Math.max,
};
const FUNCTION_NAMES = [...Object.keys(UNARY), ...Object.keys(VARIADIC)];

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  const source = text.trimEnd();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(source)?.[1];
    if (token === undefined) {
      throw new BadExpression(`cannot read '${source.slice(at).trim()}'`);
    }
    tokens.push(token);
  }
  return tokens;
}

/** Reads an expression from left to right by recursive descent: a method for each level of binding. */
class Reader {
  readonly #tokens: readonly string[];
  readonly #registers: readonly Register[];
  #at = 0;

  constructor(text: string, registers: readonly Register[]) {
    this.#tokens = tokensOf(text);
    this.#registers = registers;
  }

  whole(): number {
    const value = this.#sum();
    const rest = this.#tokens[this.#at];
    if (rest !== undefined) throw new BadExpression(`did not expect '${rest}'`);
    return value;
  }

  #sum(): number {
    let value = this.#product();
    for (;;) {
      if (this.#skip('+')) value += this.#product();
      else if (this.#skip('-')) value -= this.#product();
      else return value;
    }
  }

  #product(): number {
    let value = this.#signed();
    for (;;) {
      if (this.#skip('*')) value *= this.#signed();
      else if (this.#skip('/')) value /= this.#divisor();
      else if (this.#skip('%')) value %= this.#divisor();
      else return value;
    }
  }

  #divisor(): number {
    const value = this.#signed();
    if (value === 0) throw new BadExpression('division by zero');
    return value;
  }

  #signed(): number {
    return this.#skip('-') ? -this.#signed() : this.#power();
  }

  /** Binds to the right, and tighter than a sign before it: -2^2 is -4. */
  #power(): number {
    const base = this.#atom();
    return this.#skip('^') ? base ** this.#signed() : base;
  }

  #atom(): number {
    const token = this.#tokens[this.#at];
    this.#at += 1;
    if (token === undefined) throw new BadExpression('it ends too early');
    if (NUMBER.test(token)) return Number(token);
    if (token === '(') return this.#closed();
    const register = this.#registers.find(({ id }) => id === token.toUpperCase());
    if (register !== undefined) return register.value;
    if (FUNCTION_NAMES.includes(token) && this.#skip('(')) return this.#called(token);
    const names = [...FUNCTION_NAMES.map((name) => `${name}()`), 'M1 to M6'].join(', ');
    throw new BadExpression(`did not expect '${token}'; names are ${names}`);
  }

  #closed(): number {
    const value = this.#sum();
    if (!this.#skip(')')) throw new BadExpression("')' is missing");
    return value;
  }

  #called(name: string): number {
    const args = [this.#sum()];
    while (this.#skip(',')) args.push(this.#sum());
    if (!this.#skip(')')) throw new BadExpression("')' is missing");
    const unary = UNARY[name];
    if (unary === undefined) return VARIADIC[name]?.(...args) ?? Number.NaN;
    const [only, ...rest] = args;
    if (only === undefined || rest.length > 0) {
      throw new BadExpression(`${name}() takes 1 number, got ${args.length}`);
    }
    return unary(only);
  }

  #skip(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at += 1;
    return true;
  }
}

const compute = defineTool({
  name: 'compute',
  description:
    'Evaluates an expression of numbers, + - * / ^, % (remainder), parentheses, sqrt, abs, min, max and the registers M1 to M6. Fails when it cannot be read or has no finite value.',
  input: z.strictObject({
    expression: z.string().min(1).max(200).describe('such as (14 + 3) * 7'),
    decimals: z.int().min(0).max(10).default(6),
  }),
  output: z.strictObject({ result: z.number() }),
  kind: 'reads',
  run(state: CalculatorState, { expression, decimals }) {
    try {
      const value = new Reader(expression, state.registers).whole();
      if (!Number.isFinite(value)) return { error: 'expression: has no finite value' };
      // Beyond 2^53 there are no decimals to round, and scaling might leave the range.
      const result = Number.isSafeInteger(Math.trunc(value)) ? rounded(value, decimals) : value;
      return { value: { result: result + 0 } };
    } catch (error) {
      if (error instanceof BadExpression) return { error: `expression: ${error.message}` };
      throw error;
    }
  },
});

/** To `places` decimals; `even` breaks ties to the even digit, as IEEE 754 does. */
function toPlaces(value: number, places: number, direction: (typeof DIRECTIONS)[number]): number {
  // Fourteen digits hide the error of the product, so that 1.005 is a tie at two decimals.
  const scaled = Number((value * 10 ** places).toPrecision(14));
  const below = Math.floor(scaled);
  const tieDown = below % 2 === 0;
  const whole = {
    up: Math.ceil(scaled),
    down: below,
    nearest: Math.sign(scaled) * Math.round(Math.abs(scaled)),
    even: scaled - below === 0.5 && tieDown ? below : Math.round(scaled),
  }[direction];
  return whole / 10 ** places + 0;
}

const roundOff = defineTool({
  name: 'round_off',
  description:
    'Rounds a number to some decimals: to the nearest (ties away from zero), to the nearest with ties to even, up, or down.',
  input: z.strictObject({
    number: z.number().min(-1e9).max(1e9),
    places: z.int().min(0).max(4).default(0),
    direction: z.enum(DIRECTIONS).default('nearest'),
  }),
  output: z.strictObject({ rounded: z.number() }),
  kind: 'reads',
  run(_state: CalculatorState, { number, places, direction }) {
    return { value: { rounded: toPlaces(number, places, direction) } };
  },
});

const register = z.enum(REGISTERS).describe('memory register');
const content = z.strictObject({ register: z.enum(REGISTERS), value: z.number() });

function valueIn(state: CalculatorState, id: string): number {
  return state.registers.find((entry) => entry.id === id)?.value ?? 0;
}

function withValue(state: CalculatorState, id: string, value: number): CalculatorState {
  const registers = state.registers.map((entry) => (entry.id === id ? { id, value } : entry));
  return { ...state, registers };
}

const memoryRecall = defineTool({
  name: 'memory_recall',
  description: 'Reads a memory register.',
  input: z.strictObject({ register }),
  output: content,
  kind: 'reads',
  run(state: CalculatorState, args) {
    return { value: { register: args.register, value: valueIn(state, args.register) } };
  },
});

const memoryStore = defineTool({
  name: 'memory_store',
  description: 'Stores a number in a memory register; what was there is lost.',
  input: z.strictObject({ register, value: z.number() }),
  output: content,
  kind: 'sets',
  run(state: CalculatorState, { register: id, value }) {
    return { value: { register: id, value }, state: withValue(state, id, value) };
  },
});

const memoryAdd = defineTool({
  name: 'memory_add',
  description: 'Adds a number to a memory register, or takes it away, and tells the new content.',
  input: z.strictObject({ register, value: z.number(), subtract: z.boolean().default(false) }),
  output: content,
  kind: 'adds',
  run(state: CalculatorState, { register: id, value, subtract }) {
    const sum = rounded(valueIn(state, id) + (subtract ? -value : value), 6);
    return { value: { register: id, value: sum }, state: withValue(state, id, sum) };
  },
});

const taxOn = defineTool({
  name: 'tax_on',
  description: 'Computes the tax on a net price by its class, and the gross price, to cents.',
  input: z.strictObject({
    net: z.number().min(0).max(1e9),
    class: z.enum(TAX_CLASSES).default('standard'),
  }),
  output: z.strictObject({ percent: z.number(), tax: z.number(), gross: z.number() }),
  kind: 'reads',
  run(state: CalculatorState, args) {
    const percent = state.taxPercent[args.class];
    const tax = rounded((args.net * percent) / 100, 2);
    return { value: { percent, tax, gross: rounded(args.net + tax, 2) } };
  },
});

const tipShare = defineTool({
  name: 'tip_share',
  description:
    'Adds a tip to a bill and divides it among people. Shares are rounded up to the cent, so that they cover the bill.',
  input: z.strictObject({
    bill: z.number().min(0).max(1e6),
    percent: z.number().min(0).max(100).describe('tip in percent of the bill'),
    people: z.int().min(1).max(100).default(1),
  }),
  output: z.strictObject({ tip: z.number(), total: z.number(), share: z.number() }),
  kind: 'reads',
  run(_state: CalculatorState, { bill, percent, people }) {
    const tip = rounded((bill * percent) / 100, 2);
    const total = rounded(bill + tip, 2);
    return { value: { tip, total, share: toPlaces(total / people, 2, 'up') } };
  },
});

/** The calculator server. Its state is `{registers: [{id, value}], taxPercent: {standard, reduced, exempt}}`. */
export const calculator: ServerDef = {
  name: 'calculator',
  description: 'A pocket calculator with six memory registers, tax and tips.',
  tools: [compute, roundOff, memoryRecall, memoryStore, memoryAdd, taxOn, tipShare],
  initial(rng): CalculatorState {
    return {
      registers: REGISTERS.map((id) => ({ id, value: rounded(rng.int(200, 98_000) / 100, 2) })),
      taxPercent: { standard: rng.int(16, 25), reduced: rng.int(4, 10), exempt: 0 },
    };
  },
};
