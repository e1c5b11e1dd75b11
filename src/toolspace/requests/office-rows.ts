// What requests to the office servers share: rows of results, quoted names, parts that ask and change. Knows no server.
import { z } from 'zod';
import { defined } from '../../base/assert.ts';
import { type JsonObject, jsonObjectSchema } from '../../trajectory/json.ts';
import type { Check } from '../../trajectory/rubric.ts';
import { type Part, Rejected } from '../draft.ts';
import { asking, field } from '../parts.ts';

/** A name as requests write it. */
export const quoted = (name: string) => `'${name}'`;

/** A text in a result. */
export const textIn = (result: JsonObject, key: string) => z.string().parse(field(result, key));

/** A number in a result. */
export const numberIn = (result: JsonObject, key: string) => z.number().parse(field(result, key));

/** The rows of a list in a result. */
export function rowsIn(result: JsonObject, key = 'items'): JsonObject[] {
  return z.array(jsonObjectSchema).parse(field(result, key));
}

/** The first row of a list in a result. @throws {Rejected} when it is empty. */
export function firstIn(result: JsonObject, key = 'items'): JsonObject {
  const [row] = rowsIn(result, key);
  if (row === undefined) throw new Rejected(`no ${key}`);
  return row;
}

/** The last row of the last of two pages. @throws {Rejected} when there are not two. */
export function lastOfTwoPages(call: (page: number | null) => JsonObject): JsonObject {
  const { nextPage } = call(null);
  if (typeof nextPage !== 'number') throw new Rejected('one page');
  const second = call(nextPage);
  if (second['nextPage'] !== null) throw new Rejected('more than two pages');
  return defined(rowsIn(second).at(-1), 'row');
}

/** A part that asks for values and changes something. */
export function askingAndChanging(
  slots: Record<string, string>,
  values: readonly (string | number)[],
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
