// What requests about travel share: a row of a result, and the dates, people and cities that a part before may hand on.
// Knows no server.
import { defined } from '../../base/assert.ts';
import { type JsonObject, jsonObjectSchema } from '../../trajectory/json.ts';
import { type Draft, type Part, Rejected } from '../draft.ts';
import { field, rowsOf } from '../parts.ts';
import { cityName } from '../servers/travel-values.ts';

/** The object in a result. */
export function objectIn(result: JsonObject, key: string): JsonObject {
  return jsonObjectSchema.parse(field(result, key));
}

/** The first row that fits. @throws {Rejected} when none does. */
export function rowOf(
  result: JsonObject,
  key: string,
  fits: (row: JsonObject) => boolean = () => true,
): JsonObject {
  const row = rowsOf(result, key).find(fits);
  if (row === undefined) throw new Rejected(`no row of ${key} fits`);
  return row;
}

/** The part, handing on the first value that it asks for. */
export function handingOn(part: Part): Part {
  return { ...part, gives: defined(part.asked[0], 'asked value') };
}

/** A date to come, or the one that is handed on. */
export const givenDate = (draft: Draft) => draft.given('date', () => draft.laterDate());

/** A new person, or the one that is handed on. */
export const givenPerson = (draft: Draft) => draft.given('person', () => draft.person());

/** A city that no state has, or the one that is handed on. */
export const givenCity = (draft: Draft) =>
  draft.given('city', () => draft.fresh(cityName(draft.rng, draft.pool)));
