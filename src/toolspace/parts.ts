// What parts of requests are made of: what is asked, what must be there at the end. Knows no server.
import { defined } from '../base/assert.ts';
import type { Json, JsonObject } from '../trajectory/json.ts';
import type { Check } from '../trajectory/rubric.ts';
import { type Part, statesAll } from './draft.ts';

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

/** A part that changes something and asks for values that come of it. */
export function askingAndChanging(part: Part, checks: readonly Check[]): Part {
  const { description, check } = part.requirement;
  const all: Check = { kind: 'all', checks: [check, ...checks] };
  return { ...part, requirement: { description, check: all } };
}
