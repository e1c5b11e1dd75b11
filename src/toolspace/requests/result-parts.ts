// What requests read out of results, and parts that ask for values and change a state at once. Knows no server.
import type { Json, JsonObject } from '../../trajectory/json.ts';
import type { Check } from '../../trajectory/rubric.ts';
import type { Draft, Part } from '../draft.ts';
import { asking, field } from '../parts.ts';

/** A number of the result of a call. */
export function numberOf(draft: Draft, tool: string, args: JsonObject, key: string): number {
  return Number(field(draft.call(tool, args), key));
}

/** The objects of a list in a result. */
export function rowsOf(result: JsonObject, key: string): JsonObject[] {
  const rows = field(result, key);
  return (Array.isArray(rows) ? rows : []).filter(isObject);
}

function isObject(value: Json): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** A part whose answer states `values`, named by `what`, and at whose end the `changes` are true. */
export function askingAndChanging(
  slots: Record<string, string>,
  values: readonly Json[],
  what: string,
  changes: readonly Check[],
): Part {
  const part = asking(slots, values, what);
  const check: Check = { kind: 'all', checks: [part.requirement.check, ...changes] };
  return { ...part, requirement: { ...part.requirement, check } };
}
