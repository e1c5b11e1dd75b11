// What the requests of the unseen split share: parts that ask and change, and the lists in results. Knows no server.
import { z } from 'zod';
import type { Json, JsonObject } from '../../trajectory/json.ts';
import { jsonObjectSchema } from '../../trajectory/json.ts';
import type { Check } from '../../trajectory/rubric.ts';
import { type Part, Rejected } from '../draft.ts';
import { asking, field } from '../parts.ts';

/** The part is fulfilled when the answer states the values and the change is there: `what` names the values. */
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

/** The objects in the list of a result. */
export function rowsOf(result: JsonObject, key: string): JsonObject[] {
  return z.array(jsonObjectSchema).parse(field(result, key));
}

/** The texts in the list of a result. */
export function textsOf(result: JsonObject, key: string): string[] {
  return z.array(z.string()).parse(field(result, key));
}

/**
 * The entry at a place of a list, counted from its end when negative.
 * @throws {Rejected} when the list is too short.
 */
export function entryAt<T>(list: readonly T[], place: number): T {
  const entry = list.at(place);
  if (entry === undefined) throw new Rejected(`no entry ${place} of ${list.length}`);
  return entry;
}
