// When a text states a value. Knows no trace.
import type { Json } from '../trajectory/json.ts';
import { folded, sameNumber } from '../trajectory/json-values.ts';

/** Numbers that stand alone: no part of an id (I-42), a date (2026-01-05) or a time (14:30). */
const NUMBER =
  /(?<![\p{L}\p{N}_]|[\p{L}\p{N}_]-|\d[.:])-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?(?!\d|[-.:]\d)/gu;

/** The numbers of a text that are no part of an id, a date or a time; `1,234` is one number. */
export function numbersIn(text: string): number[] {
  return [...text.matchAll(NUMBER)].map(([match]) => Number(match.replaceAll(',', '')));
}

/** Whether a text has a number, or a string as whole words, case and runs of white space aside. */
export function statesValue(text: string, value: string | number): boolean {
  if (typeof value === 'number') return numbersIn(text).some((found) => sameNumber(found, value));
  const wanted = folded(value);
  if (wanted === '') return false;
  const within = folded(text);
  for (let at = within.indexOf(wanted); at >= 0; at = within.indexOf(wanted, at + 1)) {
    const before = within.slice(0, at);
    const after = within.slice(at + wanted.length);
    const startsInside = /^[\p{L}\p{N}_]/u.test(wanted) && /[\p{L}\p{N}_]$/u.test(before);
    const endsInside = /[\p{L}\p{N}_]$/u.test(wanted) && /^[\p{L}\p{N}_]/u.test(after);
    if (!startsInside && !endsInside) return true;
  }
  return false;
}

/** The strings and numbers inside a JSON value, in order; empty strings are left out. */
export function leaves(value: Json): (string | number)[] {
  if (typeof value === 'number') return [value];
  if (typeof value === 'string') return value.trim() === '' ? [] : [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(leaves);
}
