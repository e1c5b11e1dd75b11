// JSON numbers in a range, digit by digit: at most 15 digits before the point, so that each is exact, 12 behind it, and no
// exponent. Knows no schema.
import { Expression, type Expressions } from './expression.ts';

const WHOLE_DIGITS = 15;
const FRACTION_DIGITS = 12;
const BEGUN = /^-?(?:(?:0|[1-9]\d*)(?:\.\d*)?)?$/;
const COMPLETE = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;

/** Bounds of a number; an open bound is not itself in the range. */
export interface NumberRange {
  readonly integer: boolean;
  readonly min: number;
  readonly max: number;
  readonly minOpen: boolean;
  readonly maxOpen: boolean;
}

/** Whether a number from `low` (itself possible) to `high` (only up to it, unless equal) is in the range. */
function meets(range: NumberRange, low: number, high: number): boolean {
  const { integer, min, max, minOpen, maxOpen } = range;
  let from = Math.max(low, min);
  if (integer) from = minOpen && from === min ? Math.floor(from) + 1 : Math.ceil(from);
  const open = !integer && minOpen && from === min;
  if (from > max || (from === max && (maxOpen || open))) return false;
  return from < high || (from === high && low === high && !open);
}

function mirrored({ integer, min, max, minOpen, maxOpen }: NumberRange): NumberRange {
  return { integer, min: -max, max: -min, minOpen: maxOpen, maxOpen: minOpen };
}

/** Whether some number that begins with `text` is in the range. */
function reaches(range: NumberRange, text: string): boolean {
  if (!BEGUN.test(text)) return false;
  // Minus zero helps nobody.
  if (text.startsWith('-')) return range.min < 0 && reaches(mirrored(range), text.slice(1));
  const [whole = '', fraction] = text.split('.');
  if (whole.length > WHOLE_DIGITS) return false;
  const value = Number(text);
  if (fraction !== undefined) {
    if (range.integer || fraction.length > FRACTION_DIGITS) return false;
    if (fraction.length === FRACTION_DIGITS) return meets(range, value, value);
    return meets(range, value, value + 10 ** -fraction.length);
  }
  if (whole === '') return meets(range, 0, 10 ** WHOLE_DIGITS);
  const more = whole === '0' ? 0 : WHOLE_DIGITS - whole.length;
  for (let digits = 0; digits <= more; digits++) {
    const scale = 10 ** digits;
    if (meets(range, value * scale, (value + 1) * scale)) return true;
  }
  return false;
}

class NumberText extends Expression {
  readonly nullable: boolean;
  readonly #all: Expressions;
  readonly #range: NumberRange;
  readonly #text: string;

  constructor(id: number, all: Expressions, range: NumberRange, text: string) {
    super(id);
    this.#all = all;
    this.#range = range;
    this.#text = text;
    const value = Number(text);
    this.nullable = COMPLETE.test(text) && meets(range, value, value);
  }

  protected derive(byte: number): Expression {
    return numberText(this.#all, this.#range, this.#text + String.fromCharCode(byte));
  }
}

/** The rest of a number in a range that begins with `text`. */
export function numberText(all: Expressions, range: NumberRange, text = ''): Expression {
  if (!reaches(range, text) && (text !== '' || !reaches(range, '-'))) return all.never;
  const { integer, min, max, minOpen, maxOpen } = range;
  const key = `number ${integer} ${min} ${max} ${minOpen} ${maxOpen} ${text}`;
  return all.intern(key, (id) => new NumberText(id, all, range, text));
}
