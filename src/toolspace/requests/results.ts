// What requests read from results, and the part that both asks and changes. Knows no server.
import type { JsonObject } from '../../trajectory/json.ts';
import type { Check } from '../../trajectory/rubric.ts';
import type { Part } from '../draft.ts';
import { asking, field } from '../parts.ts';

/** A text of a result. */
export function textOf(result: JsonObject, key: string): string {
  return String(field(result, key));
}

/** A number of a result. */
export function numberOf(result: JsonObject, key: string): number {
  return Number(field(result, key));
}

/** A part that asks for values and changes something: the answer must state them and the checks must hold. */
export function askingAndChanging(
  slots: Record<string, string>,
  values: readonly (string | number)[],
  what: string,
  checks: readonly Check[],
): Part {
  const { asked, requirement } = asking(slots, values, what);
  const check: Check = { kind: 'all', checks: [requirement.check, ...checks] };
  return { slots, asked, requirement: { ...requirement, check } };
}
