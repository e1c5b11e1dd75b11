// What parts of requests are made of: what is asked, what must be there at the end. Knows no server.
import { z } from 'zod';
import { defined } from '../base/assert.ts';
import { type Json, type JsonObject, jsonObjectSchema } from '../trajectory/json.ts';
import type { Check } from '../trajectory/rubric.ts';
import { type Draft, type Part, statesAll } from './draft.ts';

/** A part that asks for values read by calls. */
export function asking(slots: Record<string, string>, values: readonly Json[], what: string): Part {
  const asked = values.map((value) => (typeof value === 'number' ? value : String(value)));
  const description = `The answer states ${what}: ${asked.join(', ')}.`;
  return { slots, asked, requirement: { description, check: statesAll(asked) } };
}

/** The field of a result. */
export function field(result: JsonObject, key: string): Json {
  return defined(result[key], key);
}

/** A part that changes something: `what` is a clause that is true at the end, as the checks see it. */
export function changing(slots: Record<string, string>, what: string, checks: Check[]): Part {
  const check: Check = checks.length === 1 ? defined(checks[0], 'check') : { kind: 'all', checks };
  return { slots, asked: [], requirement: { description: `At the end ${what}.`, check } };
}

/** A part that changes something and asks for values: the answer must state them, and the checks hold at the end. */
export function askingAndChanging(
  slots: Record<string, string>,
  values: readonly Json[],
  what: string,
  checks: readonly Check[],
): Part {
  const part = asking(slots, values, what);
  const { description, check } = part.requirement;
  return {
    ...part,
    requirement: { description, check: { kind: 'all', checks: [check, ...checks] } },
  };
}

/** A text of a result. */
export function textOf(result: JsonObject, key: string): string {
  return z.string().parse(field(result, key));
}

/** A number of a result. */
export function numberOf(result: JsonObject, key: string): number {
  return z.number().parse(field(result, key));
}

/** A number of the result of a call. */
export function readNumber(draft: Draft, tool: string, args: JsonObject, key: string): number {
  return numberOf(draft.call(tool, args), key);
}

/** The rows of a list in a result. */
export function rowsOf(result: JsonObject, key = 'items'): JsonObject[] {
  return z.array(jsonObjectSchema).parse(field(result, key));
}
